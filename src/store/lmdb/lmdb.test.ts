import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../base/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Store } from '../store.ts';
import { describeStore } from '../store.suite.ts';
import { openLmdbStore } from './index.ts';

const directories = new Map<Store, string>();

async function open(clock: Clock, directory: string): Promise<Store> {
  const store = await openLmdbStore({ directory, clock, log: silentLogger });
  directories.set(store, directory);
  return store;
}

describeStore('lmdb', {
  open: (clock) => open(clock, mkdtempSync(join(tmpdir(), 'knarr-store-'))),
  reopen: async (store, clock) => {
    await store.close();
    return open(clock, directories.get(store)!);
  },
  cleanUp: () => {
    for (const directory of directories.values()) rmSync(directory, { recursive: true, force: true });
    directories.clear();
  },
  runs: 40,
});
