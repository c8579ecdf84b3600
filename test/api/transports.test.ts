/** One suite for both ways into the server: whatever is true over TLS is true in-process, down to the bytes that are stored. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources, isApiError, type JsonObject } from '../../src/api/index.ts';
import type { ResourceRequest, Transport, WatchEvent } from '../../src/client/index.ts';
import { adminUser, startTestServer, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

const { configmaps, pods } = corev1Resources;
const { signal } = new AbortController();

/** What a run of the suite left in the store, without what differs from run to run. */
const left = new Map<string, string>();

describe.each(['https', 'in-process'] as const)('the %s transport', (kind) => {
  let server: TestServer;
  let transport: Transport;
  beforeAll(async () => {
    server = await startTestServer();
    transport = kind === 'https' ? server.httpsTransport() : server.server.transport(adminUser);
  });
  afterAll(async () => {
    await transport.close();
    await server.close();
  });

  const send = (request: Partial<ResourceRequest> & Pick<ResourceRequest, 'verb'>): Promise<Json> =>
    transport.request({
      resource: configmaps,
      namespace: 'default',
      signal,
      ...request,
      query: { fieldManager: 'suite', ...request.query },
    });
  const configMap = (name: string, more: JsonObject = {}): JsonObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...more,
  });

  test('creates, reads, updates, patches and deletes', async () => {
    const made = await send({ verb: 'create', body: configMap('one', { data: { a: '1' } }) });
    expect(made.metadata).toMatchObject({ name: 'one', namespace: 'default', resourceVersion: expect.stringMatching(/^\d+$/) });
    expect(await send({ verb: 'get', name: 'one' })).toEqual(made);
    const updated = await send({ verb: 'update', name: 'one', body: { ...made, data: { a: '2' } } });
    expect(updated.data).toEqual({ a: '2' });
    const patched = await send({ verb: 'patch', name: 'one', body: { data: { b: '3' } }, patchType: 'application/merge-patch+json' });
    expect(patched.data).toEqual({ a: '2', b: '3' });
    const operations = [{ op: 'remove', path: '/data/a' }];
    const shrunk = await send({ verb: 'patch', name: 'one', body: operations, patchType: 'application/json-patch+json' });
    expect(shrunk.data).toEqual({ b: '3' });
    const deleted = await send({ verb: 'delete', name: 'one' });
    expect(deleted).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'one' } });
  });

  test('lists with what the objects are', async () => {
    await send({ verb: 'create', body: configMap('listed') });
    const list = await send({ verb: 'list', query: { labelSelector: '' } });
    expect(list).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(list.items.map(({ metadata }: Json) => metadata.name)).toContain('listed');
  });

  test('throws the errors of the API', async () => {
    const failure = await send({ verb: 'get', name: 'absent' }).catch((error: unknown) => error);
    expect(isApiError(failure, 'NotFound')).toBe(true);
    expect((failure as Error).message).toBe('configmaps "absent" not found');
    const bad = await send({ verb: 'create', body: configMap('Bad_Name') }).catch((error: unknown) => error);
    expect(isApiError(bad, 'Invalid') && bad.details?.causes?.[0]?.field).toBe('metadata.name');
  });

  test('watches until it is told to stop', async () => {
    const abort = new AbortController();
    const seen: WatchEvent[] = [];
    const first = await send({ verb: 'create', body: configMap('watched') });
    const query = { resourceVersion: first.metadata.resourceVersion };
    const reading = (async () => {
      for await (const events of transport.watch({ resource: configmaps, namespace: 'default', query, signal: abort.signal })) {
        seen.push(...events);
        if (seen.length === 2) abort.abort(new Error('enough'));
      }
    })();
    await send({ verb: 'patch', name: 'watched', body: { data: { a: '1' } }, patchType: 'application/merge-patch+json' });
    await send({ verb: 'delete', name: 'watched' });
    await reading.catch((error: unknown) => expect(error).toBe(abort.signal.reason));
    expect(seen.map(({ type, object }) => `${type} ${object.kind} ${object.metadata.name}`)).toEqual([
      'MODIFIED ConfigMap watched',
      'DELETED ConfigMap watched',
    ]);
  });

  test('does not hold on to what it was given', async () => {
    const body = { ...configMap('kept'), data: { a: '1' } };
    await send({ verb: 'create', body });
    body.data.a = 'changed later';
    expect((await send({ verb: 'get', name: 'kept' })).data).toEqual({ a: '1' });
  });

  test('drops what JSON cannot say and what the type does not have', async () => {
    const body = { ...configMap('odd'), data: { a: '1', b: undefined }, unknown: 1 };
    const made = await send({ verb: 'create', body });
    expect(made.data).toEqual({ a: '1' });
    expect(made).not.toHaveProperty('unknown');
  });

  test('stores the same bytes as the other', async () => {
    await send({
      verb: 'create',
      resource: pods,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'bytes', labels: { b: '2', a: '1' } },
        spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '0.5' } } }] },
      },
    });
    const kv = await server.store.get('/registry/pods/default/bytes');
    const text = Buffer.from(kv!.value).toString('utf8');
    left.set(kind, text.replace(/"uid":"[^"]*"/g, '"uid":""').replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'T'));
    const [first, second] = [...left.values()];
    if (second !== undefined) expect(second).toBe(first);
  });
});
