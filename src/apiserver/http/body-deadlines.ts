/**
 * Bodies that are on their way, and how long they may take. One timer for all of them: a timer a request would cost more than most
 * bodies.
 */
import { timedOut } from '../../api/index.ts';
import type { Clock, Timer } from '../../base/index.ts';

const sweepMs = 10_000;

/** A body that somebody waits for. */
export interface AwaitedBody {
  readonly sinceMs: number;
  readonly reject: (error: Error) => void;
}

export class BodyDeadlines {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #awaited = new Set<AwaitedBody>();
  #timer: Timer | undefined;

  /** @param limitMs `--request-timeout` */
  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** @param reject called with a Timeout when the body has not come in time (and up to a sweep more) */
  begin(reject: (error: Error) => void): AwaitedBody {
    const body: AwaitedBody = { sinceMs: this.#clock.monotonic(), reject };
    this.#awaited.add(body);
    if (!this.#timer) this.#timer = this.#clock.setTimer(sweepMs, () => this.#sweep());
    return body;
  }

  /** It came, or failed by itself. */
  end(body: AwaitedBody): void {
    this.#awaited.delete(body);
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonic();
    for (const body of this.#awaited) {
      if (nowMs - body.sinceMs < this.#limitMs) continue;
      this.#awaited.delete(body);
      body.reject(timedOut('the body of the request did not come in time'));
    }
    this.#timer = this.#awaited.size > 0 ? this.#clock.setTimer(sweepMs, () => this.#sweep()) : undefined;
  }
}
