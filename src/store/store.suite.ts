/** The contract of the store as one suite, run against every backend. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { CompactedError, FutureRevisionError, InvalidKeyError, LeaseNotFoundError, StoreClosedError } from './errors.ts';
import { anOperation, type Backend, ModelRun } from './store.histories.ts';
import { bytes, plain, plainEvent, put, Recorder, remove } from './store.probe.ts';
import type { Store, TxnResult } from './store.ts';

/** Runs the whole contract against `backend`. */
export function describeStore(name: string, backend: Backend): void {
  describe(`${name} store`, () => {
    let clock: VirtualClock;
    let store: Store;

    beforeEach(async () => {
      clock = new VirtualClock();
      store = await backend.open(clock);
    });
    afterEach(async () => {
      await store.close();
      expect(clock.timers).toBe(0);
      backend.cleanUp();
    });

    describe('reads and writes', () => {
      test('an empty store is at revision 0 and holds nothing', async () => {
        expect(await store.revision()).toBe(0);
        expect(await store.get('/a')).toBeUndefined();
        expect(await store.range('/')).toEqual({ revision: 0, kvs: [], count: 0 });
      });

      test('a key is created once, changed on the right revision only, and starts anew after its deletion', async () => {
        expect(await put(store, '/a', 0, 'one')).toEqual({ ok: true, revision: 1 });
        const refused = await put(store, '/a', 0, 'again');
        expect(refused.ok).toBe(false);
        expect(!refused.ok && plain(refused.current)).toMatchObject({ value: 'one', modRevision: 1 });
        expect(await put(store, '/a', 1, 'two')).toEqual({ ok: true, revision: 2 });
        expect(plain(await store.get('/a'))).toEqual({ key: '/a', value: 'two', createRevision: 1, modRevision: 2, version: 2, lease: 0 });
        expect(await remove(store, '/a', 1)).toMatchObject({ ok: false });
        expect(await remove(store, '/a', 2)).toEqual({ ok: true, revision: 3 });
        expect(await put(store, '/a', 2)).toEqual({ ok: false, revision: 3, current: undefined });
        await put(store, '/a', 0, 'three');
        expect(plain(await store.get('/a'))).toMatchObject({ value: 'three', createRevision: 4, version: 1 });
      });

      test('deleting what does not exist changes nothing', async () => {
        await put(store, '/a', 0);
        expect(await remove(store, '/b', 0)).toEqual({ ok: true, revision: 1 });
        expect(await remove(store, '/b', 7)).toEqual({ ok: false, revision: 1, current: undefined });
        expect(await store.revision()).toBe(1);
      });

      test('writes that are made at once are compared in the order they were made', async () => {
        const results = await Promise.all([
          put(store, '/a', 0),
          put(store, '/a', 0),
          put(store, '/a', 1),
          remove(store, '/a', 2),
          remove(store, '/a', 0),
        ]);
        expect(results.map(({ ok }) => ok)).toEqual([true, false, true, true, true]);
        expect(await store.get('/a')).toBeUndefined();
        expect(await store.revision()).toBe(3);
      });

      test('a write with a guard is committed only while the guarded key is at its version, pending changes of it counted', async () => {
        const guarded = (key: string, modRevision: number): Promise<TxnResult> =>
          store.txn({ key, expectModRevision: 0, guard: { key: '/guard', modRevision }, op: { type: 'put', value: bytes('x') } });
        await put(store, '/guard', 0);
        expect(await guarded('/a', 1)).toEqual({ ok: true, revision: 2 });
        expect(await guarded('/b', 2)).toEqual({ ok: false, revision: 2, current: undefined, guardFailed: true });
        const [, overtaken] = await Promise.all([put(store, '/guard', 1), guarded('/c', 1)]);
        expect(overtaken).toEqual({ ok: false, revision: 3, current: undefined, guardFailed: true });
        await remove(store, '/guard', 3);
        expect(await guarded('/d', 3)).toMatchObject({ ok: false, guardFailed: true });
        expect(await guarded('/a', 0)).toMatchObject({ ok: false, current: { key: '/a' } });
        expect((await store.range('/')).kvs.map(({ key }) => key)).toEqual(['/a']);
      });

      test('a refused write is answered with what stands, even when that is only just being committed', async () => {
        const [, refused] = await Promise.all([put(store, '/a', 0, 'first'), put(store, '/a', 0, 'second')]);
        expect(!refused.ok && plain(refused.current)).toMatchObject({ value: 'first', modRevision: 1 });
      });

      test('a large value and an empty one come back as they were', async () => {
        const large = 'x'.repeat(3 * 1024 * 1024);
        await Promise.all([put(store, '/large', 0, large), put(store, '/empty', 0, '')]);
        expect(plain(await store.get('/large'))?.value).toBe(large);
        expect(plain(await store.get('/empty'))?.value).toBe('');
      });

      test.each([[''], ['x'.repeat(1025)], ['a\ud800b'], ['a\0b']])('key %j is refused', async (key) => {
        await expect(put(store, key, 0)).rejects.toThrow(InvalidKeyError);
        expect(await store.revision()).toBe(0);
      });
    });

    describe('ranges', () => {
      test('keys come in byte order, by prefix, page by page, with the count of what is left', async () => {
        const keys = ['/a/1', '/a/10', '/a/2', '/a/é', '/a/\u{ffee}', '/a/\u{1f600}', '/b/1'];
        await Promise.all(keys.toReversed().map((key) => put(store, key, 0)));
        const whole = await store.range('/a/');
        expect(whole.kvs.map(({ key }) => key)).toEqual(keys.slice(0, 6));
        const first = await store.range('/a/', { limit: 4 });
        expect([first.kvs.length, first.count]).toEqual([4, 6]);
        const rest = await store.range('/a/', { limit: 4, after: first.kvs[3]!.key, revision: first.revision });
        expect([rest.kvs.map(({ key }) => key), rest.count]).toEqual([keys.slice(4, 6), 2]);
        expect(await store.range('/a/', { countOnly: true })).toEqual({ revision: 7, kvs: [], count: 6 });
      });

      test('pages read at one revision are one snapshot, whatever is written meanwhile', async () => {
        for (const key of ['/a', '/b', '/c']) await put(store, key, 0, 'old');
        const first = await store.range('/', { limit: 1 });
        await put(store, '/b', 2, 'new');
        await remove(store, '/c', 3);
        await put(store, '/d', 0, 'new');
        const rest = await store.range('/', { after: '/a', revision: first.revision });
        expect(rest.kvs.map((kv) => plain(kv)!.value)).toEqual(['old', 'old']);
        expect((await store.range('/')).kvs.map(({ key }) => key)).toEqual(['/a', '/b', '/d']);
      });

      test('a revision that is not there yet, or not any more, is refused', async () => {
        await put(store, '/a', 0);
        await put(store, '/a', 1);
        await expect(store.get('/a', 3)).rejects.toThrow(FutureRevisionError);
        await expect(store.range('/', { revision: 3 })).rejects.toThrow(FutureRevisionError);
        await expect(store.compact(3)).rejects.toThrow(FutureRevisionError);
        await store.compact(2);
        expect(await store.compactedRevision()).toBe(2);
        await expect(store.get('/a', 1)).rejects.toThrow(CompactedError);
        await expect(store.range('/', { revision: 1 })).rejects.toMatchObject({ code: 'COMPACTED', compactedRevision: 2 });
        expect(await store.get('/a', 2)).toBeDefined();
        // Compacting to what is compacted already is harmless.
        await store.compact(1);
        expect(await store.compactedRevision()).toBe(2);
      });
    });

    test('compaction gets its turn under an unbroken stream of writes', async () => {
      const most = 5000;
      const writtenWhenCompacted: number[] = [];
      const client = async (key: string): Promise<void> => {
        for (let written = 1; written <= most; written++) {
          const { revision } = await put(store, key, (await store.get(key))?.modRevision ?? 0);
          if (revision === 20) void store.compact(10).then(() => writtenWhenCompacted.push(written));
          if (writtenWhenCompacted.length > 0) return;
        }
      };
      await Promise.all(['/a', '/b', '/c', '/d'].map(client));
      expect(writtenWhenCompacted[0]).toBeLessThan(most);
    });

    describe('watches', () => {
      test('a watch hears what comes, and nothing outside its prefix', async () => {
        const recorder = await Recorder.open(store, '/a/');
        await put(store, '/a/x', 0, 'one');
        await put(store, '/b/x', 0);
        await put(store, '/a/x', 1, 'two');
        await remove(store, '/a/x', 3);
        const one = { key: '/a/x', value: 'one', createRevision: 1, modRevision: 1, version: 1, lease: 0 };
        const two = { key: '/a/x', value: 'two', createRevision: 1, modRevision: 3, version: 2, lease: 0 };
        await recorder.until(() => recorder.events.length === 3);
        expect(recorder.events.map(plainEvent)).toEqual([
          { type: 'put', kv: one },
          { type: 'put', kv: two },
          { type: 'delete', key: '/a/x', modRevision: 4 },
        ]);
      });

      test('watchers are told before the writer is answered', async () => {
        const order: string[] = [];
        await store.watch({ prefix: '/', onEvents: () => order.push('told'), onError: () => {} });
        await put(store, '/a', 0).then(() => order.push('answered'));
        expect(order).toEqual(['told', 'answered']);
      });

      test('history is replayed and joined with what comes, without gap or repetition', async () => {
        for (let i = 0; i < 2500; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => put(store, `/k${i + j}`, 0)));
        const recorder = await Recorder.open(store, '/k', 3);
        for (let i = 2500; i < 2600; i++) void put(store, `/k${i}`, 0);
        await recorder.until(() => recorder.lastRevision === 2600);
        expect(recorder.events.map((event) => event.type === 'put' && event.kv.modRevision)).toEqual(
          Array.from({ length: 2598 }, (_, i) => i + 3),
        );
      });

      test('a watch from a revision to come waits for it', async () => {
        const recorder = await Recorder.open(store, '/', 3);
        for (const key of ['/a', '/b', '/c', '/d']) await put(store, key, 0);
        await recorder.until(() => recorder.lastRevision === 4);
        expect(recorder.events).toHaveLength(2);
      });

      test('a watch below kept history is refused, right after it is served', async () => {
        for (const key of ['/a', '/b', '/c']) await put(store, key, 0);
        await store.compact(2);
        await expect(Recorder.open(store, '/', 2)).rejects.toThrow(CompactedError);
        const recorder = await Recorder.open(store, '/', 3);
        await recorder.until(() => recorder.events.length === 1);
      });

      test('a closed watch hears nothing more, closing twice is harmless', async () => {
        const recorder = await Recorder.open(store, '/');
        recorder.watch!.close();
        recorder.watch!.close();
        await put(store, '/a', 0);
        expect([recorder.events, recorder.errors]).toEqual([[], []]);
      });

      test('a watcher may write, watch and close while it is told', async () => {
        const other = await Recorder.open(store, '/');
        const nested = new Promise<{ written: Promise<TxnResult>; opened: Promise<Recorder> }>((resolve) => {
          void store.watch({
            prefix: '/a',
            onEvents: () => {
              other.watch!.close();
              resolve({ written: put(store, '/b', 0), opened: Recorder.open(store, '/') });
            },
            onError: () => {},
          });
        });
        await put(store, '/a', 0);
        const { written, opened } = await nested;
        const inner = await opened;
        await inner.until(() => inner.events.length === 1);
        expect(await written).toEqual({ ok: true, revision: 2 });
        expect(inner.lastRevision).toBe(2);
        expect(other.lastRevision).toBeLessThan(2);
      });

      test('closing the store ends its watches, and every later call is refused', async () => {
        const recorder = await Recorder.open(store, '/');
        const written = put(store, '/a', 0);
        await store.close();
        expect((await written).ok).toBe(true);
        expect(recorder.errors).toEqual([expect.any(StoreClosedError)]);
        for (const call of [
          store.get('/a'),
          store.range('/'),
          put(store, '/a', 1),
          store.revision(),
          store.compact(1),
          store.grantLease(1),
        ]) {
          await expect(call).rejects.toThrow(StoreClosedError);
        }
        await store.close();
      });
    });

    describe('leases', () => {
      const settled = async (recorder: Recorder, events: number): Promise<void> => recorder.until(() => recorder.events.length === events);

      test('the keys of a lease go when it ends, others stay', async () => {
        const lease = await store.grantLease(60);
        await put(store, '/leased', 0, 'x', lease);
        await put(store, '/free', 0);
        await put(store, '/moved', 0, 'x', lease);
        await put(store, '/moved', 3, 'y');
        const recorder = await Recorder.open(store, '/');
        await clock.advance(59_999);
        expect((await store.range('/')).count).toBe(3);
        await clock.advance(1);
        await settled(recorder, 1);
        expect((await store.range('/')).kvs.map(({ key }) => key)).toEqual(['/free', '/moved']);
        await expect(store.keepAliveLease(lease)).rejects.toThrow(LeaseNotFoundError);
      });

      test('a lease that is kept alive gets its whole time again', async () => {
        const lease = await store.grantLease(10);
        await put(store, '/a', 0, 'x', lease);
        await clock.advance(9_000);
        await store.keepAliveLease(lease);
        await clock.advance(9_999);
        expect(await store.get('/a')).toBeDefined();
        const recorder = await Recorder.open(store, '/');
        await clock.advance(1);
        await settled(recorder, 1);
        expect(await store.get('/a')).toBeUndefined();
      });

      test('revoking deletes at once; an unknown lease is refused everywhere', async () => {
        const lease = await store.grantLease(10);
        await Promise.all([put(store, '/a', 0, 'x', lease), put(store, '/b', 0, 'x', lease)]);
        await store.revokeLease(lease);
        expect((await store.range('/')).count).toBe(0);
        for (const call of [
          store.revokeLease(lease),
          store.keepAliveLease(lease),
          put(store, '/c', 0, 'x', lease),
          put(store, '/c', 0, 'x', 99),
        ]) {
          await expect(call).rejects.toThrow(LeaseNotFoundError);
        }
      });
    });

    if (backend.reopen) describeReopening(backend.reopen);

    function describeReopening(reopen: NonNullable<Backend['reopen']>): void {
      test('what was written, compacted and leased is there after reopening', async () => {
        const lease = await store.grantLease(60);
        await put(store, '/a', 0, 'one');
        await put(store, '/a', 1, 'two');
        await put(store, '/l', 0, 'x', lease);
        await remove(store, '/a', 2);
        await store.compact(2);
        await clock.advance(20_000);
        store = await reopen(store, clock);
        expect(await store.revision()).toBe(4);
        expect(await store.compactedRevision()).toBe(2);
        expect(plain(await store.get('/a', 3))).toMatchObject({ value: 'two', createRevision: 1, version: 2 });
        await expect(store.get('/a', 1)).rejects.toThrow(CompactedError);
        expect(await put(store, '/b', 0)).toEqual({ ok: true, revision: 5 });
        const recorder = await Recorder.open(store, '/l');
        await clock.advance(40_000);
        await recorder.until(() => recorder.events.length === 1);
        expect(recorder.events[0]!.type).toBe('delete');
        expect(await store.grantLease(1)).toBe(lease + 1);
      });

      test('a store whose newest revision was a compacted deletion goes on from it', async () => {
        await put(store, '/a', 0);
        await remove(store, '/a', 1);
        await store.compact(2);
        store = await reopen(store, clock);
        expect(await put(store, '/a', 0)).toEqual({ ok: true, revision: 3 });
      });
    }

    test('random histories agree with the model', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anOperation, { minLength: 5, maxLength: 60 }), async (operations) => {
          const run = new ModelRun(await backend.open(clock), backend, clock);
          try {
            for (const operation of operations) await run.apply(operation);
            await run.checkWatches();
          } finally {
            await run.store.close();
          }
        }),
        { numRuns: backend.runs },
      );
    });
  });
}
