/**
 * The probes of one kind of one container: one loop that waits, probes and counts. It ends by itself when there is nothing more to
 * learn: startup after its first result, liveness after it failed (the container will be replaced).
 * Invariant: after its signal aborted it reports nothing.
 */
import type { corev1 } from '../../api/index.ts';
import { type Clock, isAbort, type Random } from '../../base/index.ts';
import type { ProbeKind } from '../seams.ts';
import type { ProbeOutcome } from './outcome.ts';
import { type ProbeResult, Thresholds } from './thresholds.ts';

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind;
  readonly probe: corev1.Probe;
  readonly startedAtMs: number;
  /** Spreads the first probes of containers that ran before the kubelet did. */
  readonly spread: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Runs the probe once. */
  readonly run: (signal: AbortSignal) => Promise<ProbeOutcome>;
  /** Told each outcome that is no plain success, for events. */
  readonly onOutcome: (outcome: ProbeOutcome | { readonly result: 'unknown'; readonly output: string }) => void;
  /** Told each result that the thresholds confirmed, also when it is the same as before. */
  readonly onResult: (result: ProbeResult, message: string) => void;
}

export async function runProbeWorker(options: ProbeWorkerOptions, signal: AbortSignal): Promise<void> {
  const { kind, probe, clock } = options;
  const periodMs = Math.max(1, probe.periodSeconds ?? 10) * 1000;
  const thresholds = new Thresholds(probe);
  await clock.sleep(firstDelayMs(options, periodMs), signal);
  for (let next = clock.monotonic(); ;) {
    const outcome = await tryOnce(options, signal);
    if (outcome) {
      const result = thresholds.count(outcome.result === 'failure' ? 'failure' : 'success');
      if (result !== undefined) {
        options.onResult(result, outcome.output);
        if (kind === 'startup' || (kind === 'liveness' && result === 'failure')) return;
      }
    }
    // Like a ticker: a probe that took longer than its period is followed by the next at once, but missed ones are not made up for.
    next = Math.max(next + periodMs, clock.monotonic());
    await clock.sleep(next - clock.monotonic(), signal);
  }
}

function firstDelayMs({ probe, startedAtMs, spread, clock, random }: ProbeWorkerOptions, periodMs: number): number {
  const initialMs = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
  return Math.max(0, initialMs, spread ? random.next() * periodMs : 0);
}

/** Undefined when the probe could not be tried: nothing is known then. */
async function tryOnce({ run, onOutcome }: ProbeWorkerOptions, signal: AbortSignal): Promise<ProbeOutcome | undefined> {
  try {
    const outcome = await run(signal);
    signal.throwIfAborted();
    if (outcome.result !== 'success') onOutcome(outcome);
    return outcome;
  } catch (error) {
    signal.throwIfAborted();
    if (isAbort(error, signal)) throw error;
    onOutcome({ result: 'unknown', output: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
