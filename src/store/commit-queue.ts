/**
 * The one writer of a table. Writes are compared and given their revision when they come in, wait in order, and go to the table in
 * batches: all that wait make one commit. Invariants: at most one commit or purge runs at a time; revisions are given without gaps;
 * nothing is told or answered before its commit is durable; watchers are told before writers are answered, both in revision order;
 * after a failed commit nothing is ever answered again, because what stands on the disk is unknown.
 */
import type { Clock } from '../base/index.ts';
import { StoreClosedError, StoreFailedError } from './errors.ts';
import type { StoreMetrics } from './metrics.ts';
import type { LeaseRecord, Version, VersionTable } from './version-table.ts';

/** Called in order once everything queued before it is durable, or with the error that ended the queue. */
type Settled = (error?: Error) => void;

/** Most versions that one step of a purge looks at, so that a waiting write waits for one short transaction at most. */
const purgeStep = 500;
/** An unbroken stream of writes lets a step of a purge in after so many commits, which keeps the table from growing without end. */
const commitsPerPurge = 8;

export interface CommitQueueOptions {
  readonly table: VersionTable;
  readonly clock: Clock;
  readonly metrics: StoreMetrics | undefined;
  /** Runs `start` soon: the moment between lets more writes join the first batch of a burst. */
  readonly defer: (start: () => void) => void;
  /** Told of the versions of a commit that has just become durable, before writers are answered. */
  readonly onCommitted: (versions: readonly Version[]) => void;
  /** Told of a failed commit, once, before any caller is. */
  readonly onFailed: (error: StoreFailedError) => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  /** The newest version of each key that waits or is being committed. */
  readonly #pending = new Map<string, Version>();
  #versions: Version[] = [];
  #putLeases: LeaseRecord[] = [];
  #removeLeases: number[] = [];
  #settled: Settled[] = [];
  #pendingBytes = 0;
  #durableRevision: number;
  #assignedRevision: number;
  #compactTo = 0;
  #compacted: Settled[] = [];
  #purging: boolean;
  #running = false;
  #closing = false;
  #ended: Error | undefined;
  #idle: (() => void)[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#durableRevision = options.table.revision;
    this.#assignedRevision = options.table.revision;
    // A purge that was cut short by the end of the last process goes on.
    this.#purging = options.table.compactedRevision > 0;
    if (this.#purging) this.#wake();
  }

  get durableRevision(): number {
    return this.#durableRevision;
  }

  /** Bytes of values that wait to be committed or are being committed. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Why nothing more is taken on; undefined while the queue works. */
  get ended(): Error | undefined {
    return this.#ended ?? (this.#closing ? new StoreClosedError() : undefined);
  }

  /** The newest version of `key` that is not yet durable. */
  pending(key: string): Version | undefined {
    return this.#pending.get(key);
  }

  /** Gives the next revision to a change and queues it. `prevRevision` must be that of the newest version, pending ones included. */
  write(
    change: {
      readonly key: string;
      readonly value: Uint8Array;
      readonly deleted: boolean;
      readonly createRevision: number;
      readonly version: number;
      readonly lease: number;
      readonly prevRevision: number;
    },
    settled?: Settled,
  ): number {
    const { key, value, deleted, createRevision, version, lease, prevRevision } = change;
    const revision = ++this.#assignedRevision;
    const kv = { key, value, createRevision: createRevision === 0 ? revision : createRevision, modRevision: revision, version, lease };
    const written: Version = { kv, deleted, prevRevision };
    this.#pending.set(key, written);
    this.#versions.push(written);
    this.#pendingBytes += value.byteLength;
    if (settled) this.#settled.push(settled);
    this.#wake();
    return revision;
  }

  putLease(lease: LeaseRecord, settled: Settled): void {
    this.#putLeases.push(lease);
    this.#settled.push(settled);
    this.#wake();
  }

  removeLease(id: number, settled: Settled): void {
    this.#removeLeases.push(id);
    this.#settled.push(settled);
    this.#wake();
  }

  /** Calls `settled` once all that is queued now is durable; at once when nothing is. */
  afterPending(settled: Settled): void {
    if (!this.#running) settled();
    else this.#settled.push(settled);
  }

  /** Forgets history older than `revision`, which is durable; settled when that decision is durable, the freeing goes on after. */
  compact(revision: number, settled: Settled): void {
    this.#compactTo = Math.max(this.#compactTo, revision);
    this.#compacted.push(settled);
    this.#wake();
  }

  /** Takes nothing more on; resolves when what was taken on is settled. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    if (this.#running) return;
    this.#running = true;
    this.#options.defer(() => void this.#run());
  }

  /** Runs until nothing waits. Never rejects: what fails ends the queue. */
  async #run(): Promise<void> {
    try {
      for (let commits = 0; ;) {
        const waiting = this.#versions.length > 0 || this.#settled.length > 0;
        if (this.#compacted.length > 0) await this.#compact();
        else if (waiting && (!this.#purging || commits < commitsPerPurge)) {
          await this.#commit();
          commits++;
        } else if (this.#purging && !(this.#closing && !waiting)) {
          this.#purging = !(await this.#options.table.purge(purgeStep));
          commits = 0;
        } else break;
      }
    } catch (cause) {
      this.#fail(new StoreFailedError(cause));
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #commit(): Promise<void> {
    const { table, clock, metrics, onCommitted } = this.#options;
    const versions = this.#versions;
    const settled = this.#settled;
    const batch = { versions, putLeases: this.#putLeases, removeLeases: this.#removeLeases };
    this.#versions = [];
    this.#settled = [];
    this.#putLeases = [];
    this.#removeLeases = [];
    const startMs = clock.monotonic();
    try {
      await table.commit(batch);
    } catch (error) {
      // Ahead of whatever was queued since: all of it fails, in order.
      this.#settled = [...settled, ...this.#settled];
      throw error;
    }
    metrics?.observeCommit((clock.monotonic() - startMs) / 1000, versions.length);
    this.#durableRevision = versions.at(-1)?.kv.modRevision ?? this.#durableRevision;
    for (const version of versions) {
      this.#pendingBytes -= version.kv.value.byteLength;
      if (this.#pending.get(version.kv.key) === version) this.#pending.delete(version.kv.key);
    }
    onCommitted(versions);
    for (const answer of settled) answer();
  }

  async #compact(): Promise<void> {
    const settled = this.#compacted;
    this.#compacted = [];
    try {
      if (this.#compactTo > this.#options.table.compactedRevision) await this.#options.table.compact(this.#compactTo);
    } catch (error) {
      this.#compacted = [...settled, ...this.#compacted];
      throw error;
    }
    this.#purging = true;
    for (const answer of settled) answer();
  }

  #fail(error: StoreFailedError): void {
    this.#ended = error;
    this.#options.onFailed(error);
    for (const answer of [...this.#settled.splice(0), ...this.#compacted.splice(0)]) answer(error);
  }
}
