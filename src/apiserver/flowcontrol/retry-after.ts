/**
 * How many seconds a refused client is told to stay away: more while refusals go on, less when they cease.
 * @source apiserver util/flowcontrol/dropped_requests_tracker.go
 */
import type { Clock } from '../../base/index.ts';

const maxSeconds = 8;

export class RetryAfter {
  readonly #clock: Clock;
  #seconds = 1;
  #refusals = 0;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonic();
  }

  /** Counts one more refusal. @returns seconds */
  afterRefusal(): number {
    const nowMs = this.#clock.monotonic();
    const lastedMs = nowMs - this.#sinceMs;
    if (lastedMs >= this.#seconds * 1000) {
      // Nobody was refused for long: what was learnt is old.
      if (lastedMs >= 2 * maxSeconds * 1000) this.#seconds = 1;
      else if (this.#refusals >= 3 * this.#seconds) this.#seconds = Math.min(maxSeconds, this.#seconds * 2);
      else if (this.#refusals < this.#seconds && this.#seconds > 1) this.#seconds--;
      this.#refusals = 0;
      this.#sinceMs = nowMs;
    }
    this.#refusals++;
    return this.#seconds;
  }
}
