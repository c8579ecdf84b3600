/**
 * Leases by the clock: which keys hang on which lease, and when each ends. It decides nothing about storage: what is due is handed
 * to its owner, who deletes the keys and the lease like any other write.
 */
import type { Clock, Timer } from '../base/index.ts';
import type { LeaseRecord } from './version-table.ts';

interface Lease {
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
  timer: Timer;
}

export class LeaseKeeper {
  readonly #clock: Clock;
  readonly #onExpired: (id: number) => void;
  readonly #leases = new Map<number, Lease>();
  #last: number;

  /** @param options.onExpired called once when a lease's time is over; the lease stays until `remove` */
  constructor(options: { readonly clock: Clock; readonly lastLease: number; readonly onExpired: (id: number) => void }) {
    this.#clock = options.clock;
    this.#onExpired = options.onExpired;
    this.#last = options.lastLease;
  }

  /** Starts a new lease and returns what to keep of it. */
  grant(ttlSeconds: number): LeaseRecord {
    const id = ++this.#last;
    this.#start(id, ttlSeconds, ttlSeconds * 1000);
    return { id, ttlSeconds, expiresAtMs: this.#clock.now() + ttlSeconds * 1000 };
  }

  /** Takes up a lease kept from before a restart. A clock that was set back never makes it longer than it was granted. */
  resume({ id, ttlSeconds, expiresAtMs }: LeaseRecord): void {
    this.#start(id, ttlSeconds, Math.min(Math.max(expiresAtMs - this.#clock.now(), 0), ttlSeconds * 1000));
  }

  /** Gives the lease its whole time again and returns what to keep of it; undefined when there is none. */
  renew(id: number): LeaseRecord | undefined {
    const lease = this.#leases.get(id);
    if (!lease) return undefined;
    lease.timer.cancel();
    lease.timer = this.#clock.setTimer(lease.ttlSeconds * 1000, () => this.#onExpired(id));
    return { id, ttlSeconds: lease.ttlSeconds, expiresAtMs: this.#clock.now() + lease.ttlSeconds * 1000 };
  }

  has(id: number): boolean {
    return this.#leases.has(id);
  }

  /** Says that `key` moved from one lease to another; 0 is none. */
  attach(key: string, from: number, to: number): void {
    if (from === to) return;
    if (from !== 0) this.#leases.get(from)?.keys.delete(key);
    if (to !== 0) this.#leases.get(to)?.keys.add(key);
  }

  /** Ends the lease and returns the keys that hang on it; undefined when there is none. */
  remove(id: number): readonly string[] | undefined {
    const lease = this.#leases.get(id);
    if (!lease) return undefined;
    lease.timer.cancel();
    this.#leases.delete(id);
    return [...lease.keys];
  }

  close(): void {
    for (const lease of this.#leases.values()) lease.timer.cancel();
    this.#leases.clear();
  }

  #start(id: number, ttlSeconds: number, leftMs: number): void {
    this.#leases.set(id, { ttlSeconds, keys: new Set(), timer: this.#clock.setTimer(leftMs, () => this.#onExpired(id)) });
  }
}
