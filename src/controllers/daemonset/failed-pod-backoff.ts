/**
 * How long a failed daemon pod is left lying: a node whose kubelet refuses a pod would else be sent the next one at once, for ever.
 * @source pkg/controller/daemon (failedPodsBackoff), client-go util/flowcontrol/backoff.go, v1.35
 */
import { backoffMs, type Clock } from '../../base/index.ts';

const policy = { initialMs: 1_000, maxMs: 15 * 60_000 };
/** After this long without a failure a node starts anew. */
const forgetMs = 2 * policy.maxMs;
const sweepMs = 60_000;

interface Entry {
  readonly failures: number;
  readonly sinceMs: number;
}

export class FailedPodBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  #sweptMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until a failed pod of `key` may be replaced; 0: now. */
  leftMs(key: string): number {
    const entry = this.#current(key);
    return entry ? Math.max(0, entry.sinceMs + backoffMs(policy, entry.failures - 1) - this.#clock.monotonic()) : 0;
  }

  /** Counts one more pod that failed and is replaced. */
  failed(key: string): void {
    const failures = (this.#current(key)?.failures ?? 0) + 1;
    this.#entries.set(key, { failures, sinceMs: this.#clock.monotonic() });
    this.#sweep();
  }

  #current(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && !this.#isOver(entry) ? entry : undefined;
  }

  #isOver({ sinceMs }: Entry): boolean {
    return this.#clock.monotonic() - sinceMs > forgetMs;
  }

  #sweep(): void {
    if (this.#clock.monotonic() - this.#sweptMs < sweepMs) return;
    this.#sweptMs = this.#clock.monotonic();
    for (const [key, entry] of this.#entries) if (this.#isOver(entry)) this.#entries.delete(key);
  }
}
