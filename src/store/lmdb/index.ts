/**
 * The embedded store: LMDB in a directory that one process owns. The binding is loaded when a store is opened, so that programs that
 * never open one do not pay for it.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import type { Clock, Logger, Registry } from '../../base/index.ts';
import type { StoreFailedError } from '../errors.ts';
import type { Store } from '../store.ts';
import { VersionedStore } from '../versioned-store.ts';
import { acquireOwnerLock } from './owner-lock.ts';

export interface LmdbStoreOptions {
  /** Made with mode 0700 when missing; holds nothing but the store. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry?: Registry;
  /** Puts are refused with StoreFullError once the data takes this much; default 8 GiB, the most that etcd recommends. */
  readonly maxSizeBytes?: number;
  /**
   * Called when a commit fails: memory is ahead of the disk, so the process has to end without answering anybody.
   * Default: says so in the log and aborts.
   */
  readonly onFatal?: (error: StoreFailedError) => void;
}

const defaultMaxSizeBytes = 8 * 1024 ** 3;

/**
 * Opens the store of a directory, or makes one.
 * @throws StoreInUseError when another live process owns it
 * @throws StoreFormatError when it was written by a newer version, or is something else
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { directory, clock, log, registry } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const [{ openEnvironment }, { LmdbTable }] = await Promise.all([import('./environment.ts'), import('./lmdb-table.ts')]);
  const lock = await acquireOwnerLock(directory);
  try {
    const table = new LmdbTable(await openEnvironment(directory), {
      directory,
      maxSizeBytes: options.maxSizeBytes ?? defaultMaxSizeBytes,
      onClosed: () => lock[Symbol.dispose](),
    });
    return new VersionedStore(table, {
      clock,
      log,
      ...(registry && { registry }),
      // The end of this turn of the loop: requests that came in together share a commit.
      defer: setImmediate,
      onFatal: options.onFatal ?? ((err) => abort(log, directory, err)),
    });
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Ends the process at once: no handler may run that could still answer somebody. */
function abort(log: Logger, directory: string, err: StoreFailedError): never {
  log.error('store commit failed: ending the process, because its memory is ahead of the disk', { directory, err });
  process.abort();
}
