/** Waiting for something that has no signal of its own. */
import { offAbort, onAbort } from '../base/index.ts';

/**
 * Settles as `promise` does.
 * @throws the signal's reason when it aborts first; the promise goes on unheard.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const giveUp = (): void => reject(signal.reason as Error);
    onAbort(signal, giveUp);
    promise.then(resolve, reject).finally(() => offAbort(signal, giveUp));
  });
}
