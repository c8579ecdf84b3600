/** What ends by itself, and what the server does when it stops. */
import { expect, test } from 'vitest';
import { type corev1, corev1Resources, isApiError } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { startTestServer } from './harness.ts';

const { signal } = new AbortController();
const event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'Started',
  type: 'Normal',
} as const;

test('an event is kept for its time and a minute at most beyond it', async () => {
  const clock = new VirtualClock();
  await using server = await startTestServer({ clock, eventTtlSeconds: 3_600 });
  await server.client.create(corev1Resources.events, event, { signal });
  const count = async (): Promise<number> => (await server.client.list(corev1Resources.events, { signal })).items.length;
  await clock.advance(3_599_000);
  expect(await count()).toBe(1);
  await clock.advance(62_000);
  expect(await count()).toBe(0);
});

test('the past can be read for five minutes, and is forgotten after ten', async () => {
  const clock = new VirtualClock();
  await using server = await startTestServer({ clock });
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data: { v: '0' } } as const;
  const { metadata } = await server.client.create(corev1Resources.configmaps, configMap, { signal });
  const change = (v: number): Promise<unknown> =>
    server.client.patch(
      corev1Resources.configmaps,
      { namespace: 'default', name: 'c' },
      { type: 'application/merge-patch+json', body: { data: { v: String(v) } } },
      { signal },
    );
  const query = { resourceVersion: metadata.resourceVersion, resourceVersionMatch: 'Exact' };
  const past = (): ReturnType<typeof server.client.list<corev1.ConfigMap>> =>
    server.client.list(corev1Resources.configmaps, { namespace: 'default', query, signal });
  await change(1);
  await clock.advance(299_000);
  expect((await past()).items[0]?.data).toEqual({ v: '0' });
  for (let i = 2; i < 5; i++) {
    await clock.advance(301_000);
    await change(i);
  }
  await expect(past()).rejects.toSatisfy((error) => isApiError(error, 'Expired'));
  expect(await server.store.compactedRevision()).toBeGreaterThan(Number(metadata.resourceVersion));
  expect((await server.client.get(corev1Resources.configmaps, { namespace: 'default', name: 'c' }, { signal })).data).toEqual({ v: '4' });
});

test('a compacted version is gone also of what did not change since', async () => {
  const clock = new VirtualClock();
  await using server = await startTestServer({ clock, namespaces: ['default', 'other'] });
  const page = (query: Record<string, string>): ReturnType<typeof server.client.list<corev1.Namespace>> =>
    server.client.list(corev1Resources.namespaces, { query: { limit: '1', ...query }, signal });
  const token = { continue: (await page({})).metadata.continue ?? '' };
  const write = (name: string): Promise<unknown> =>
    server.client.create(
      corev1Resources.configmaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
      { signal },
    );
  for (const name of ['a', 'b']) {
    expect((await page(token)).items).toHaveLength(1);
    await write(name);
    await clock.advance(301_000);
  }
  await expect(page(token)).rejects.toSatisfy((error) => isApiError(error, 'Expired'));
});

test('an event is the same object in both of its groups', async () => {
  await using server = await startTestServer();
  await server.client.create(corev1Resources.events, event, { signal });
  const { json } = await server.http('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e');
  expect(json).toMatchObject({ kind: 'Event', apiVersion: 'events.k8s.io/v1', regarding: { kind: 'Pod', name: 'p' }, reason: 'Started' });
  const list = await server.http('GET', '/apis/events.k8s.io/v1/events');
  expect(list.json).toMatchObject({ kind: 'EventList', apiVersion: 'events.k8s.io/v1', items: [{ regarding: { name: 'p' } }] });
  const watch = await server.http('GET', '/apis/events.k8s.io/v1/events?watch=1', undefined, { lines: 1 });
  expect(JSON.parse(watch.text)).toMatchObject({ type: 'ADDED', object: { apiVersion: 'events.k8s.io/v1', regarding: { name: 'p' } } });
});

test('a server that stops ends its watches and answers what is under way', async () => {
  const server = await startTestServer();
  const watching = server.http('GET', '/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=0');
  const inside = (async () => {
    let batches = 0;
    for await (const _batch of server.client.watch(corev1Resources.pods, { signal })) batches++;
    return batches;
  })();
  await server.http('GET', '/api/v1/pods');
  await server.close();
  expect((await watching).status).toBe(200);
  expect(await inside).toBe(0);
});

test('a server that starts again shows what the one before it wrote', async () => {
  const first = await startTestServer();
  await first.http('POST', '/api/v1/namespaces/default/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kept', labels: { a: 'b' } },
    data: { x: 'y' },
  });
  const before = await first.http('GET', '/api/v1/namespaces/default/configmaps/kept');
  await first.server.close();
  await using second = await startTestServer({ store: first.store, namespaces: [] });
  const after = await second.http('GET', '/api/v1/namespaces/default/configmaps/kept');
  expect(after.text).toBe(before.text);
  expect((await second.http('GET', '/api/v1/configmaps?labelSelector=a%3Db')).json.items).toHaveLength(1);
  await first.close();
});
