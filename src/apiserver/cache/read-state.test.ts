import { expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { createMemoryStore, type RangeOptions, type Store } from '../../store/index.ts';
import { statePages } from './read-state.ts';

async function storeOf(keys: number, bytes: number): Promise<Store> {
  const store = createMemoryStore({ clock: new VirtualClock() });
  for (let i = 0; i < keys; i++) {
    const key = `/registry/things/${String(i).padStart(5, '0')}`;
    await store.txn({ key, expectModRevision: 0, op: { type: 'put', value: Buffer.alloc(bytes) } });
  }
  return store;
}

async function reading(
  store: Store,
  onPage?: () => Promise<void>,
): Promise<{ keys: string[]; revisions: number[]; limits: (number | undefined)[] }> {
  const [keys, limits]: [string[], (number | undefined)[]] = [[], []];
  const range = async (prefix: string, options?: RangeOptions): ReturnType<Store['range']> => {
    limits.push(options?.limit);
    const page = await store.range(prefix, options);
    await onPage?.();
    return page;
  };
  const revisions = new Set<number>();
  for await (const { kvs, revision } of statePages({ range }, '/registry/')) {
    keys.push(...kvs.map(({ key }) => key));
    revisions.add(revision);
  }
  return { keys, revisions: [...revisions], limits };
}

test('nothing stored is one page', async () => {
  expect(await reading(await storeOf(0, 0))).toEqual({ keys: [], revisions: [0], limits: [500] });
});

test.each([
  [500, 10, 1],
  [501, 10, 2],
  [1_500, 100_000, 7],
])('%i objects of %i bytes come whole and in order, in %i pages', async (count, bytes, pages) => {
  const { keys, revisions, limits } = await reading(await storeOf(count, bytes));
  expect([keys.length, new Set(keys).size, revisions]).toEqual([count, count, [count]]);
  expect(keys).toEqual(keys.toSorted());
  expect(limits).toHaveLength(pages);
});

test('every page is of the moment of the first', async () => {
  const store = await storeOf(600, 10);
  let written = 0;
  const { keys, revisions } = await reading(store, async () => {
    const key = `/registry/things/z-${written++}`;
    await store.txn({ key, expectModRevision: 0, op: { type: 'put', value: Buffer.alloc(1) } });
  });
  expect([keys.length, revisions]).toEqual([600, [600]]);
});
