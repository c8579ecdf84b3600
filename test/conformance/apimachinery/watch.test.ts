import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('apimachinery/watch', () => {
  const cluster = useCluster('conformance-watch');
  const path = (name = ''): string => cluster.path('v1', `configmaps${name && `/${name}`}`);
  const watching = (query: string): Promise<HeldWatch> => HeldWatch.open(cluster.transport(), `${path()}?${query}`);
  const label = 'watch-this-configmap';
  const create = (name: string, value: string): Promise<Json> =>
    cluster.api('POST', path(), { metadata: { name, labels: { [label]: value } } });
  /** A counter in the object, so that each version is told apart. */
  const count = (name: string, mutation: number, labels = {}): Promise<Json> =>
    cluster.api(
      'PATCH',
      path(name),
      { metadata: { labels }, data: { mutation: String(mutation) } },
      { headers: { 'content-type': 'application/merge-patch+json' } },
    );
  const told = (event: { readonly type: string; readonly object: Json }): string =>
    `${event.type} ${event.object.metadata.name} ${event.object.data?.mutation ?? '-'}`;

  test('watch-configmaps-with-multiple-watchers', async () => {
    const [a, b, both] = await Promise.all(
      ['multiple-a', 'multiple-b', 'multiple-a,multiple-b'].map((values) =>
        watching(`labelSelector=${encodeURIComponent(`${label} in (${values})`)}`),
      ),
    );
    await create('multi-a', 'multiple-a');
    for (const watch of [a!, both!]) expect(told(await watch.next())).toBe('ADDED multi-a -');
    for (const mutation of [1, 2]) {
      await count('multi-a', mutation);
      for (const watch of [a!, both!]) expect(told(await watch.next())).toBe(`MODIFIED multi-a ${mutation}`);
    }
    await cluster.api('DELETE', path('multi-a'));
    for (const watch of [a!, both!]) expect(told(await watch.next())).toBe('DELETED multi-a 2');
    await create('multi-b', 'multiple-b');
    for (const watch of [b!, both!]) expect(told(await watch.next())).toBe('ADDED multi-b -');
    await cluster.api('DELETE', path('multi-b'));
    for (const watch of [b!, both!]) expect(told(await watch.next())).toBe('DELETED multi-b -');
    for (const watch of [a!, b!, both!]) {
      expect(await watch.nextOrNothing(200)).toBeUndefined();
      watch.close();
    }
  });

  test('watch-configmaps-from-resource-version', async () => {
    await create('from-version', 'from-version');
    const first = await count('from-version', 1);
    await count('from-version', 2);
    await cluster.api('DELETE', path('from-version'));
    await using watch = await watching(`labelSelector=${label}%3Dfrom-version&resourceVersion=${first.metadata.resourceVersion}`);
    expect(told(await watch.next())).toBe('MODIFIED from-version 2');
    expect(told(await watch.next())).toBe('DELETED from-version 2');
  });

  test('watch-configmaps-closed-and-restarted', async () => {
    const selector = `labelSelector=${label}%3Dclosed`;
    const before = await watching(selector);
    await create('closed', 'closed');
    await count('closed', 1);
    expect(told(await before.next())).toBe('ADDED closed -');
    const last = await before.next();
    expect(told(last)).toBe('MODIFIED closed 1');
    before.close();
    await count('closed', 2);
    await cluster.api('DELETE', path('closed'));
    await using after = await watching(`${selector}&resourceVersion=${last.object.metadata.resourceVersion}`);
    expect(told(await after.next())).toBe('MODIFIED closed 2');
    expect(told(await after.next())).toBe('DELETED closed 2');
  });

  test('watch-configmaps-label-changed', async () => {
    await using watch = await watching(`labelSelector=${label}%3Dmatching`);
    await create('relabelled', 'matching');
    await count('relabelled', 1);
    // Out of the selection is a deletion, back into it an addition; what happens outside is not told.
    await count('relabelled', 1, { [label]: 'other' });
    await count('relabelled', 2);
    await count('relabelled', 2, { [label]: 'matching' });
    await count('relabelled', 3);
    await cluster.api('DELETE', path('relabelled'));
    const events: string[] = [];
    for (let index = 0; index < 6; index++) events.push(told(await watch.next()));
    expect(events).toEqual([
      'ADDED relabelled -',
      'MODIFIED relabelled 1',
      'DELETED relabelled 1',
      'ADDED relabelled 2',
      'MODIFIED relabelled 3',
      'DELETED relabelled 3',
    ]);
  });

  test('watch-consistency', async () => {
    const { metadata } = await cluster.api('GET', path());
    const watches = [await watching(`resourceVersion=${metadata.resourceVersion}`)];
    // Writers race each other; each version that a watcher was told of starts one more watcher.
    const changes = 60;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let round = 0; round < changes / 4 / 3; round++) {
        await create(`consistent-${writer}`, 'consistent');
        await count(`consistent-${writer}`, round);
        await cluster.api('DELETE', path(`consistent-${writer}`));
      }
    });
    const orders: string[][] = [];
    const reading = async (watch: HeldWatch, expected: number): Promise<void> => {
      const seen: string[] = [];
      orders.push(seen);
      while (seen.length < expected) {
        const { object } = await watch.next();
        seen.push(object.metadata.resourceVersion);
        if (watch === watches[0] && seen.length % 10 === 0) {
          const next = await watching(`resourceVersion=${object.metadata.resourceVersion}`);
          watches.push(next);
          readers.push(reading(next, changes - seen.length));
        }
      }
    };
    const readers = [reading(watches[0]!, changes)];
    await Promise.all(writers);
    for (let index = 0; index < readers.length; index++) await readers[index];
    for (const watch of watches) watch.close();
    const [whole, ...later] = orders;
    expect(whole).toHaveLength(changes);
    expect([...whole!].sort((one, other) => Number(one) - Number(other))).toEqual(whole);
    expect(later.length).toBeGreaterThan(4);
    for (const seen of later) expect(seen).toEqual(whole!.slice(changes - seen.length));
  });
});
