/**
 * Shares out the server's seats: what each level has by right, what it lends and may borrow, and from time to time who gets how many. Pure.
 * @source apiserver util/flowcontrol/apf_controller.go (updateBorrowing), conc_alloc.go; KEP-1040
 */
import type { DemandSummary } from './seat-demand.ts';

/** Seats of one level. */
export interface SeatLimits {
  readonly nominal: number;
  /** What is left when everything that may be lent is. */
  readonly lower: number;
  readonly upper: number;
}

export interface LevelShares {
  readonly name: string;
  readonly shares: number;
  /** 0 to 100. */
  readonly lendablePercent: number;
  /** Undefined: as many as there are. */
  readonly borrowingLimitPercent: number | undefined;
}

/** What each level has by right of `totalSeats`. */
export function nominalLimits(levels: readonly LevelShares[], totalSeats: number): Map<string, SeatLimits> {
  const allShares = levels.reduce((sum, { shares }) => sum + shares, 0);
  return new Map(
    levels.map(({ name, shares, lendablePercent, borrowingLimitPercent }) => {
      const nominal = allShares > 0 ? Math.ceil((totalSeats * shares) / allShares) : 0;
      const lower = nominal - Math.round((nominal * lendablePercent) / 100);
      const upper = borrowingLimitPercent === undefined ? totalSeats : nominal + Math.round((nominal * borrowingLimitPercent) / 100);
      return [name, { nominal, lower, upper }];
    }),
  );
}

/** How slowly a demand that fell is forgotten. */
const smoothing = 0.977;

/** The demand that a level is given room for: what it wanted lately, and what it wanted before, fading. */
export function smoothedDemand(before: number, { average, deviation, highWatermark }: DemandSummary): number {
  const envelope = Math.min(highWatermark, average + deviation);
  return Math.max(envelope, smoothing * before + (1 - smoothing) * envelope);
}

export interface Borrower {
  readonly limits: SeatLimits;
  readonly highWatermark: number;
  readonly smoothed: number;
}

/** The seats that each level has until the next round, in the order given. */
export function shareOut(levels: readonly Borrower[]): {
  readonly current: readonly number[];
  readonly targets: readonly number[];
  readonly fraction: number;
} {
  // Nobody is left with less than it used, as far as that is its own.
  const least = levels.map(({ limits, highWatermark }) => Math.max(limits.lower, Math.min(limits.nominal, highWatermark)));
  const targets = levels.map(({ smoothed }, i) => Math.max(least[i]!, smoothed));
  const total = levels.reduce((sum, { limits }) => sum + limits.nominal, 0);
  const seatsAt = (fraction: number): number[] =>
    levels.map(({ limits }, i) => Math.min(Math.max(limits.upper, least[i]!), Math.max(least[i]!, fraction * targets[i]!)));
  const fraction = fairFraction(total, seatsAt, targets);
  return { current: seatsAt(fraction).map(Math.round), targets, fraction };
}

/** The factor at which what all get together is `total`; what all get grows with it. */
function fairFraction(total: number, seatsAt: (fraction: number) => readonly number[], targets: readonly number[]): number {
  const sumAt = (fraction: number): number => seatsAt(fraction).reduce((sum, seats) => sum + seats, 0);
  if (targets.every((target) => target === 0) || sumAt(0) >= total) return 0;
  let [low, high] = [0, 1];
  while (sumAt(high) < total && high < 2 ** 20) [low, high] = [high, high * 2];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (sumAt(middle) < total) low = middle;
    else high = middle;
  }
  return high;
}
