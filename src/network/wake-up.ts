/** A bell for one sleeper: rung before it sleeps, it does not sleep; rung often, it wakes once. */
import { type Clock, offAbort, onAbort } from '../base/index.ts';

export interface WakeUp {
  wake(): void;
  /**
   * Resolves when it was woken, or after this long.
   * @throws the signal's reason when it aborts first
   */
  next(longestMs: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUp(clock: Clock): WakeUp {
  let woken = false;
  let rouse: (() => void) | undefined;
  return {
    wake: () => {
      woken = true;
      rouse?.();
    },
    next: (longestMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const finish = (settle: () => void): void => {
          timer.cancel();
          offAbort(signal, giveUp);
          rouse = undefined;
          woken = false;
          settle();
        };
        const giveUp = (): void => finish(() => reject(signal.reason as Error));
        const timer = clock.setTimer(longestMs, () => finish(resolve));
        rouse = () => finish(resolve);
        onAbort(signal, giveUp);
        if (woken) finish(resolve);
      }),
  };
}
