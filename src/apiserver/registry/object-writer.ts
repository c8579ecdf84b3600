/**
 * The only place that writes to the store: encodes an object, compares and writes, and gives back the version that readers will
 * see. Knows nothing of what may be written.
 */
import { type KubeObject, timedOut } from '../../api/index.ts';
import { assert } from '../../base/index.ts';
import type { Store, Txn, TxnResult } from '../../store/index.ts';
import type { Collection } from '../cache/collection.ts';
import { encodeForStore, StoredObject } from '../cache/stored-object.ts';
import { type WatchCache, withResourceVersion } from '../cache/watch-cache.ts';
import { leaseGuard } from './lease-guard.ts';

/** A Lease is renewed every few seconds; a write that meets that many changes has met something else. */
const maxGuardRounds = 10;
const guardWaitMs = 3_000;

/** What came of a conditional write. */
export type WriteOutcome =
  | { readonly type: 'written'; readonly object: StoredObject }
  /** The condition did not hold; `current` is what stands there, undefined when nothing does. */
  | { readonly type: 'conflict'; readonly current: StoredObject | undefined };

export class ObjectWriter {
  readonly #store: Store;
  readonly #cache: WatchCache;

  readonly #isCurrent: ((storeKey: string) => boolean) | undefined;

  /** @param isCurrent whether a value is stored in the form in which it would be now; default: it always is */
  constructor(store: Store, cache: WatchCache, isCurrent?: (storeKey: string) => boolean) {
    this.#store = store;
    this.#cache = cache;
    this.#isCurrent = isCurrent;
  }

  /** False when an object should be written even though nothing of it changed: its key of encryption has. */
  isCurrent(collection: Collection, key: string): boolean {
    return this.#isCurrent?.(collection.prefix + key) ?? true;
  }

  /**
   * Puts `object` (of the storage version; shared from now on) if the key is at `expectRevision`; 0: if it does not exist.
   * @param lease id of the lease that the key ends with
   * @param fence as an operation has it @throws ApiError Conflict when the fence does not hold
   */
  async put(
    collection: Collection,
    key: string,
    write: {
      readonly expectRevision: number;
      readonly object: KubeObject;
      readonly lease?: number | undefined;
      readonly fence?: string | undefined;
    },
  ): Promise<WriteOutcome> {
    const { expectRevision, object, lease, fence } = write;
    const storeKey = collection.prefix + key;
    const value = encodeForStore(object);
    // Every reader of the collection relies on it.
    assert(value.indexOf(collection.head.bytes) === 0, 'a collection holds objects of one kind');
    this.#cache.expectWrite(storeKey, value, object);
    try {
      const op = { type: 'put', value, ...(lease !== undefined && { lease }) } as const;
      const result = await this.#txn({ key: storeKey, expectModRevision: expectRevision, op }, fence);
      if (!result.ok) return this.#conflict(collection, key, result.current);
      const cached = collection.get(key);
      if (cached?.revision === result.revision) return { type: 'written', object: cached };
      const shown = withResourceVersion(object, result.revision);
      return { type: 'written', object: new StoredObject(collection, key, result.revision, value, shown) };
    } finally {
      this.#cache.forgetWrite(storeKey, value);
    }
  }

  /** Deletes the key if it is still at `base`; the written object is `base` as of the revision of its deletion. */
  async remove(collection: Collection, base: StoredObject, fence?: string): Promise<WriteOutcome> {
    const txn = { key: collection.prefix + base.key, expectModRevision: base.revision, op: { type: 'delete' } } as const;
    const result = await this.#txn(txn, fence);
    if (!result.ok) return this.#conflict(collection, base.key, result.current);
    return { type: 'written', object: base.at(result.revision) };
  }

  /** What `object` would look like, for dry runs: nothing is written. */
  preview(collection: Collection, key: string, object: KubeObject): StoredObject {
    const revision = Number(object.metadata.resourceVersion ?? 0) || 0;
    return new StoredObject(collection, key, revision, encodeForStore(object));
  }

  /** A fenced write is compared with the Lease in the same transaction: between a look at the Lease and the commit it may change hands. */
  async #txn(txn: Txn, fence: string | undefined): Promise<TxnResult> {
    if (fence === undefined) return this.#store.txn(txn);
    for (let round = 0; round < maxGuardRounds; round++) {
      const result = await this.#store.txn({ ...txn, guard: leaseGuard(this.#cache, fence) });
      if (result.ok || !result.guardFailed) return result;
      // Most often the Lease was only renewed.
      await this.#cache.reached(result.revision, guardWaitMs);
    }
    throw timedOut('the lease of the writer keeps changing');
  }

  #conflict(
    collection: Collection,
    key: string,
    current: { readonly modRevision: number; readonly value: Uint8Array } | undefined,
  ): WriteOutcome {
    if (!current) return { type: 'conflict', current: undefined };
    const cached = collection.get(key);
    if (cached?.revision === current.modRevision) return { type: 'conflict', current: cached };
    return { type: 'conflict', current: new StoredObject(collection, key, current.modRevision, current.value) };
  }
}
