/**
 * Leases for objects that end by themselves. Many objects written within a minute share one lease, so an object lives its time to
 * live and up to a minute more, and the store keeps few leases.
 * @source apiserver etcd3 lease_manager.go
 */
import type { Clock } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';

const reuseMs = 60_000;
const maxObjectsALease = 1_000;

export class EventLeases {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ttlSeconds: number;
  #current: Promise<number> | undefined;
  #grantedMs = 0;
  #objects = 0;

  constructor(store: Store, clock: Clock, ttlSeconds: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlSeconds = ttlSeconds;
  }

  /** A lease for one more object. */
  lease(): Promise<number> {
    const nowMs = this.#clock.monotonic();
    if (!this.#current || nowMs - this.#grantedMs > reuseMs || this.#objects >= maxObjectsALease) {
      this.#grantedMs = nowMs;
      this.#objects = 0;
      const granted = this.#store.grantLease(this.#ttlSeconds + reuseMs / 1_000);
      this.#current = granted;
      // A lease that could not be granted is asked for anew by the next object.
      granted.catch(() => {
        if (this.#current === granted) this.#current = undefined;
      });
    }
    this.#objects++;
    return this.#current;
  }
}
