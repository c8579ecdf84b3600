/**
 * Keeps one busy component from holding the thread: work that goes on from microtask to microtask is broken off every few
 * milliseconds so that sockets and timers are served. Under a clock that a test turns there is nothing to serve and nothing happens.
 */
import { type Clock, systemClock } from '../base/index.ts';

/** Longest unbroken work of all queues and watches together. */
const sliceMs = 5;

let sliceStartMs = 0;
let pause: Promise<void> | undefined;

/** Undefined while the slice lasts; otherwise await it: it resolves when I/O had its turn. Everyone who asks meanwhile waits too. */
export function breather(clock: Clock): Promise<void> | undefined {
  if (clock !== systemClock || pause) return pause;
  const nowMs = clock.monotonic();
  if (nowMs - sliceStartMs < sliceMs) return undefined;
  pause = new Promise((resolve) => {
    setImmediate(() => {
      sliceStartMs = clock.monotonic();
      pause = undefined;
      resolve();
    });
  });
  return pause;
}
