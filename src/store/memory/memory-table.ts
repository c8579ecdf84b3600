/** Versions kept in this process only: for tests under virtual time, where nothing but microtasks may settle a promise. */
import sortedBtree from 'sorted-btree';
import { compareKeys } from '../key-order.ts';
import type { KeyValue } from '../store.ts';
import type { Batch, Head, LeaseRecord, TableRange, Version, VersionTable } from '../version-table.ts';

// The package is CommonJS: Node imports its whole `exports`, loaders that imitate bundlers its default member.
const BTree = 'default' in sortedBtree ? sortedBtree.default : sortedBtree;

/** A version linked to the one of its key before it. Compaction cuts the link. */
interface Entry {
  readonly written: Version;
  prev: Entry | undefined;
}

export class MemoryTable implements VersionTable {
  /** The newest version of each key, deletions included until they are purged. */
  readonly #heads = new BTree<string, Entry>(undefined, compareKeys);
  readonly #byRevision = new Map<number, Entry>();
  readonly #leases = new Map<number, LeaseRecord>();
  #purgedRevision = 0;
  revision = 0;
  compactedRevision = 0;
  lastLease = 0;

  head(key: string): Head | undefined {
    const written = this.#heads.get(key)?.written;
    if (!written) return undefined;
    const { modRevision, createRevision, version, lease } = written.kv;
    return { modRevision, createRevision, version, lease, deleted: written.deleted };
  }

  at(key: string, revision: number): KeyValue | undefined {
    return liveAt(this.#heads.get(key), revision);
  }

  range(prefix: string, { revision, limit, after, countOnly }: TableRange): { kvs: KeyValue[]; count: number } {
    const kvs: KeyValue[] = [];
    let count = 0;
    for (const [key, head] of this.#heads.entries(after > prefix ? after : prefix)) {
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      const kv = liveAt(head, revision);
      if (!kv) continue;
      count++;
      if (!countOnly && kvs.length < limit) kvs.push(kv);
    }
    return { kvs, count };
  }

  history(prefix: string, fromRevision: number, toRevision: number, maxScanned: number): Version[] {
    const found: Version[] = [];
    const end = Math.min(toRevision, fromRevision + maxScanned - 1);
    for (let revision = fromRevision; revision <= end; revision++) {
      const version = this.#byRevision.get(revision)?.written;
      if (version?.kv.key.startsWith(prefix)) found.push(version);
    }
    return found;
  }

  /** Never asked: leases of this table do not outlive the store above it. */
  leasedKeys(): { keys: [] } {
    return { keys: [] };
  }

  leases(): LeaseRecord[] {
    return [...this.#leases.values()];
  }

  async commit({ versions, putLeases, removeLeases }: Batch): Promise<void> {
    for (const written of versions) {
      const { key, modRevision } = written.kv;
      const entry: Entry = { written, prev: this.#heads.get(key) };
      this.#heads.set(key, entry);
      this.#byRevision.set(modRevision, entry);
      this.revision = modRevision;
    }
    for (const lease of putLeases) {
      this.#leases.set(lease.id, lease);
      this.lastLease = Math.max(this.lastLease, lease.id);
    }
    for (const id of removeLeases) this.#leases.delete(id);
  }

  async compact(revision: number): Promise<void> {
    this.compactedRevision = revision;
  }

  async purge(maxVersions: number): Promise<boolean> {
    const end = Math.min(this.compactedRevision, this.#purgedRevision + maxVersions);
    while (this.#purgedRevision < end) {
      const entry = this.#byRevision.get(++this.#purgedRevision);
      if (!entry) continue;
      if (entry.prev) this.#byRevision.delete(entry.prev.written.kv.modRevision);
      entry.prev = undefined;
      if (!entry.written.deleted) continue;
      this.#byRevision.delete(this.#purgedRevision);
      if (this.#heads.get(entry.written.kv.key) === entry) this.#heads.delete(entry.written.kv.key);
    }
    return this.#purgedRevision === this.compactedRevision;
  }

  sizeBytes(): number {
    return 0;
  }

  fullReason(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#heads.clear();
    this.#byRevision.clear();
    this.#leases.clear();
  }
}

function liveAt(head: Entry | undefined, revision: number): KeyValue | undefined {
  let entry = head;
  while (entry && entry.written.kv.modRevision > revision) entry = entry.prev;
  return entry && !entry.written.deleted ? entry.written.kv : undefined;
}
