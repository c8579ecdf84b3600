/**
 * How long a container that keeps ending waits for its next start: at once after the first end, then 10 s, 20 s … 300 s, and from the
 * beginning again after it has run for twice the longest wait.
 * @source client-go util/flowcontrol/backoff.go as used by kuberuntime's doBackOff, v1.35
 */
import type { BackoffPolicy, Clock } from '../../base/index.ts';

interface Entry {
  delayMs: number;
  updatedMs: number;
}

export class CrashBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #policy: BackoffPolicy;
  readonly #clock: Clock;

  constructor(policy: BackoffPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /**
   * How many milliseconds are left before `key` may start again after its end at `endedMs`; 0 when it may start now.
   * @returns also the whole delay, for the message
   */
  remaining(key: string, endedMs: number): { readonly leftMs: number; readonly delayMs: number } {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, endedMs)) return { leftMs: 0, delayMs: 0 };
    return { leftMs: Math.max(0, endedMs + entry.delayMs - this.#clock.now()), delayMs: entry.delayMs };
  }

  /** The container starts again now: its next end waits longer. */
  started(key: string, endedMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs =
      !entry || this.#expired(entry, endedMs)
        ? this.#policy.initialMs
        : Math.min(entry.delayMs * (this.#policy.factor ?? 2), this.#policy.maxMs);
    this.#entries.set(key, { delayMs, updatedMs: this.#clock.now() });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.updatedMs > 2 * this.#policy.maxMs;
  }
}
