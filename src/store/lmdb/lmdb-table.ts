/**
 * Versions on disk. One commit is one `batch` of lmdb-js, carried out by its native thread: measured against `transactionSync`
 * (here or in a worker) it leaves the main thread 7 µs a write instead of 22, and a worker would cost a second heap.
 * `overlappingSync` is off, so a transaction is visible only once it is on the disk, and a failed fdatasync fails the commit.
 * Log records are appended (`MDB_APPEND`), which fills pages and halves the file.
 */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Key, RootDatabase } from 'lmdb';
import { assert } from '../../base/index.ts';
import { compareKeys } from '../key-order.ts';
import type { KeyValue } from '../store.ts';
import type { Batch, Head, LeaseRecord, TableRange, Version, VersionTable } from '../version-table.ts';
import type { Environment } from './environment.ts';
import { type MetaTable, putMeta, readMeta } from './meta.ts';
import { endOfPrefix, firstKeyOf, LogRecord, readHead, RecordWriter, revisionKeys, textKeys } from './record.ts';

/** How many commits pass between two looks at the room that is left. */
const commitsPerSizeCheck = 64;
/** Puts are refused while the disk has less than this left, because a full disk would end the process. */
const minFreeDiskBytes = 64 * 1024 * 1024;
/** A count at a revision looks at the changes since; with more of them than this it looks at every key instead. */
const maxChangesCounted = 2000;
const noBytes = Buffer.of();

/** A table of lmdb-js, with what its types leave out. */
type BinaryTable<Key extends string | number> = Database<Buffer, Key> & {
  /** Bytes of the record that was read last. */
  readonly lastSize: number;
  /** Resolves with false when `key` does not come after all others. */
  put(key: Key, value: Buffer, options: { readonly append: true }): Promise<boolean>;
};

export class LmdbTable implements VersionTable {
  readonly #directory: string;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #meta: MetaTable;
  readonly #log: BinaryTable<number>;
  readonly #heads: BinaryTable<string>;
  /** The keys whose head is a deletion, so that the living can be counted without reading heads. */
  readonly #graves: BinaryTable<string>;
  readonly #leases: BinaryTable<number>;
  #commitsUntilSizeCheck = commitsPerSizeCheck;
  #fullReason: string | undefined;
  readonly #maxSizeBytes: number;
  readonly #onClosed: () => void;
  #purgedRevision: number;
  revision: number;
  compactedRevision: number;
  lastLease: number;

  /** Takes over the environment of `directory`, and closes it. */
  constructor(
    environment: Environment,
    options: { readonly directory: string; readonly maxSizeBytes: number; readonly onClosed: () => void },
  ) {
    this.#root = environment.root;
    this.#meta = environment.meta;
    this.#directory = options.directory;
    this.#maxSizeBytes = options.maxSizeBytes;
    this.#onClosed = options.onClosed;
    this.#log = this.#openTable<number>('log', revisionKeys);
    this.#heads = this.#openTable<string>('heads', textKeys);
    this.#graves = this.#openTable<string>('graves', textKeys);
    this.#leases = this.#openTable<number>('leases', revisionKeys);
    this.compactedRevision = readMeta(this.#meta, 'compactedRevision');
    this.#purgedRevision = readMeta(this.#meta, 'purgedRevision');
    this.lastLease = readMeta(this.#meta, 'lastLease');
    // The last record may have been purged away as a deletion, but never beyond what is compacted.
    this.revision = Math.max(this.#lastLogged(), this.compactedRevision);
    this.#checkSize();
  }

  head(key: string): Head | undefined {
    const record = this.#heads.getBinaryFast(key);
    return record && readHead(record);
  }

  at(key: string, revision: number): KeyValue | undefined {
    const head = this.head(key);
    return head && this.#liveAt(head, revision)?.kv(key);
  }

  range(prefix: string, { revision, limit, after, countOnly }: TableRange): { kvs: KeyValue[]; count: number } {
    const start = firstKeyOf(prefix, after);
    if (countOnly) return { kvs: [], count: this.#count(prefix, start, revision) };
    const kvs: KeyValue[] = [];
    for (const { key, value } of this.#heads.getRange({ start, end: endOfPrefix(prefix) })) {
      const record = this.#liveAt(readHead(value), revision);
      if (!record) continue;
      kvs.push(record.kv(key));
      if (kvs.length === limit) return { kvs, count: limit + this.#count(prefix, firstKeyOf(prefix, key), revision) };
    }
    return { kvs, count: kvs.length };
  }

  history(prefix: string, fromRevision: number, toRevision: number, maxScanned: number): Version[] {
    const found: Version[] = [];
    const end = Math.min(toRevision, fromRevision + maxScanned - 1);
    for (let revision = fromRevision; revision <= end; revision++) {
      const record = this.#record(revision);
      if (record?.key.startsWith(prefix)) found.push(record.whole);
    }
    return found;
  }

  leasedKeys(after: string, limit: number): { keys: (readonly [string, number])[]; next?: string } {
    const keys: (readonly [string, number])[] = [];
    let seen = 0;
    for (const { key, value } of this.#heads.getRange({ start: firstKeyOf('', after) })) {
      const { lease, deleted } = readHead(value);
      if (lease !== 0 && !deleted) keys.push([key, lease]);
      if (++seen === limit) return { keys, next: key };
    }
    return { keys };
  }

  leases(): LeaseRecord[] {
    return [...this.#leases.getRange({ start: 0 })].map(({ value }) => JSON.parse(value.toString()) as LeaseRecord);
  }

  async commit({ versions, putLeases, removeLeases }: Batch): Promise<void> {
    const writer = new RecordWriter(versions);
    const appended: Promise<boolean>[] = [];
    await this.#transact(() => {
      for (const version of versions) {
        const { head, log } = writer.add(version);
        appended.push(this.#log.put(version.kv.modRevision, log as Buffer, { append: true }));
        const { key } = version.kv;
        void this.#heads.put(key, head as Buffer);
        if (version.deleted) void this.#graves.put(key, noBytes);
        else if (version.kv.version === 1 && version.prevRevision > 0) void this.#graves.remove(key);
      }
      for (const lease of putLeases) {
        this.lastLease = Math.max(this.lastLease, lease.id);
        void this.#leases.put(lease.id, Buffer.from(JSON.stringify(lease)));
      }
      if (putLeases.length > 0) putMeta(this.#meta, 'lastLease', this.lastLease);
      for (const id of removeLeases) void this.#leases.remove(id);
    }, appended);
    this.revision = versions.at(-1)?.kv.modRevision ?? this.revision;
    if (--this.#commitsUntilSizeCheck === 0) this.#checkSize();
  }

  async compact(revision: number): Promise<void> {
    await this.#transact(() => putMeta(this.#meta, 'compactedRevision', revision));
    this.compactedRevision = revision;
  }

  /**
   * Walks the versions up to the compacted revision once. Each of them has superseded the one before it, which goes; a deletion goes
   * itself, with its key's head when nothing was written since. No commit runs meanwhile, so heads are what they seem.
   */
  async purge(maxVersions: number): Promise<boolean> {
    const end = Math.min(this.compactedRevision, this.#purgedRevision + maxVersions);
    if (end > this.#purgedRevision) {
      await this.#transact(() => {
        for (let revision = this.#purgedRevision + 1; revision <= end; revision++) {
          const record = this.#record(revision);
          if (!record) continue;
          if (record.prevRevision > 0) void this.#log.remove(record.prevRevision);
          if (!record.deleted) continue;
          const { key } = record;
          void this.#log.remove(revision);
          if (this.head(key)?.modRevision !== revision) continue;
          void this.#heads.remove(key);
          void this.#graves.remove(key);
        }
        putMeta(this.#meta, 'purgedRevision', end);
      });
      this.#purgedRevision = end;
    }
    if (end < this.compactedRevision) return false;
    this.#checkSize();
    return true;
  }

  sizeBytes(): number {
    return statSync(join(this.#directory, 'data.mdb')).size;
  }

  fullReason(): string | undefined {
    // Room comes back by compaction or by hand, so a full store looks each time.
    if (this.#fullReason !== undefined) this.#checkSize();
    return this.#fullReason;
  }

  async close(): Promise<void> {
    await this.#root.close();
    this.#onClosed();
  }

  #openTable<Key extends string | number>(name: string, keyEncoder: object): BinaryTable<Key> {
    return this.#root.openDB<Buffer, Key>({ name, encoding: 'binary', keyEncoder } as { name: string }) as BinaryTable<Key>;
  }

  /** Runs `queue` as one transaction; resolves when it is durable. */
  async #transact(queue: () => void, appended: Promise<boolean>[] = []): Promise<void> {
    try {
      const committed = this.#root.batch(queue);
      const [, ...results] = await Promise.all([committed, ...appended]);
      assert(!results.includes(false), 'revisions are appended in order');
    } catch (error) {
      throw await causeOf(error);
    }
  }

  #record(revision: number): LogRecord | undefined {
    const record = this.#log.getBinaryFast(revision);
    return record && new LogRecord(record, this.#log.lastSize);
  }

  /** Follows the chain from the head down to the version that stood at `revision`; undefined when the key did not exist then. */
  #liveAt(head: Head, revision: number): LogRecord | undefined {
    if (head.modRevision <= revision && head.deleted) return undefined;
    let record = this.#record(head.modRevision);
    while (record && record.modRevision > revision) record = record.prevRevision === 0 ? undefined : this.#record(record.prevRevision);
    return record?.deleted ? undefined : record;
  }

  /** Counts the keys from `start` on, under `prefix`, that live at `revision`. */
  #count(prefix: string, start: string, revision: number): number {
    const range = { start, end: endOfPrefix(prefix) };
    // What is on the disk may be ahead of what was told: the commit that is just becoming durable.
    const newest = this.#lastLogged();
    if (newest - revision > maxChangesCounted) return this.#countByReading(range, revision);
    let count = this.#heads.getKeysCount(range) - this.#graves.getKeysCount(range);
    const changed = new Set<string>();
    for (let later = revision + 1; later <= newest; later++) {
      const key = this.#record(later)?.key;
      if (key?.startsWith(prefix) && compareKeys(key, start) >= 0) changed.add(key);
    }
    for (const key of changed) {
      const head = this.head(key)!;
      count += (this.#liveAt(head, revision) ? 1 : 0) - (head.deleted ? 0 : 1);
    }
    return count;
  }

  #countByReading(range: { readonly start: string; readonly end: Key }, revision: number): number {
    let count = 0;
    for (const { value } of this.#heads.getRange(range)) {
      const head = readHead(value);
      if (head.modRevision <= revision ? !head.deleted : this.#liveAt(head, revision)) count++;
    }
    return count;
  }

  /** Revision of the last log record, 0 when there is none. */
  #lastLogged(): number {
    const [last] = this.#log.getKeys({ start: Number.MAX_SAFE_INTEGER, reverse: true, limit: 1 });
    return last ?? 0;
  }

  #checkSize(): void {
    this.#commitsUntilSizeCheck = commitsPerSizeCheck;
    const { bavail, bsize } = statfsSync(this.#directory);
    const freeBytes = bavail * bsize;
    const usedBytes = bytesOf([this.#log, this.#heads, this.#graves, this.#leases]);
    if (freeBytes < minFreeDiskBytes) this.#fullReason = `store is full: the disk of ${this.#directory} has only ${freeBytes} bytes left`;
    else if (usedBytes > this.#maxSizeBytes) this.#fullReason = `store is full: ${usedBytes} of ${this.#maxSizeBytes} bytes are used`;
    else this.#fullReason = undefined;
  }
}

/** Bytes of the pages in use; the file itself never shrinks, but its free pages are used again. */
function bytesOf(tables: readonly { getStats(): object }[]): number {
  let pages = 0;
  for (const table of tables) {
    const stats = table.getStats() as { treeBranchPageCount: number; treeLeafPageCount: number; overflowPages: number };
    pages += stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
  }
  return pages * 4096;
}

/** What lmdb-js rejects with names its cause by a promise. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (!commitError) return error;
  return commitError.catch((cause: unknown) => cause);
}
