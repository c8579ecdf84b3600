/**
 * Knows when a cache shows what a controller wrote. A controller that makes several objects for one key would, from a cache that is
 * behind, make them twice; it asks here first and waits for the cache's next change.
 */
import type { KubeObject } from '../api/index.ts';
import type { Clock } from '../base/index.ts';
import type { Lister } from '../client/index.ts';

interface Pending {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  /** Undefined: it was deleted. */
  readonly version: bigint | undefined;
  readonly sinceMs: number;
}

/** After this long a write is not waited for any more: something else has changed the object since. */
const patienceMs = 30_000;

export class CaughtUp {
  readonly #pending = new Map<string, Map<string, Pending>>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes what a create or an update returned, on behalf of `key`. */
  wrote(key: string, object: KubeObject): void {
    this.#note(key, object, BigInt(object.metadata.resourceVersion));
  }

  deleted(key: string, object: KubeObject): void {
    this.#note(key, object, undefined);
  }

  forget(key: string): void {
    this.#pending.delete(key);
  }

  /** True when the cache shows every write noted for `key`, or something newer. */
  isCaughtUp(key: string, lister: Lister<KubeObject>): boolean {
    const pending = this.#pending.get(key);
    if (!pending) return true;
    for (const [uid, write] of pending) if (this.#isShown(write, lister)) pending.delete(uid);
    if (pending.size === 0) this.#pending.delete(key);
    return pending.size === 0;
  }

  #note(key: string, { metadata }: KubeObject, version: bigint | undefined): void {
    const { namespace, name, uid } = metadata;
    const pending = this.#pending.get(key) ?? new Map<string, Pending>();
    pending.set(uid, { namespace, name, uid, version, sinceMs: this.#clock.monotonic() });
    this.#pending.set(key, pending);
  }

  #isShown({ namespace, name, uid, version, sinceMs }: Pending, lister: Lister<KubeObject>): boolean {
    if (this.#clock.monotonic() - sinceMs > patienceMs) return true;
    const shown = lister.get({ namespace, name });
    if (version === undefined) return shown?.metadata.uid !== uid || shown.metadata.deletionTimestamp !== undefined;
    return shown !== undefined && BigInt(shown.metadata.resourceVersion) >= version;
  }
}
