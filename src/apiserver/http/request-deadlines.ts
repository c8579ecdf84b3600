/**
 * How long requests and their bodies may take that do not stay open by nature: `--request-timeout`, or less when the client says so. One
 * timer for all of them: a timer a request would cost more than most requests.
 * @source apiserver pkg/endpoints/filters/request_deadline.go, pkg/server/filters/timeout.go, v1.35
 */
import { badRequest, DurationError, parseDuration, timedOut } from '../../api/index.ts';
import type { Clock, Timer } from '../../base/index.ts';
import type { RequestInfo } from '../request.ts';
import { isLongRunning } from '../routing/long-running.ts';

/** @source apiserver --request-timeout */
export const defaultRequestTimeoutMs = 60_000;
/** So much later than its time a request may be told. */
const sweepMs = 250;

interface Awaited {
  readonly dueMs: number;
  readonly expire: () => void;
}

export class RequestDeadlines {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #awaited = new Set<Awaited>();
  #timer: Timer | undefined;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /**
   * How long the request may take; undefined: as long as it wants.
   * @throws ApiError BadRequest when the client's own limit cannot be read
   */
  limitOf(info: RequestInfo): number | undefined {
    if (isLongRunning(info)) return undefined;
    const text = info.query.get('timeout');
    if (!text) return this.#limitMs;
    try {
      const wantedMs = parseDuration(text);
      return wantedMs > 0 && wantedMs < this.#limitMs ? wantedMs : this.#limitMs;
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      throw badRequest(`invalid timeout specified in the request URL - ${error.message}`);
    }
  }

  /**
   * The work's result when it comes in time. Late work goes on: what it changes may be seen all the same.
   * @throws ApiError Timeout
   */
  inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = this.guard(limitMs, () => reject(timedOut('request did not complete within the allotted timeout')));
      work.then(
        (result) => {
          end();
          resolve(result);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
  }

  /** Calls `reject` with a Timeout when a body does not come, unless what is returned was called before. */
  awaitBody(reject: (error: Error) => void): () => void {
    return this.guard(this.#limitMs, () => reject(timedOut('the body of the request did not come in time')));
  }

  /** Calls `expire` when the time is over, unless what is returned was called before. */
  guard(limitMs: number, expire: () => void): () => void {
    const awaited: Awaited = { dueMs: this.#clock.monotonic() + limitMs, expire };
    this.#awaited.add(awaited);
    if (!this.#timer) this.#timer = this.#clock.setTimer(sweepMs, () => this.#sweep());
    return () => this.#awaited.delete(awaited);
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonic();
    for (const awaited of this.#awaited) {
      if (awaited.dueMs > nowMs) continue;
      this.#awaited.delete(awaited);
      awaited.expire();
    }
    this.#timer = this.#awaited.size > 0 ? this.#clock.setTimer(sweepMs, () => this.#sweep()) : undefined;
  }
}
