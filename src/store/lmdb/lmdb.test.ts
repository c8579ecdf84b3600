import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { open as openRaw } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, Registry, silentLogger, systemClock, VirtualClock } from '../../base/index.ts';
import type { Store, TxnResult } from '../store.ts';
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

describe('lmdb store on disk', () => {
  let directory: string;
  beforeEach(() => (directory = join(mkdtempSync(join(tmpdir(), 'knarr-store-')), 'store')));
  afterEach(() => rmSync(dirname(directory), { recursive: true, force: true }));

  const openHere = (options: { readonly maxSizeBytes?: number } = {}): Promise<Store> =>
    openLmdbStore({ directory, clock: new VirtualClock(), log: silentLogger, ...options });
  const put = (store: Store, key: string, expectModRevision: number, size = 1500): Promise<TxnResult> =>
    store.txn({ key, expectModRevision, op: { type: 'put', value: new Uint8Array(size) } });

  test('is readable by its owner only, and leaves no lock when it is closed', async () => {
    const store = await openHere();
    await put(store, '/secret', 0);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(directory)) expect([file, statSync(join(directory, file)).mode & 0o777]).toEqual([file, 0o600]);
    expect(await store.sizeBytes()).toBeGreaterThan(1500);
    await store.close();
    expect(readdirSync(directory).toSorted()).toEqual(['data.mdb', 'lock.mdb']);
  });

  test('is refused a second owner by name', async () => {
    const store = await openHere();
    await expect(openHere()).rejects.toThrow(/owned by process \d+: an embedded store has one owner, several API servers need etcd/);
    await store.close();
  });

  test('is refused when a newer version wrote it, or when it is none, and stays as it was', async () => {
    await (await openHere()).close();
    const root = openRaw({ path: directory, encoding: 'binary' });
    await root.openDB({ name: 'meta', encoding: 'binary' }).put('format', Buffer.from('99'));
    await root.close();
    await expect(openHere()).rejects.toThrow(/has format 99; this version of Knarr reads up to 1/);
    rmSync(directory, { recursive: true });
    const other = openRaw({ path: directory, encoding: 'binary' });
    await other.openDB({ name: 'theirs', encoding: 'binary' }).put('a', Buffer.from('b'));
    await other.close();
    await expect(openHere()).rejects.toThrow(/holds another program's LMDB database/);
    const foreign = Buffer.alloc(16384, 'not a database');
    writeFileSync(join(directory, 'data.mdb'), foreign);
    await expect(openHere()).rejects.toMatchObject({ code: 'STORE_FORMAT' });
    expect(readFileSync(join(directory, 'data.mdb')).equals(foreign)).toBe(true);
  });

  test('refuses puts when it is full, and takes them again after deletions and a compaction', async () => {
    const store = await openHere({ maxSizeBytes: 1024 * 1024 });
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 10_000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => put(store, `/k${i + j}`, 0)));
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: expect.stringMatching(/^store is full: \d+ of 1048576 bytes are used$/),
    });
    const { kvs } = await store.range('/');
    await Promise.all(kvs.map(({ key, modRevision }) => store.txn({ key, expectModRevision: modRevision, op: { type: 'delete' } })));
    await store.compact(await store.revision());
    // The purge goes on in the background; a put is taken as soon as there is room.
    await vi.waitUntil(() =>
      put(store, '/new', 0).then(
        () => true,
        () => false,
      ),
    );
    await store.close();
  });

  test('takes no more room when the same keys change for long and history is compacted', async () => {
    const store = await openHere();
    const revisions = Array.from({ length: 50 }, () => 0);
    /** Every key is changed `rounds` times, with all keys in flight without a pause. */
    const change = (rounds: number): Promise<void[]> =>
      Promise.all(
        revisions.map(async (_, i) => {
          for (let round = 0; round < rounds; round++) {
            revisions[i] = (await put(store, `/k${i}`, revisions[i]!)).revision;
            if (revisions[i] % 200 === 0) await store.compact(revisions[i]);
          }
        }),
      );
    await change(20);
    const sizeBytes = await store.sizeBytes();
    await change(100);
    expect(await store.sizeBytes()).toBeLessThan(sizeBytes * 2);
    await store.close();
  });

  test('says how long commits take and what it holds', async () => {
    const registry = new Registry();
    const store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger, registry });
    await put(store, '/a', 0);
    const text = await registry.metrics();
    expect(text).toMatch(/knarr_store_commit_duration_seconds_count 1/);
    expect(text).toMatch(/knarr_store_pending_bytes 0/);
    await store.close();
  });
});
