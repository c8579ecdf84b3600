/**
 * All objects that share one storage prefix, in key order, with the indexes that lists and watches use. Knows nothing of versions:
 * a resource served in several versions is one collection with several views.
 */
import sortedBTree from 'sorted-btree';
import type { KubeObject, ResourceDefinition } from '../../api/index.ts';
import { apiVersionOf } from '../../api/index.ts';
import { parseJson } from '../../api/json/index.ts';
import type { DecodedObjects } from './decoded-objects.ts';
import { type CacheEvent, EventHistory } from './event-history.ts';
import { type ObjectHome, ObjectHead, type StoredObject } from './stored-object.ts';
import { EventForms } from './watcher.ts';
import { WatcherIndex } from './watcher-index.ts';

// The package is CommonJS: Node imports its whole `exports`, loaders that imitate bundlers its default member.
const BTree = 'default' in sortedBTree ? sortedBTree.default : sortedBTree;

/** The one field that has an index of its own, for the kubelets. */
const indexedField = 'spec.nodeName';

/** New objects that wait for a list to be put in order: so many cost a list little. */
const maxUnordered = 1_024;

/** The place of a key: an update changes what stands in it, and no order. */
interface Slot {
  object: StoredObject;
}

/** Told of each change in revision order. */
export type ChangeListener = (change: CacheEvent) => void;

export class Collection implements ObjectHome {
  /** Such as `/registry/pods/`. */
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly head: ObjectHead;
  readonly freeze: boolean;
  readonly decoded: DecodedObjects;
  readonly watchers: WatcherIndex;
  readonly history: EventHistory;
  /** Revision of the last change, or of the initial state. */
  changedAt: number;
  /** In key order, without those that came after the last list. */
  readonly #ordered = new BTree<string, Slot>(undefined, compareKeys);
  readonly #byKey = new Map<string, Slot>();
  /** New since the last list: whoever lists puts them in order. */
  #unordered: Slot[] = [];
  readonly #listeners = new Set<ChangeListener>();
  readonly #readIndexed: ((object: KubeObject) => string) | undefined;
  /** Filled on the first read by the indexed field. */
  #byIndexed: Map<string, Map<string, StoredObject>> | undefined;

  /** @param definition of the storage version */
  constructor(options: {
    readonly prefix: string;
    readonly definition: ResourceDefinition;
    readonly decoded: DecodedObjects;
    readonly revision: number;
    readonly freeze: boolean;
  }) {
    const { definition } = options;
    this.prefix = options.prefix;
    this.namespaced = definition.namespaced;
    this.freeze = options.freeze;
    this.head = new ObjectHead({ kind: definition.kind, apiVersion: apiVersionOf(definition.storage) });
    this.decoded = options.decoded;
    this.changedAt = options.revision;
    this.history = new EventHistory(options.revision);
    this.#readIndexed = definition.selectableFields[indexedField];
    this.watchers = new WatcherIndex(this.#readIndexed && ((object) => this.#indexedValue(object)));
  }

  get size(): number {
    return this.#byKey.size;
  }

  decode(bytes: Buffer): KubeObject {
    // Bytes in the store were written by `encodeForStore` from a decoded object.
    return parseJson(bytes).value as unknown as KubeObject;
  }

  /** @param key `namespace/name` or `name` */
  get(key: string): StoredObject | undefined {
    return this.#byKey.get(key)?.object;
  }

  /** Objects in key order: all, or of one namespace, from `after` (exclusive) on, at most `limit`. */
  list(scope: { readonly namespace: string; readonly after?: string; readonly limit?: number }): StoredObject[] {
    const found: StoredObject[] = [];
    const low = scope.namespace === '' ? '' : `${scope.namespace}/`;
    // '0' is the byte after '/'.
    const high = scope.namespace === '' ? '\uffff' : `${scope.namespace}0`;
    const after = scope.after;
    if (this.#unordered.length > 0) this.#order();
    this.#ordered.forRange(after !== undefined && after > low ? after : low, high, false, (key, slot): { break: true } | void => {
      if (key === after) return;
      found.push(slot.object);
      if (found.length === scope.limit) return { break: true };
    });
    return found;
  }

  get hasIndexedField(): boolean {
    return this.#readIndexed !== undefined;
  }

  /** Objects whose indexed field has this value, in key order. */
  listIndexed(value: string): StoredObject[] {
    const found = [...(this.#index().get(value)?.values() ?? [])];
    return found.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** Applies a committed change: first the state, then whoever listens, then the watchers. */
  apply(change: CacheEvent, nowMs: number): void {
    const { current, previous } = change;
    if (current) this.#put(current);
    else if (previous) this.#delete(previous.key);
    this.changedAt = change.revision;
    if (this.#byIndexed) this.#reindex(change);
    this.history.push(change, nowMs);
    for (const listener of this.#listeners) listener(change);
    if (this.watchers.size > 0) this.watchers.tell(new EventForms(change));
    previous?.release();
  }

  /** Adds an object of the initial state. */
  load(object: StoredObject): void {
    this.#put(object);
  }

  listen(listener: ChangeListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #put(object: StoredObject): void {
    const slot = this.#byKey.get(object.key);
    if (slot) {
      slot.object = object;
      return;
    }
    const fresh: Slot = { object };
    this.#byKey.set(object.key, fresh);
    this.#unordered.push(fresh);
    if (this.#unordered.length > maxUnordered) this.#order();
  }

  #delete(key: string): void {
    // What is not in order yet is passed over when the others of its time are put in order.
    if (this.#byKey.delete(key) && !this.#ordered.delete(key)) this.#order();
  }

  #order(): void {
    for (const slot of this.#unordered) {
      const { key } = slot.object;
      if (this.#byKey.get(key) === slot) this.#ordered.set(key, slot);
    }
    this.#unordered = [];
  }

  #indexedValue(object: StoredObject): string {
    return object.field(indexedField, this.#readIndexed!);
  }

  #index(): Map<string, Map<string, StoredObject>> {
    if (!this.#byIndexed) {
      this.#byIndexed = new Map();
      for (const { object } of this.#byKey.values()) this.#addToIndex(object);
    }
    return this.#byIndexed;
  }

  #reindex({ current, previous }: CacheEvent): void {
    if (previous) {
      const value = this.#indexedValue(previous);
      const bucket = this.#byIndexed!.get(value);
      bucket?.delete(previous.key);
      if (bucket?.size === 0) this.#byIndexed!.delete(value);
    }
    if (current) this.#addToIndex(current);
  }

  #addToIndex(object: StoredObject): void {
    const value = this.#indexedValue(object);
    const bucket = this.#byIndexed!.get(value);
    if (bucket) bucket.set(object.key, object);
    else this.#byIndexed!.set(value, new Map([[object.key, object]]));
  }
}

/** Keys are ASCII, so this is the store's byte order. */
function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
