/** The door of the store: the contract, its errors, and the backends that keep it. */
export type { KeyValue, RangeOptions, RangeResult, Store, StoreEvent, Txn, TxnResult, Watch, WatchOptions } from './store.ts';
export {
  CompactedError,
  FutureRevisionError,
  InvalidKeyError,
  LeaseNotFoundError,
  StoreBusyError,
  StoreClosedError,
  StoreError,
  type StoreErrorCode,
  StoreFailedError,
  StoreFormatError,
  StoreFullError,
  StoreInUseError,
} from './errors.ts';
export { createMemoryStore } from './memory/index.ts';
export { type LmdbStoreOptions, openLmdbStore } from './lmdb/index.ts';
