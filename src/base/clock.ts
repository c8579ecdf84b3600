/**
 * Time as a dependency. This file and its virtual twin are the only places that read the time or set a timer, so that a whole
 * control plane can run on a clock that a test turns by hand.
 */
import { offAbort, onAbort } from './on-abort.ts';

/** A timer that was set; disposing it twice, or after it fired, is harmless. */
export interface Timer extends Disposable {
  cancel(): void;
}

/** Reads the time and sets timers. All durations are milliseconds. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /** A reading that never goes backwards, in milliseconds; only differences mean something. */
  monotonic(): number;
  /** Calls `fire` once after `delayMs` (≥ 0). The timer does not keep the process alive by itself. */
  setTimer(delayMs: number, fire: () => void): Timer;
  /**
   * Resolves after `delayMs`.
   * @throws the signal's reason when it aborts first.
   */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** Formats milliseconds since the epoch as Kubernetes' `Time`: RFC 3339, whole seconds, UTC. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -5)}Z`;
}

/** Formats milliseconds since the epoch as Kubernetes' `MicroTime`: RFC 3339 with six decimals, UTC. */
export function formatMicroTime(epochMs: number): string {
  const micros = Math.floor((epochMs % 1) * 1000);
  return `${new Date(epochMs).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** Sleeps by a clock's timer; shared by every implementation. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const giveUp = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      offAbort(signal, giveUp);
      resolve();
    });
    onAbort(signal, giveUp);
  });
}

/** Longest delay that `setTimeout` takes; longer timers are set again when it ends. */
const maxTimeoutMs = 2 ** 31 - 1;

function setSystemTimer(delayMs: number, fire: () => void): Timer {
  let handle: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(Math.max(leftMs, 0), maxTimeoutMs);
    handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fire()), stepMs);
    handle.unref();
  };
  arm(delayMs);
  const cancel = (): void => clearTimeout(handle);
  return { cancel, [Symbol.dispose]: cancel };
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: setSystemTimer,
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};
