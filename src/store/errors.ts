/**
 * Everything that can go wrong in a store, told apart by class and by `code`. The API server turns them into Status in one place;
 * nothing here knows HTTP.
 */

export type StoreErrorCode =
  | 'COMPACTED'
  | 'FUTURE_REVISION'
  | 'LEASE_NOT_FOUND'
  | 'INVALID_KEY'
  | 'STORE_BUSY'
  | 'STORE_FULL'
  | 'STORE_CLOSED'
  | 'STORE_FAILED'
  | 'STORE_IN_USE'
  | 'STORE_FORMAT';

/** An operating error of a store. */
export abstract class StoreError extends Error {
  abstract readonly code: StoreErrorCode;
}

/** A read or a watch below the kept history. The client lists again. */
export class CompactedError extends StoreError {
  override readonly name = 'CompactedError';
  readonly code = 'COMPACTED';
  readonly requestedRevision: number;
  /** The oldest revision that can still be read. */
  readonly compactedRevision: number;

  constructor(requestedRevision: number, compactedRevision: number) {
    super(`revision ${requestedRevision} has been compacted: the oldest kept is ${compactedRevision}`);
    this.requestedRevision = requestedRevision;
    this.compactedRevision = compactedRevision;
  }
}

/** A read at, or a compaction to, a revision that does not exist yet. */
export class FutureRevisionError extends StoreError {
  override readonly name = 'FutureRevisionError';
  readonly code = 'FUTURE_REVISION';
  readonly requestedRevision: number;
  readonly currentRevision: number;

  constructor(requestedRevision: number, currentRevision: number) {
    super(`revision ${requestedRevision} is in the future: the newest is ${currentRevision}`);
    this.requestedRevision = requestedRevision;
    this.currentRevision = currentRevision;
  }
}

/** The lease was never granted, was revoked, or has expired. */
export class LeaseNotFoundError extends StoreError {
  override readonly name = 'LeaseNotFoundError';
  readonly code = 'LEASE_NOT_FOUND';
  readonly lease: number;

  constructor(lease: number) {
    super(`lease ${lease} not found`);
    this.lease = lease;
  }
}

/** The key is empty, too long, or not well-formed Unicode. */
export class InvalidKeyError extends StoreError {
  override readonly name = 'InvalidKeyError';
  readonly code = 'INVALID_KEY';
}

/** More writes wait than the store takes on; nothing was written, and the caller may try again later. */
export class StoreBusyError extends StoreError {
  override readonly name = 'StoreBusyError';
  readonly code = 'STORE_BUSY';

  constructor(pendingBytes: number) {
    super(`store is busy: ${pendingBytes} bytes of writes wait to be committed`);
  }
}

/** The store has reached its size limit; deletions and compaction still work, and nothing was written. */
export class StoreFullError extends StoreError {
  override readonly name = 'StoreFullError';
  readonly code = 'STORE_FULL';
}

/** The store was closed, by its owner or because the process is going down. */
export class StoreClosedError extends StoreError {
  override readonly name = 'StoreClosedError';
  readonly code = 'STORE_CLOSED';

  constructor() {
    super('store is closed');
  }
}

/** A commit failed, so memory is ahead of the disk: whether the write happened is unknown, and the process must end. */
export class StoreFailedError extends StoreError {
  override readonly name = 'StoreFailedError';
  readonly code = 'STORE_FAILED';

  constructor(cause: unknown) {
    super(`store commit failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Another live process owns the directory. An embedded store has one owner; high availability needs etcd. */
export class StoreInUseError extends StoreError {
  override readonly name = 'StoreInUseError';
  readonly code = 'STORE_IN_USE';
  readonly ownerPid: number;

  constructor(directory: string, ownerPid: number) {
    super(`store ${directory} is owned by process ${ownerPid}: an embedded store has one owner, several API servers need etcd`);
    this.ownerPid = ownerPid;
  }
}

/** The directory was written by a newer Knarr, or is not a store at all. */
export class StoreFormatError extends StoreError {
  override readonly name = 'StoreFormatError';
  readonly code = 'STORE_FORMAT';
}
