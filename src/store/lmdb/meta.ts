/**
 * What the store knows about itself, beside the data: its format, how far it is compacted, and the offset that is added to
 * revisions so that resource versions never go backwards. Written in the same transactions as what it describes.
 */
import type { Database } from 'lmdb';
import { StoreFormatError } from '../errors.ts';

/** Numbers by name, as JSON. */
export type MetaTable = Database<Buffer, string>;

/** Brings a store from the format of its index plus one to the next, inside one transaction. */
type Migration = (meta: MetaTable) => void;

const migrations: readonly Migration[] = [];
export const currentFormat = migrations.length + 1;

export type MetaName = 'format' | 'compactedRevision' | 'purgedRevision' | 'lastLease' | 'resourceVersionOffset';

export function readMeta(meta: MetaTable, name: MetaName): number {
  const record = meta.get(name);
  return record ? (JSON.parse(record.toString()) as number) : 0;
}

/** Queues or writes the number, as the transaction around it says. */
export function putMeta(meta: MetaTable, name: MetaName, value: number): void {
  void meta.put(name, Buffer.from(JSON.stringify(value)));
}

/**
 * Makes a new store of an empty directory, and today's of an older one.
 * @throws StoreFormatError when the store is newer than this program
 */
export function prepareFormat(meta: MetaTable, directory: string): void {
  const found = readMeta(meta, 'format');
  if (found === currentFormat) return;
  if (found > currentFormat) {
    throw new StoreFormatError(
      `store ${directory} has format ${found}; this version of Knarr reads up to ${currentFormat}: use the newer one`,
    );
  }
  meta.transactionSync(() => {
    if (found > 0) for (const migrate of migrations.slice(found - 1)) migrate(meta);
    else putMeta(meta, 'resourceVersionOffset', 0);
    putMeta(meta, 'format', currentFormat);
  });
}
