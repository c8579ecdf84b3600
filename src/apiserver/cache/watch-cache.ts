/**
 * The API server's picture of the store, kept true by one watch on everything. Invariants: changes are applied in revision order;
 * what a reader sees was durable; `revision` never goes back; a reader that asks for freshness sees every write that was
 * acknowledged before it asked.
 */
import { ApiError, type KubeObject, type ResourceDefinition, serviceUnavailable } from '../../api/index.ts';
import type { Clock, Logger } from '../../base/index.ts';
import type { KeyValue, Store, StoreEvent, Watch } from '../../store/index.ts';
import { DecryptionError, isEncrypted } from '../encryption/index.ts';
import { Collection } from './collection.ts';
import { DecodedObjects } from './decoded-objects.ts';
import { statePages } from './read-state.ts';
import { StoredObject } from './stored-object.ts';

/** Every key of the API's objects begins with this. */
const registryPrefix = '/registry/';

/** Objects kept decoded at once, over all collections, and bytes of their text: decoded they take a few times as much. */
const decodedLimits = { objects: 20_000, bytes: 64 * 1024 * 1024 };

/** How long a read waits for the cache to reach a revision it names. @source apiserver cacher blockTimeout */
const freshnessTimeoutMs = 3_000;

interface Waiter {
  readonly revision: number;
  readonly resolve: (reached: boolean) => void;
}

export interface WatchCacheOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Storage versions of every stored resource, one a prefix. */
  readonly definitions: readonly ResourceDefinition[];
  /** Freeze decoded objects, so that whoever changes a shared one fails. */
  readonly freeze?: boolean | undefined;
  /** The store's watch ended for good: the server has to stop. */
  readonly onLost: (error: Error) => void;
}

export class WatchCache {
  readonly decoded = new DecodedObjects(decodedLimits);
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #collections = new Map<string, Collection>();
  readonly #written = new Map<string, WrittenObject>();
  readonly #freeze: boolean;
  #revision = 0;
  #waiters: Waiter[] = [];
  #watch: Watch | undefined;
  #closed = false;

  private constructor(options: WatchCacheOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#freeze = options.freeze ?? false;
  }

  /** Subscribes, then lists, so that nothing falls between. @throws DecryptionError for a value that nobody decrypted */
  static async open(options: WatchCacheOptions): Promise<WatchCache> {
    const cache = new WatchCache(options);
    let early: { readonly events: readonly StoreEvent[]; readonly revision: number }[] | undefined = [];
    cache.#watch = await options.store.watch({
      prefix: registryPrefix,
      onEvents: (events, revision) => {
        if (early) early.push({ events, revision });
        else cache.#apply(events, revision);
      },
      onError: (error) => {
        if (!cache.#closed) options.onLost(error);
      },
    });
    let known = false;
    for await (const { kvs, revision } of statePages(options.store, registryPrefix)) {
      cache.#revision = revision;
      if (!known) for (const definition of options.definitions) cache.addCollection(definition);
      known = true;
      for (const kv of kvs) cache.#load(kv);
    }
    for (const { events, revision } of early) cache.#apply(events, revision);
    early = undefined;
    return cache;
  }

  /** Newest revision that has been applied. */
  get revision(): number {
    return this.#revision;
  }

  /** Makes room for a resource; objects of its prefix that are stored already are not read. */
  addCollection(definition: ResourceDefinition): void {
    const prefix = `${registryPrefix}${definition.storage.prefix}/`;
    if (this.#collections.has(definition.storage.prefix)) return;
    const collection = new Collection({ prefix, definition, decoded: this.decoded, revision: this.#revision, freeze: this.#freeze });
    this.#collections.set(definition.storage.prefix, collection);
  }

  /** @param prefix the definition's storage prefix, such as `pods` */
  collection(prefix: string): Collection | undefined {
    return this.#collections.get(prefix);
  }

  get collections(): IterableIterator<Collection> {
    return this.#collections.values();
  }

  /** Remembers the decoded form of bytes about to be written, so that their event needs no parsing. */
  expectWrite(storeKey: string, stored: Uint8Array, object: KubeObject): void {
    this.#written.set(storeKey, { stored, object });
  }

  /** The write failed or its event has come. */
  forgetWrite(storeKey: string, stored: Uint8Array): void {
    if (this.#written.get(storeKey)?.stored === stored) this.#written.delete(storeKey);
  }

  /**
   * Resolves when the cache shows every write acknowledged so far.
   * @throws ApiError Timeout when the store is ahead for too long
   */
  async fresh(): Promise<void> {
    const newest = await this.#store.revision();
    if (newest > this.#revision && !(await this.reached(newest, freshnessTimeoutMs))) {
      throw serviceUnavailable(`storage is (re)initializing: the cache is at revision ${this.#revision}, the store at ${newest}`);
    }
  }

  /** Waits until `revision` is applied; false when that takes longer than `timeoutMs`. */
  reached(revision: number, timeoutMs: number): Promise<boolean> {
    if (revision <= this.#revision) return Promise.resolve(true);
    if (timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve: (reached) => {
          timer.cancel();
          resolve(reached);
        },
      };
      const timer = this.#clock.setTimer(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.#waiters.push(waiter);
    });
  }

  /** Waits for a revision that a client named. @throws ApiError Timeout with cause ResourceVersionTooLarge, as upstream */
  async atLeast(revision: number): Promise<void> {
    if (revision <= this.#revision || (await this.reached(revision, freshnessTimeoutMs))) return;
    const message = `Too large resource version: ${revision}, current: ${this.#revision}`;
    throw new ApiError({
      code: 504,
      reason: 'Timeout',
      message: `Timeout: ${message}`,
      details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
    });
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    for (const collection of this.#collections.values()) for (const watcher of collection.watchers) watcher.end('closed');
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
  }

  #load(kv: KeyValue): void {
    // Where there is a configuration, the store has decrypted it or failed.
    if (isEncrypted(kv.value)) throw new DecryptionError(kv.key, 'the value is encrypted, and there is no encryption configuration');
    const place = this.#place(kv.key);
    if (place) place.collection.load(new StoredObject(place.collection, place.key, kv.modRevision, kv.value));
  }

  #apply(events: readonly StoreEvent[], revision: number): void {
    const nowMs = this.#clock.now();
    for (const event of events) this.#applyOne(event, nowMs);
    if (revision > this.#revision) this.#revision = revision;
    if (this.#waiters.length > 0) this.#wake();
  }

  #applyOne(event: StoreEvent, nowMs: number): void {
    const storeKey = event.type === 'put' ? event.kv.key : event.key;
    const revision = event.type === 'put' ? event.kv.modRevision : event.modRevision;
    // History that the initial list already held.
    if (revision <= this.#revision) return;
    this.#revision = revision;
    const place = this.#place(storeKey);
    if (!place) return;
    const { collection, key } = place;
    const previous = collection.get(key);
    const current =
      event.type === 'put'
        ? new StoredObject(collection, key, revision, event.kv.value, this.#takeWritten(storeKey, event.kv.value, revision))
        : undefined;
    if (current || previous) collection.apply({ revision, current, previous }, nowMs);
  }

  #takeWritten(storeKey: string, stored: Uint8Array, revision: number): KubeObject | undefined {
    const written = this.#written.get(storeKey);
    if (!written || !sameBytes(written.stored, stored)) return undefined;
    this.#written.delete(storeKey);
    return withResourceVersion(written.object, revision);
  }

  #place(storeKey: string): { readonly collection: Collection; readonly key: string } | undefined {
    let slash = storeKey.indexOf('/', registryPrefix.length);
    while (slash > 0) {
      const collection = this.#collections.get(storeKey.slice(registryPrefix.length, slash));
      if (collection) return { collection, key: storeKey.slice(slash + 1) };
      slash = storeKey.indexOf('/', slash + 1);
    }
    return undefined;
  }

  #wake(): void {
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of waiting) if (waiter.revision <= this.#revision) waiter.resolve(true);
  }
}

interface WrittenObject {
  readonly stored: Uint8Array;
  readonly object: KubeObject;
}

/** The object as readers see it once it is committed. */
export function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
