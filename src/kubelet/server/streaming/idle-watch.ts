/** Ends connections over which nothing went for long. One timer a connection, not one a byte. */
import type { Clock, Timer } from '../../../base/index.ts';

/** @source kubelet streamingConnectionIdleTimeout */
export const idleLimitMs = 4 * 3_600_000;

export class IdleWatch implements Disposable {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #lastMs: number;
  #timer: Timer;

  constructor(clock: Clock, limitMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onIdle = onIdle;
    this.#lastMs = clock.monotonic();
    this.#timer = this.#set(limitMs);
  }

  /** Something went over the connection. */
  touch(): void {
    this.#lastMs = this.#clock.monotonic();
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #set(delayMs: number): Timer {
    return this.#clock.setTimer(delayMs, () => {
      const leftMs = this.#lastMs + this.#limitMs - this.#clock.monotonic();
      if (leftMs <= 0) this.#onIdle();
      else this.#timer = this.#set(leftMs);
    });
  }
}
