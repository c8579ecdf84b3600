/** How long to wait before the next try: exponential, bounded, forgotten after success. */

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Growth per failure; default 2. */
  readonly factor?: number;
}

/** The delay before try number `failures + 1`, for `failures` ≥ 0 failures so far. */
export function backoffMs(policy: BackoffPolicy, failures: number): number {
  return Math.min(policy.initialMs * (policy.factor ?? 2) ** failures, policy.maxMs);
}

/** Backoff by key, as a work queue or an image puller keeps it. */
export class KeyedBackoff<Key> {
  readonly #failures = new Map<Key, number>();
  readonly #policy: BackoffPolicy;

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  /** Counts one more failure of `key` and returns the delay before its next try. */
  next(key: Key): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return backoffMs(this.#policy, failures);
  }

  /** How often `key` failed since it was last forgotten. */
  failures(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: Key): void {
    this.#failures.delete(key);
  }
}
