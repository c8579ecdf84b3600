/**
 * Events on their way to a slow place: a bounded buffer, batches by number and by time, and no more of them a second than allowed. What
 * does not fit is dropped and counted; batches go one after the other.
 * @source apiserver plugin/pkg/audit/buffered, v1.35
 */
import { type Clock, isAbort, type Timer } from '../../base/index.ts';
import type { AuditEvent } from './event.ts';

export interface BatchOptions {
  /** Most events that wait. */
  readonly bufferSize: number;
  readonly maxBatchSize: number;
  /** How long an event waits for others at most. */
  readonly maxWaitMs: number;
  /** Undefined: as fast as it goes. */
  readonly throttle: { readonly perSecond: number; readonly burst: number } | undefined;
}

export class BatchQueue {
  readonly #options: BatchOptions;
  readonly #clock: Clock;
  readonly #send: (batch: readonly AuditEvent[], signal: AbortSignal) => Promise<void>;
  readonly #onDropped: (count: number) => void;
  readonly #stop = new AbortController();
  #waiting: AuditEvent[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #tokens: number;
  #filledMs: number;

  /** @param deps.send must not reject but for the signal */
  constructor(
    options: BatchOptions,
    deps: {
      readonly clock: Clock;
      readonly send: (batch: readonly AuditEvent[], signal: AbortSignal) => Promise<void>;
      readonly onDropped: (count: number) => void;
    },
  ) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#send = deps.send;
    this.#onDropped = deps.onDropped;
    this.#tokens = options.throttle?.burst ?? 0;
    this.#filledMs = deps.clock.monotonic();
  }

  add(event: AuditEvent): void {
    const { bufferSize, maxBatchSize, maxWaitMs } = this.#options;
    if (this.#stop.signal.aborted || this.#waiting.length >= bufferSize) {
      this.#onDropped(1);
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length >= maxBatchSize) this.#flush();
    else this.#timer ??= this.#clock.setTimer(maxWaitMs, () => this.#flush());
  }

  /** Sends what waits, then takes nothing more. @param limitMs how long that may take */
  async close(limitMs: number): Promise<void> {
    this.#flush();
    using _limit = this.#clock.setTimer(limitMs, () => this.#stop.abort());
    await this.#sending;
    this.#stop.abort();
    if (this.#waiting.length > 0) this.#onDropped(this.#waiting.length);
    this.#waiting = [];
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (this.#waiting.length > 0) {
        await this.#mayGo(signal);
        await this.#send(this.#waiting.splice(0, this.#options.maxBatchSize), signal);
      }
    } catch (error) {
      if (!isAbort(error, signal)) throw error;
    }
  }

  /** Waits for a token of the bucket. */
  async #mayGo(signal: AbortSignal): Promise<void> {
    const { throttle } = this.#options;
    if (!throttle) return;
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(throttle.burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * throttle.perSecond);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) await this.#clock.sleep(((1 - this.#tokens) / throttle.perSecond) * 1000, signal);
    this.#tokens -= 1;
  }
}
