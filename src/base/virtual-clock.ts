/**
 * A clock that stands still until it is told to move. Timers fire in order of due time, then of setting, and between two of
 * them every microtask runs, so two runs of the same program are the same run.
 */
import { type Clock, type Timer, sleepOn } from './clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** @param startMs the first reading, milliseconds since the epoch */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, fire };
    this.#pending.add(pending);
    const cancel = (): void => void this.#pending.delete(pending);
    return { cancel, [Symbol.dispose]: cancel };
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** How many timers are set; a test's way to see leaks. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Moves time forward by `durationMs`, firing what falls due, and lets every microtask run before and after each timer. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.fire();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /**
   * Advances timer by timer until `done()` holds.
   * @throws AssertionError-like Error when no timer is left or `limitMs` has passed.
   */
  async advanceUntil(done: () => boolean, limitMs = 3_600_000): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    await settle();
    while (!done()) {
      const next = this.#next(endMs);
      if (!next) throw new Error(`condition not reached in ${limitMs} ms of virtual time`);
      await this.advance(next.dueMs - this.#nowMs);
    }
  }

  #next(untilMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueMs > untilMs) continue;
      if (!first || pending.dueMs < first.dueMs || (pending.dueMs === first.dueMs && pending.order < first.order)) first = pending;
    }
    return first;
  }
}

/** Lets queued microtasks (and what they queue) run; a macrotask boundary drains them all. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
