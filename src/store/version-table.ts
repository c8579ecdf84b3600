/**
 * What a backend of the embedded stores keeps: every committed version of every key, until it is purged. A table only ever sees
 * whole, ordered batches from one caller, so it knows nothing of compare, pending writes, watches or clocks.
 */
import type { KeyValue } from './store.ts';

/** One committed change. A deletion is a version too, with an empty value, until compaction forgets it. */
export interface Version {
  readonly kv: KeyValue;
  readonly deleted: boolean;
  /** Revision of the version of this key before this one (deletions count), 0 when none is kept. */
  readonly prevRevision: number;
}

/** A version without its value: all that a compare needs. */
export interface Head {
  readonly modRevision: number;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: number;
  readonly deleted: boolean;
}

/** A granted lease as it is kept across restarts. */
export interface LeaseRecord {
  readonly id: number;
  readonly ttlSeconds: number;
  /** Wall-clock end, milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** What one commit makes durable, all or nothing. */
export interface Batch {
  /** In revision order, without gaps, directly after the newest committed revision. */
  readonly versions: readonly Version[];
  readonly putLeases: readonly LeaseRecord[];
  readonly removeLeases: readonly number[];
}

export interface TableRange {
  readonly revision: number;
  readonly limit: number;
  /** Only keys strictly greater; '' for all. */
  readonly after: string;
  readonly countOnly: boolean;
}

export interface VersionTable {
  /** The newest committed revision, 0 when empty. */
  readonly revision: number;
  /** The oldest revision that can be read; versions superseded at or before it may already be gone. */
  readonly compactedRevision: number;
  /** The largest lease id that was ever granted. */
  readonly lastLease: number;

  /** The newest committed version of `key`, a deletion included. */
  head(key: string): Head | undefined;
  /** The live value of `key` as of `revision`, which is committed and not compacted. */
  at(key: string, revision: number): KeyValue | undefined;
  range(prefix: string, range: TableRange): { readonly kvs: readonly KeyValue[]; readonly count: number };
  /** Versions of keys under `prefix` written from `fromRevision` to `toRevision` inclusive, in order; looks at `maxScanned` at most. */
  history(prefix: string, fromRevision: number, toRevision: number, maxScanned: number): readonly Version[];
  /** Up to `limit` keys greater than `after` whose newest version has a lease; `next` goes on, undefined at the end. */
  leasedKeys(after: string, limit: number): { readonly keys: readonly (readonly [key: string, lease: number])[]; readonly next?: string };
  leases(): readonly LeaseRecord[];

  /** Makes a batch durable. A rejection leaves it unknown whether it is, and the table must not be used again. */
  commit(batch: Batch): Promise<void>;
  /** Makes `compactedRevision` durable; `purge` does the work. */
  compact(revision: number): Promise<void>;
  /** Frees what compaction allows, looking at up to `maxVersions`; resolves with true when nothing is left to free. */
  purge(maxVersions: number): Promise<boolean>;
  sizeBytes(): number;
  /** Why no more may be put, as a sentence; undefined while there is room. */
  fullReason(): string | undefined;
  close(): Promise<void>;
}
