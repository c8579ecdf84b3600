/** The store for tests and simulations: nothing on disk, every promise settled by microtasks alone. */
import { type Clock, type Logger, type Registry, silentLogger, systemClock } from '../../base/index.ts';
import type { Store } from '../store.ts';
import { VersionedStore } from '../versioned-store.ts';
import { MemoryTable } from './memory-table.ts';

/** @param options.clock ends leases; default: the machine's */
export function createMemoryStore(options: { readonly clock?: Clock; readonly log?: Logger; readonly registry?: Registry } = {}): Store {
  return new VersionedStore(new MemoryTable(), {
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLogger,
    ...(options.registry && { registry: options.registry }),
    defer: queueMicrotask,
    onFatal: (error) => {
      throw error;
    },
  });
}
