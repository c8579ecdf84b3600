/**
 * The seam between the API server and whatever keeps its data: a revisioned key-value store. A revision is a positive integer
 * that grows by one with every committed write; all backends pass the one suite in `store.suite.ts`. Nothing above this room knows
 * which backend is in use.
 */

/** A committed key. `value` belongs to the store: never write into it. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** 1 at creation, plus one for each change. */
  readonly version: number;
  /** Lease id, 0 when none. */
  readonly lease: number;
}

export interface RangeOptions {
  /** Most keys to return; default: all. */
  readonly limit?: number;
  /** Only keys strictly greater than this one: the last key of the page before. */
  readonly after?: string;
  /** Read as of this revision; default: the newest durable one. */
  readonly revision?: number;
  /** Return no keys, only `count`. */
  readonly countOnly?: boolean;
}

export interface RangeResult {
  /** The revision at which the range was read. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys under the prefix after `after` at that revision, including those beyond `limit`. */
  readonly count: number;
}

/**
 * A write with its one condition: `modRevision` of the key must be this one; 0 means the key must not exist. The value belongs to the
 * store from then on. Deleting what does not exist succeeds and changes nothing.
 */
export interface Txn {
  readonly key: string;
  readonly expectModRevision: number;
  /** Another key that must be at this version too, such as the Lease that the writer leans on. */
  readonly guard?: { readonly key: string; readonly modRevision: number };
  readonly op: { readonly type: 'put'; readonly value: Uint8Array; readonly lease?: number } | { readonly type: 'delete' };
}

export type TxnResult =
  | { readonly ok: true; readonly revision: number }
  /** The condition did not hold; `current` is what stands there (durable), undefined when nothing does. */
  | { readonly ok: false; readonly revision: number; readonly current: KeyValue | undefined; readonly guardFailed?: false }
  /** The guard did not hold at `revision`, which is durable; of the key itself nothing is said. */
  | { readonly ok: false; readonly revision: number; readonly current: undefined; readonly guardFailed: true };

export type StoreEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  /** `modRevision` is the revision of the deletion. What stood before is the watcher's to know: reading it would double a write's cost. */
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface WatchOptions {
  readonly prefix: string;
  /** First revision of interest (≥ 1): history from there is replayed, then new events follow. Undefined: only what comes. */
  readonly fromRevision?: number;
  /** Called with the events of one or more whole commits, in revision order; `revision` is the newest in the batch. Must not throw. */
  readonly onEvents: (events: readonly StoreEvent[], revision: number) => void;
  /** Called once when the watch cannot go on (store closed, history compacted under it, connection lost for good). */
  readonly onError: (error: Error) => void;
}

export interface Watch {
  close(): void;
}

export interface Store {
  /** The newest durable revision; 0 for an empty store. For remote stores a linearizable read. */
  revision(): Promise<number>;
  /**
   * The key as of `revision` (default: newest durable).
   * @throws CompactedError, FutureRevisionError
   */
  get(key: string, revision?: number): Promise<KeyValue | undefined>;
  /**
   * Keys that start with `prefix`, in byte order.
   * @throws CompactedError, FutureRevisionError
   */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /** Compares and writes. Resolves when the outcome is durable. Compare runs against the newest pending value. */
  txn(txn: Txn): Promise<TxnResult>;
  /**
   * Resolves once the watch is registered (so a write that starts later is seen).
   * @throws CompactedError when `fromRevision` is older than kept history, which starts right after the compacted revision: what
   * was read at a revision that could still be read can be watched from the next one
   */
  watch(options: WatchOptions): Promise<Watch>;
  /** Forgets history older than `revision`: reads and watches below it fail from then on. */
  compact(revision: number): Promise<void>;
  /** The oldest revision that can still be read. */
  compactedRevision(): Promise<number>;
  /** Grants a lease of `ttlSeconds`; keys put with its id are deleted when it ends. */
  grantLease(ttlSeconds: number): Promise<number>;
  keepAliveLease(id: number): Promise<void>;
  revokeLease(id: number): Promise<void>;
  /** Bytes that the store takes on disk, 0 for memory. */
  sizeBytes(): Promise<number>;
  /** Waits for pending writes, then frees everything. Later calls reject with StoreClosedError. */
  close(): Promise<void>;
}
