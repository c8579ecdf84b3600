/**
 * Pods whose finalizer was taken off and whose cached state does not show it yet. Without it a pod that is counted already would be
 * counted again from the cache. Entries have no end but being observed: to forget one too early would be to count twice.
 * @source pkg/controller/job/tracking_utils.go, v1.35
 */
export class FinalizerExpectations {
  readonly #open = new Map<string, Set<string>>();

  /** Call before the removal, with the uid of each pod. */
  expectRemoved(key: string, uids: Iterable<string>): void {
    const open = this.#open.get(key) ?? new Set();
    for (const uid of uids) open.add(uid);
    if (open.size > 0) this.#open.set(key, open);
  }

  /** The cache shows it, or the removal failed. */
  observed(key: string, uid: string): void {
    const open = this.#open.get(key);
    if (open?.delete(uid) && open.size === 0) this.#open.delete(key);
  }

  /** A copy: it does not change while it is looked at. */
  expected(key: string): ReadonlySet<string> {
    return new Set(this.#open.get(key));
  }

  forget(key: string): void {
    this.#open.delete(key);
  }
}
