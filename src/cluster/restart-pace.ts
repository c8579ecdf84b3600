/** How soon a process that ended is started again: promptly at first, more and more patiently when it keeps ending. */
import { backoffMs, type Clock } from '../base/index.ts';

const policy = { initialMs: 100, maxMs: 10_000 };
/** A process that lived this long failed for a new reason. */
const forgetAfterMs = 60_000;

/** How long to wait before each start of one process. */
export class RestartPace {
  readonly #clock: Clock;
  #failures = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The wait before the start that is due now. */
  next(): number {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lastMs > forgetAfterMs) this.#failures = 0;
    this.#lastMs = nowMs;
    return backoffMs(policy, this.#failures++);
  }
}
