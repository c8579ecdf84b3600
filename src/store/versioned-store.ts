/**
 * The store contract over any `VersionTable` of this process: compares writes, keeps leases, and joins the commit queue with the
 * watches. Every read is a read at the newest durable revision, so nothing undurable is ever seen, whatever the table shows.
 */
import type { Clock, Logger, Registry } from '../base/index.ts';
import { CommitQueue } from './commit-queue.ts';
import {
  CompactedError,
  FutureRevisionError,
  LeaseNotFoundError,
  StoreBusyError,
  StoreClosedError,
  StoreFullError,
  type StoreFailedError,
} from './errors.ts';
import { checkKey } from './key-order.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { createStoreMetrics } from './metrics.ts';
import type { KeyValue, RangeOptions, RangeResult, Store, Txn, TxnResult, Watch, WatchOptions } from './store.ts';
import type { Head, VersionTable } from './version-table.ts';
import { WatchHub } from './watch-hub.ts';

/** Most bytes of values that may wait for the disk; beyond, writes are refused with StoreBusyError. */
const maxPendingBytes = 64 * 1024 * 1024;
/** Most leased keys read at a time while the store takes up its leases after a restart. */
const leasedKeysPage = 1000;

const noValue = new Uint8Array(0);

export interface VersionedStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry?: Registry;
  /** Lets other work go on: between two pages of a replay, and before the first commit of a burst. */
  readonly defer: (resume: () => void) => void;
  /** Called when a commit fails, before any caller is told: the process has to end. */
  readonly onFatal: (error: StoreFailedError) => void;
}

export class VersionedStore implements Store {
  readonly #table: VersionTable;
  readonly #queue: CommitQueue;
  readonly #hub: WatchHub;
  readonly #leases: LeaseKeeper;
  readonly #options: VersionedStoreOptions;
  /** True once the keys of leases from before a restart are known; until then no lease ends. */
  #leasesReady: Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(table: VersionTable, options: VersionedStoreOptions) {
    this.#table = table;
    this.#options = options;
    this.#hub = new WatchHub(table, { yield: () => new Promise((resolve) => options.defer(resolve)) });
    this.#leases = new LeaseKeeper({ clock: options.clock, lastLease: table.lastLease, onExpired: (id) => void this.#expire(id) });
    const metrics =
      options.registry &&
      createStoreMetrics(options.registry, {
        pendingBytes: () => this.#queue.pendingBytes,
        sizeBytes: () => table.sizeBytes(),
        watches: () => this.#hub.size,
      });
    this.#queue = new CommitQueue({
      table,
      clock: options.clock,
      metrics,
      defer: options.defer,
      onCommitted: (versions) => this.#hub.publish(versions),
      onFailed: (error) => {
        options.onFatal(error);
        this.#leases.close();
        this.#hub.fail(error);
      },
    });
    this.#leasesReady = this.#resumeLeases();
  }

  // Async without await: what it throws must be a rejection.
  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#queue.durableRevision;
  }

  async get(key: string, revision?: number): Promise<KeyValue | undefined> {
    return this.#table.at(key, this.#readRevision(revision));
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const revision = this.#readRevision(options.revision);
    const { after = '', limit = Infinity, countOnly = false } = options;
    return { revision, ...this.#table.range(prefix, { revision, after, limit, countOnly }) };
  }

  txn(txn: Txn): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const { key, op, expectModRevision, guard } = txn;
      checkKey(key);
      if (guard && this.#liveRevision(guard.key) !== guard.modRevision) {
        this.#answerGuarded(guard.key, resolve, reject);
        return;
      }
      const head = this.#head(key);
      const live = head !== undefined && !head.deleted;
      if ((live ? head.modRevision : 0) !== expectModRevision || (op.type === 'delete' && !live)) {
        this.#answerUnchanged(txn, resolve, reject);
        return;
      }
      const revision = op.type === 'put' ? this.#put(key, op, head, settled) : this.#delete(key, head!, settled);
      function settled(error?: Error): void {
        if (error) reject(error);
        else resolve({ ok: true, revision });
      }
    });
  }

  async watch(options: WatchOptions): Promise<Watch> {
    this.#checkOpen();
    const { fromRevision } = options;
    if (fromRevision !== undefined && fromRevision <= this.#table.compactedRevision) {
      throw new CompactedError(fromRevision, this.#table.compactedRevision);
    }
    return this.#hub.open(options);
  }

  compact(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const { durableRevision } = this.#queue;
      if (revision > durableRevision) throw new FutureRevisionError(revision, durableRevision);
      this.#queue.compact(revision, (error) => (error ? reject(error) : resolve()));
    });
  }

  async compactedRevision(): Promise<number> {
    this.#checkOpen();
    return this.#table.compactedRevision;
  }

  grantLease(ttlSeconds: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const lease = this.#leases.grant(ttlSeconds);
      this.#queue.putLease(lease, (error) => (error ? reject(error) : resolve(lease.id)));
    });
  }

  keepAliveLease(id: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const lease = this.#leases.renew(id);
      if (!lease) throw new LeaseNotFoundError(id);
      this.#queue.putLease(lease, (error) => (error ? reject(error) : resolve()));
    });
  }

  async revokeLease(id: number): Promise<void> {
    await this.#leasesReady;
    this.#checkOpen();
    await this.#endLease(id);
  }

  async sizeBytes(): Promise<number> {
    this.#checkOpen();
    return this.#table.sizeBytes();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#leases.close();
    await this.#queue.close();
    await this.#leasesReady;
    this.#hub.fail(new StoreClosedError());
    await this.#table.close();
  }

  #checkOpen(): void {
    const { ended } = this.#queue;
    if (ended) throw ended;
  }

  #readRevision(revision: number | undefined): number {
    this.#checkOpen();
    const { durableRevision } = this.#queue;
    if (revision === undefined) return durableRevision;
    if (revision > durableRevision) throw new FutureRevisionError(revision, durableRevision);
    if (revision < this.#table.compactedRevision) throw new CompactedError(revision, this.#table.compactedRevision);
    return revision;
  }

  /** The newest version of a key, pending ones included: what a compare looks at. */
  #head(key: string): Head | undefined {
    const pending = this.#queue.pending(key);
    if (!pending) return this.#table.head(key);
    const { modRevision, createRevision, version, lease } = pending.kv;
    return { modRevision, createRevision, version, lease, deleted: pending.deleted };
  }

  #put(
    key: string,
    op: { readonly value: Uint8Array; readonly lease?: number },
    head: Head | undefined,
    settled: (error?: Error) => void,
  ): number {
    const lease = op.lease ?? 0;
    if (lease !== 0 && !this.#leases.has(lease)) throw new LeaseNotFoundError(lease);
    if (this.#queue.pendingBytes > maxPendingBytes) throw new StoreBusyError(this.#queue.pendingBytes);
    const fullReason = this.#table.fullReason();
    if (fullReason !== undefined) throw new StoreFullError(fullReason);
    const live = head !== undefined && !head.deleted;
    this.#leases.attach(key, live ? head.lease : 0, lease);
    return this.#queue.write(
      {
        key,
        value: op.value,
        deleted: false,
        createRevision: live ? head.createRevision : 0,
        version: live ? head.version + 1 : 1,
        lease,
        prevRevision: head?.modRevision ?? 0,
      },
      settled,
    );
  }

  #delete(key: string, head: Head, settled?: (error?: Error) => void): number {
    this.#leases.attach(key, head.lease, 0);
    const { createRevision, modRevision } = head;
    return this.#queue.write(
      { key, value: noValue, deleted: true, createRevision, version: 0, lease: 0, prevRevision: modRevision },
      settled,
    );
  }

  /** The newest version of a key, pending ones included; 0 when there is none. */
  #liveRevision(key: string): number {
    const head = this.#head(key);
    return head && !head.deleted ? head.modRevision : 0;
  }

  /** Answers a write whose guard moved on, once that is durable. */
  #answerGuarded(guard: string, resolve: (result: TxnResult) => void, reject: (error: Error) => void): void {
    const answer = (error?: Error): void => {
      if (error) reject(error);
      else resolve({ ok: false, revision: this.#queue.durableRevision, current: undefined, guardFailed: true });
    };
    if (this.#queue.pending(guard)) this.#queue.afterPending(answer);
    else answer();
  }

  /**
   * Answers a write that changes nothing: its condition does not hold, or it deletes what is not there. What it was compared with
   * may still be on its way to the disk, so the answer waits for that.
   */
  #answerUnchanged(txn: Txn, resolve: (result: TxnResult) => void, reject: (error: Error) => void): void {
    const pending = this.#queue.pending(txn.key);
    const answer = (error?: Error): void => {
      if (error) {
        reject(error);
        return;
      }
      const revision = this.#queue.durableRevision;
      const current = pending ? (pending.deleted ? undefined : pending.kv) : this.#table.at(txn.key, revision);
      if ((current?.modRevision ?? 0) === txn.expectModRevision) resolve({ ok: true, revision });
      else resolve({ ok: false, revision, current });
    };
    if (pending) this.#queue.afterPending(answer);
    else answer();
  }

  async #resumeLeases(): Promise<void> {
    const leases = this.#table.leases();
    if (leases.length === 0) return;
    // Keys that move while this goes on are kept right by `attach`, so a page may only add what is still true.
    for (const lease of leases) this.#leases.resume(lease);
    for (let after: string | undefined = ''; after !== undefined && !this.#queue.ended;) {
      const { keys, next }: { keys: readonly (readonly [string, number])[]; next?: string } = this.#table.leasedKeys(after, leasedKeysPage);
      for (const [key, lease] of keys) if (!this.#queue.pending(key)) this.#leases.attach(key, 0, lease);
      after = next;
      await new Promise<void>((resolve) => this.#options.defer(resolve));
    }
  }

  async #expire(id: number): Promise<void> {
    await this.#leasesReady;
    if (this.#queue.ended) return;
    try {
      await this.#endLease(id);
    } catch (error) {
      // Revoked in the meantime, or the store ended: `onFatal` has said why.
      if (!(error instanceof LeaseNotFoundError) && error !== this.#queue.ended) throw error;
    }
  }

  /** Deletes the lease with its keys in one batch. */
  #endLease(id: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const keys = this.#leases.remove(id);
      if (!keys) throw new LeaseNotFoundError(id);
      for (const key of keys) {
        const head = this.#head(key);
        if (head && !head.deleted && head.lease === id) this.#delete(key, head);
      }
      this.#queue.removeLease(id, (error) => (error ? reject(error) : resolve()));
    });
  }
}
