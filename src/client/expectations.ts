/**
 * What a controller did that its cache does not show yet. Without it, a second reconcile before the cache has caught up would
 * create (or delete) the same things again. A controller looks before it acts: while an expectation is open it waits.
 * @source pkg/controller/controller_utils.go UIDTrackingControllerExpectations
 */
import type { Clock } from '../base/index.ts';

/** An expectation that was never met is given up: the event it waited for was missed, or never came. */
const timeoutMs = 5 * 60_000;
/** So long a cache may take to show what was made without an answer; then it was not made. */
const unsureMs = 15_000;

interface Open {
  creations: number;
  readonly deletions: Set<string>;
  untilMs: number;
}

export class Expectations {
  readonly #open = new Map<string, Open>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when nothing is open for `key`, or it has been open for five minutes. */
  satisfied(key: string): boolean {
    const open = this.#open.get(key);
    if (!open) return true;
    return (open.creations <= 0 && open.deletions.size === 0) || this.#clock.monotonic() > open.untilMs;
  }

  /** Call before creating. */
  expectCreations(key: string, count: number): void {
    this.#open.set(key, { creations: count, deletions: new Set(), untilMs: this.#clock.monotonic() + timeoutMs });
  }

  /** Call before deleting, with the uid of each object. */
  expectDeletions(key: string, uids: Iterable<string>): void {
    this.#open.set(key, { creations: 0, deletions: new Set(uids), untilMs: this.#clock.monotonic() + timeoutMs });
  }

  /** The cache shows one more, or the creation failed. */
  creationObserved(key: string): void {
    const open = this.#open.get(key);
    if (open) open.creations--;
  }

  /** The answer to a creation was lost: it is waited for, but not for long. */
  creationUnsure(key: string): void {
    const open = this.#open.get(key);
    if (open) open.untilMs = Math.min(open.untilMs, this.#clock.monotonic() + unsureMs);
  }

  /** Milliseconds until what is open for `key` is given up. */
  givenUpInMs(key: string): number {
    return Math.max(0, (this.#open.get(key)?.untilMs ?? 0) - this.#clock.monotonic()) + 1;
  }

  /** The cache shows it gone or going, or the deletion failed. */
  deletionObserved(key: string, uid: string): void {
    this.#open.get(key)?.deletions.delete(uid);
  }

  forget(key: string): void {
    this.#open.delete(key);
  }
}
