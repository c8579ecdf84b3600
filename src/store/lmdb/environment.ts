/**
 * Opens the LMDB environment of a store: is it ours, is its format one that this program reads, who may read its files. What is
 * refused stays as it was.
 */
import { chmodSync, closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreFormatError } from '../errors.ts';
import { type MetaTable, prepareFormat } from './meta.ts';

/** LMDB's magic number and where its meta page has it. @source lmdb mdb.c, MDB_meta after the 24 bytes of a page header */
const magic = 0xbeefc0de;
const magicOffset = 24;

export interface Environment {
  readonly root: RootDatabase<Buffer, string>;
  readonly meta: MetaTable;
}

/** @throws StoreFormatError when the directory holds something else, or the store of a newer version */
export async function openEnvironment(directory: string): Promise<Environment> {
  checkMagic(directory);
  const root = open<Buffer, string>({
    path: directory,
    // Else a directory whose name has a dot would be taken for a file.
    noSubdir: false,
    encoding: 'binary',
    maxDbs: 8,
    overlappingSync: false,
    eventTurnBatching: false,
  });
  try {
    for (const name of ['data.mdb', 'lock.mdb']) chmodSync(join(directory, name), 0o600);
    const tables = [...root.getKeys()];
    if (tables.length > 0 && !tables.includes('meta')) throw new StoreFormatError(`${directory} holds another program's LMDB database`);
    const meta = root.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' });
    prepareFormat(meta, directory);
    return { root, meta };
  } catch (error) {
    await root.close();
    throw error;
  }
}

/** LMDB opens some files that it cannot read, and fails later: look before. */
function checkMagic(directory: string): void {
  const path = join(directory, 'data.mdb');
  if (!existsSync(path)) return;
  const header = Buffer.alloc(magicOffset + 4);
  const file = openSync(path, 'r');
  try {
    const bytes = readSync(file, header);
    // An empty file is what LMDB makes first.
    if (bytes > 0 && header.readUInt32LE(magicOffset) !== magic) throw new StoreFormatError(`${path} is not an LMDB database`);
  } finally {
    closeSync(file);
  }
}
