/** Watches: where they begin, what they tell, when they end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/index.ts';
import { corev1Resources } from '../../src/api/index.ts';
import { createClient, type WatchEvent } from '../../src/client/index.ts';
import { adminUser, startTestServer, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'other'] });
});
afterAll(() => server.close());

const path = '/api/v1/namespaces/default/configmaps';
const make = async (name: string, labels: Record<string, string> = {}, namespace = 'default'): Promise<Json> =>
  (
    await server.http('POST', `/api/v1/namespaces/${namespace}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels },
    })
  ).json;
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };

/** The first `lines` events of a watch, as `TYPE name` with the parsed events beside. */
async function watched(query: string, lines: number, base = path): Promise<{ told: string[]; events: Json[] }> {
  const answer = await server.http('GET', `${base}?watch=1&${query}`, undefined, { lines });
  const events = answer.text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { told: events.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.message ?? ''}`.trim()), events };
}

describe('a watch', () => {
  test('from a version tells what came after it, and nothing before', async () => {
    const first = await make('from-a');
    await make('from-b');
    await server.http('PATCH', `${path}/from-b`, { data: { x: '1' } }, merge);
    await server.http('DELETE', `${path}/from-a`);
    const { told, events } = await watched(`resourceVersion=${first.metadata.resourceVersion}`, 3);
    expect(told).toEqual(['ADDED from-b', 'MODIFIED from-b', 'DELETED from-a']);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(events[2].object.metadata.uid).toBe(first.metadata.uid);
  });

  test('without a version tells the state first', async () => {
    await make('state-a', { state: 'yes' });
    await make('state-b', { state: 'yes' });
    expect((await watched('labelSelector=state%3Dyes', 2)).told).toEqual(['ADDED state-a', 'ADDED state-b']);
    expect((await watched('labelSelector=state%3Dyes&resourceVersion=0', 2)).told).toEqual(['ADDED state-a', 'ADDED state-b']);
  });

  test('with a selector tells objects that come into sight as added and those that leave as deleted', async () => {
    const object = await make('turning', { side: 'left' });
    const since = object.metadata.resourceVersion;
    for (const side of ['right', 'right', 'left']) {
      await server.http('PATCH', `${path}/turning`, { metadata: { labels: { side } }, data: { n: String(Math.random()) } }, merge);
    }
    const { told, events } = await watched(`resourceVersion=${since}&labelSelector=side%3Dright`, 3);
    expect(told).toEqual(['ADDED turning', 'MODIFIED turning', 'DELETED turning']);
    expect(events[2].object.metadata.labels.side).toBe('right');
    expect(Number(events[2].object.metadata.resourceVersion)).toBeGreaterThan(Number(events[1].object.metadata.resourceVersion));
  });

  test('of one name tells only that name, by selector or by the old path', async () => {
    const { metadata } = await make('named');
    await make('not-named');
    await server.http('DELETE', `${path}/named`);
    expect((await watched(`resourceVersion=${metadata.resourceVersion}&fieldSelector=metadata.name%3Dnamed`, 1)).told).toEqual([
      'DELETED named',
    ]);
    const old = '/api/v1/watch/namespaces/default/configmaps/named';
    expect((await watched(`resourceVersion=${metadata.resourceVersion}`, 1, old)).told).toEqual(['DELETED named']);
  });

  test('of one namespace does not tell of others', async () => {
    const { metadata } = await make('here');
    await make('there', {}, 'other');
    await make('here-too');
    expect((await watched(`resourceVersion=${metadata.resourceVersion}`, 1)).told).toEqual(['ADDED here-too']);
    expect((await watched(`resourceVersion=${metadata.resourceVersion}`, 2, '/api/v1/configmaps')).told).toEqual([
      'ADDED there',
      'ADDED here-too',
    ]);
  });

  test('with initial events ends them with a bookmark', async () => {
    const { told, events } = await watched(
      'labelSelector=state%3Dyes&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      3,
    );
    expect(told).toEqual(['ADDED state-a', 'ADDED state-b', 'BOOKMARK']);
    expect(events[2].object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: expect.stringMatching(/^\d+$/) },
    });
  });

  test('from before what is kept is told so in an ERROR event', async () => {
    await using late = await startTestServer();
    for (let i = 0; i < 3; i++) await late.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `early-${i}` } });
    await using restarted = await startTestServer({ store: late.store, namespaces: [] });
    const answer = await restarted.http('GET', `${path}?watch=1&resourceVersion=2`, undefined, { lines: 1 });
    const event = JSON.parse(answer.text);
    expect(event).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 2 \(\d+\)$/) },
    });
  });

  test('ends after its timeout', async () => {
    const answer = await server.http('GET', `${path}?watch=1&timeoutSeconds=1&resourceVersion=0&labelSelector=none%3Dnone`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
  });

  test('as a table tells one row an event', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const answer = await server.http('GET', `${path}?watch=1&labelSelector=state%3Dyes`, undefined, { headers: { accept }, lines: 1 });
    const event = JSON.parse(answer.text.split('\n')[0]!);
    expect(event).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [{ object: { kind: 'PartialObjectMetadata' } }] },
    });
  });
});

describe('a watch on a virtual clock', () => {
  test('gets a bookmark each minute when it takes them', async () => {
    const clock = new VirtualClock();
    await using own = await startTestServer({ clock });
    const abort = new AbortController();
    const client = createClient(own.server.transport(adminUser));
    const events: WatchEvent[] = [];
    const reading = (async () => {
      const query = { allowWatchBookmarks: true, resourceVersion: '1' };
      for await (const batch of client.watch(corev1Resources.configmaps, { query, signal: abort.signal })) events.push(...batch);
    })().catch(() => {});
    await clock.advance(130_000);
    abort.abort();
    await reading;
    expect(events.map(({ type }) => type)).toEqual(['BOOKMARK', 'BOOKMARK']);
    const { metadata } = await client.list(corev1Resources.configmaps, { signal: new AbortController().signal });
    expect(events[1]!.object.metadata.resourceVersion).toBe(metadata.resourceVersion);
  });
});
