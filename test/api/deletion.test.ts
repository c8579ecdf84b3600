/** Deletion: at once, by finalizers, gracefully, with conditions, many at a time. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { Json } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'ending', 'kube-system'] });
});
afterAll(() => server.close());

const path = '/api/v1/namespaces/default/configmaps';
const merge = { headers: { 'content-type': 'application/merge-patch+json' } };
const make = async (name: string, metadata: object = {}): Promise<Json> =>
  (await server.http('POST', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } })).json;
const remove = (target: string, body?: object): Promise<Json> => server.http('DELETE', target, body);

describe('an object', () => {
  test('without finalizers is gone at once, and the answer says which one it was', async () => {
    const { metadata } = await make('plain');
    const answer = await remove(`${path}/plain`);
    expect(answer.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'plain', kind: 'configmaps', uid: metadata.uid },
    });
    expect((await remove(`${path}/plain`)).status).toBe(404);
  });

  test('with a finalizer stays until the finalizer is taken away', async () => {
    await make('held', { finalizers: ['example.com/hold'] });
    const marked = (await remove(`${path}/held`)).json;
    expect(marked.metadata.deletionTimestamp).toBeDefined();
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(0);
    const more = await server.http('PATCH', `${path}/held`, { metadata: { finalizers: ['example.com/hold', 'example.com/new'] } }, merge);
    expect(more.json.message).toContain('metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted');
    expect((await make('held')).message).toBe('object is being deleted: configmaps "held" already exists');
    const last = await server.http('PATCH', `${path}/held`, { metadata: { finalizers: null } }, merge);
    expect(last.status).toBe(200);
    expect((await server.http('GET', `${path}/held`)).status).toBe(404);
  });

  test.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ])('deleted with propagation %s waits for the garbage collector', async (propagationPolicy, finalizers) => {
    const name = `policy-${propagationPolicy.toLowerCase()}`;
    await make(name);
    expect((await remove(`${path}/${name}`, { propagationPolicy })).json.metadata.finalizers).toEqual(finalizers);
  });

  test('with an unknown propagation is refused', async () => {
    await make('odd');
    const answer = await remove(`${path}/odd`, { propagationPolicy: 'Sideways' });
    expect(answer.json.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    );
  });

  test('is deleted only under the conditions that the client names', async () => {
    const { metadata } = await make('conditional');
    const uid = await remove(`${path}/conditional`, { preconditions: { uid: 'x' } });
    expect(uid.json.message).toBe(
      `Operation cannot be fulfilled on configmaps "conditional": the UID in the precondition (x) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
    const version = await remove(`${path}/conditional`, { preconditions: { resourceVersion: '1' } });
    expect(version.status).toBe(409);
    const { resourceVersion } = metadata;
    expect((await remove(`${path}/conditional`, { preconditions: { uid: metadata.uid, resourceVersion } })).status).toBe(200);
  });
});

describe('a pod', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const pod = (name: string, nodeName?: string): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { ...(nodeName && { nodeName }), containers: [{ name: 'c', image: 'i' }] },
  });

  test('that no node has is gone at once', async () => {
    await server.http('POST', pods, pod('unbound'));
    const answer = await remove(`${pods}/unbound`);
    expect(answer.json.kind).toBe('Pod');
    expect((await server.http('GET', `${pods}/unbound`)).status).toBe(404);
  });

  test('on a node gets its grace, which a second deletion may only shorten', async () => {
    await server.http('POST', pods, pod('bound', 'n1'));
    const first = (await remove(`${pods}/bound`)).json;
    expect(first.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(first.metadata.generation).toBe(2);
    const longer = (await remove(`${pods}/bound`, { gracePeriodSeconds: 60 })).json;
    expect(longer.metadata.deletionTimestamp).toBe(first.metadata.deletionTimestamp);
    const shorter = (await remove(`${pods}/bound`, { gracePeriodSeconds: 5 })).json;
    expect(shorter.metadata.deletionGracePeriodSeconds).toBe(5);
    expect(Date.parse(first.metadata.deletionTimestamp) - Date.parse(shorter.metadata.deletionTimestamp)).toBe(25_000);
    expect((await remove(`${pods}/bound`, { gracePeriodSeconds: 0 })).status).toBe(200);
    expect((await server.http('GET', `${pods}/bound`)).status).toBe(404);
  });
});

describe('a namespace', () => {
  test('is marked as ending, takes nothing new, and goes with its last finalizer', async () => {
    const marked = (await remove('/api/v1/namespaces/ending')).json;
    expect(marked).toMatchObject({ status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } });
    const refused = await server.http('POST', '/api/v1/namespaces/ending/configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'late' },
    });
    expect(refused.json).toMatchObject({
      code: 403,
      message: 'configmaps "late" is forbidden: unable to create new content in namespace ending because it is being terminated',
      details: {
        causes: [{ reason: 'NamespaceTerminating', message: 'namespace ending is being terminated', field: 'metadata.namespace' }],
      },
    });
    const finalized = await server.http('PUT', '/api/v1/namespaces/ending/finalize', { ...marked, spec: { finalizers: [] } });
    expect(finalized.status).toBe(200);
    expect((await server.http('GET', '/api/v1/namespaces/ending')).status).toBe(404);
  });

  test('of the system stays', async () => {
    const answer = await remove('/api/v1/namespaces/kube-system');
    expect(answer.json).toMatchObject({ code: 403, message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted' });
  });
});

describe('a collection', () => {
  test('is deleted by selector and answers with what it deleted', async () => {
    for (const name of ['all-1', 'all-2', 'all-3']) await make(name, { labels: { all: name === 'all-3' ? 'no' : 'yes' } });
    const answer = await remove(`${path}?labelSelector=all%3Dyes`);
    expect(answer.json.kind).toBe('ConfigMapList');
    expect(answer.json.items).toHaveLength(2);
    const left = (await server.http('GET', `${path}?labelSelector=all`)).json;
    expect(left.items.map(({ metadata }: Json) => metadata.name)).toEqual(['all-3']);
  });
});
