/** The time of now as objects carry it, written once a second: every write asks for it at least once. */
import { type Clock, formatTime } from '../../base/index.ts';

export class Timestamps {
  readonly #clock: Clock;
  #second = -1;
  #text = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** RFC 3339, whole seconds, UTC. */
  now(): string {
    const nowMs = this.#clock.now();
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = formatTime(nowMs);
    }
    return this.#text;
  }
}
