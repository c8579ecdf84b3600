import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtinResources } from '../../api/kinds/index.ts';
import type { KubeObject } from '../../api/index.ts';
import { silentLogger, VirtualClock } from '../../base/index.ts';
import { createMemoryStore, type Store } from '../../store/index.ts';
import { selectionOf } from './selection.ts';
import { encodeForStore } from './stored-object.ts';
import { WatchCache } from './watch-cache.ts';
import { type WatchQuery, WatchOpener } from './watch-opener.ts';

let store: Store;
let cache: WatchCache;
let clock: VirtualClock;
const definitions = builtinResources.filter(({ verbs }) => verbs.includes('get'));
const pods = definitions.find(({ plural }) => plural === 'pods')!;

beforeEach(async () => {
  clock = new VirtualClock();
  store = createMemoryStore({ clock });
  cache = await open();
});
afterEach(async () => {
  cache.close();
  await store.close();
});

function open(): Promise<WatchCache> {
  return WatchCache.open({ store, clock, log: silentLogger, definitions, onLost: () => {} });
}

function pod(name: string, options: { node?: string; labels?: Record<string, string> } = {}): KubeObject {
  const metadata = { name, namespace: 'ns', labels: options.labels ?? {}, uid: name, creationTimestamp: '', resourceVersion: '' };
  const made: unknown = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: options.node ?? '', containers: [] } };
  return made as KubeObject;
}

async function put(object: KubeObject): Promise<number> {
  const key = `/registry/pods/ns/${object.metadata.name}`;
  const before = await store.get(key);
  const result = await store.txn({ key, expectModRevision: before?.modRevision ?? 0, op: { type: 'put', value: encodeForStore(object) } });
  return result.revision;
}

async function remove(name: string): Promise<void> {
  const key = `/registry/pods/ns/${name}`;
  const before = await store.get(key);
  await store.txn({ key, expectModRevision: before!.modRevision, op: { type: 'delete' } });
}

async function watching(selectors: { labelSelector?: string; fieldSelector?: string } = {}, query: Partial<WatchQuery> = {}) {
  const selection = selectionOf(pods, { namespace: '', name: '' }, selectors);
  const opener = new WatchOpener(cache, clock);
  let notified = 0;
  const watch = await opener.open(
    cache.collection('pods')!,
    { selection, resourceVersion: '', allowBookmarks: false, sendInitialEvents: undefined, ...query },
    () => notified++,
  );
  const told = (): string[] => watch.watcher.take().map(({ type, object }) => `${type} ${object.key}`);
  return { watch, told, opener, notified: () => notified };
}

describe('the cache', () => {
  test('holds what the store had before and what comes after', async () => {
    await put(pod('before'));
    cache.close();
    cache = await open();
    await put(pod('after'));
    expect(
      cache
        .collection('pods')!
        .list({ namespace: '' })
        .map(({ name }) => name),
    ).toEqual(['after', 'before']);
  });

  test('serves bytes that carry the revision at which they were written', async () => {
    const revision = await put(pod('a'));
    const stored = cache.collection('pods')!.get('ns/a')!;
    expect(JSON.parse(stored.text.toString())).toMatchObject({ kind: 'Pod', metadata: { name: 'a', resourceVersion: String(revision) } });
    expect(stored.text.at(-1)).toBe(0x0a);
    expect(stored.storedBytes().toString()).toBe(encodeForStore(pod('a')).toString());
  });

  test('gives the decoded form that the writer had, when the bytes are the same', async () => {
    const object = pod('a');
    const value = encodeForStore(object);
    cache.expectWrite('/registry/pods/ns/a', value, object);
    await store.txn({ key: '/registry/pods/ns/a', expectModRevision: 0, op: { type: 'put', value } });
    const seen = cache.collection('pods')!.get('ns/a')!.object as KubeObject & { spec: unknown };
    expect(seen.spec).toBe((object as typeof seen).spec);
  });

  test('ignores keys of kinds that are not served', async () => {
    await store.txn({ key: '/registry/things/x', expectModRevision: 0, op: { type: 'put', value: new Uint8Array() } });
    expect(cache.revision).toBe(1);
  });

  test('lets a reader wait for a revision, and tells it when that does not come', async () => {
    const waiting = cache.reached(1, 1_000);
    await put(pod('a'));
    expect(await waiting).toBe(true);
    const late = cache.atLeast(99).catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await late).toMatchObject({ code: 504, message: 'Timeout: Too large resource version: 99, current: 1' });
  });

  test('lists by node without reading every object', async () => {
    for (const [name, node] of [
      ['a', 'n1'],
      ['b', 'n2'],
      ['c', 'n1'],
    ] as const)
      await put(pod(name, { node }));
    const collection = cache.collection('pods')!;
    expect(collection.listIndexed('n1').map(({ name }) => name)).toEqual(['a', 'c']);
    await put(pod('a', { node: 'n2' }));
    await remove('c');
    expect(collection.listIndexed('n1')).toEqual([]);
    expect(collection.listIndexed('n2').map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('a watcher', () => {
  test('of a node sees a pod come, change and go', async () => {
    const { told } = await watching({ fieldSelector: 'spec.nodeName=n1' });
    await put(pod('a'));
    await put(pod('a', { node: 'n1' }));
    await put(pod('b', { node: 'n2' }));
    await put(pod('a', { node: 'n1', labels: { x: 'y' } }));
    await remove('a');
    expect(told()).toEqual(['ADDED ns/a', 'MODIFIED ns/a', 'DELETED ns/a']);
  });

  test('is called once for all that waits', async () => {
    const { told, notified } = await watching();
    await put(pod('a'));
    await put(pod('b'));
    expect(notified()).toBe(1);
    expect(told()).toHaveLength(2);
    await put(pod('c'));
    expect(notified()).toBe(2);
  });

  test('shares one event with every other that is told the same', async () => {
    const [one, two] = [await watching(), await watching({ labelSelector: 'x!=y' })];
    await put(pod('a'));
    const [first] = one.watch.watcher.take();
    const [second] = two.watch.watcher.take();
    expect(second).toBe(first);
  });

  test('that never reads is cut off when sixteen mebibytes wait', async () => {
    const { watch } = await watching();
    const large = { big: 'x'.repeat(1024 * 1024) };
    for (let i = 0; i < 18; i++) await put(pod('a', { labels: { ...large, n: String(i) } }));
    expect(watch.watcher.ended).toBe('tooSlow');
    expect(watch.watcher.take()).toEqual([]);
  });

  test('begins at a revision with the events since, and not twice with those that come', async () => {
    const first = await put(pod('a'));
    await put(pod('b'));
    const { told } = await watching({}, { resourceVersion: String(first) });
    await put(pod('c'));
    expect(told()).toEqual(['ADDED ns/b', 'ADDED ns/c']);
  });

  test('from a future revision hears of nothing before it', async () => {
    const { told } = await watching({}, { resourceVersion: '2' });
    await put(pod('a'));
    await put(pod('b'));
    await put(pod('c'));
    expect(told()).toEqual(['ADDED ns/c']);
  });

  test('gets bookmarks at the newest revision, also of other kinds', async () => {
    const { watch, told } = await watching({}, { allowBookmarks: true });
    await store.txn({ key: '/registry/configmaps/ns/x', expectModRevision: 0, op: { type: 'put', value: encodeForStore(pod('x')) } });
    await clock.advance(60_000);
    const [bookmark] = watch.watcher.take();
    expect(JSON.parse(bookmark!.object.text.toString())).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { resourceVersion: '1', creationTimestamp: null },
    });
    watch.close();
    await clock.advance(60_000);
    expect(told()).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
