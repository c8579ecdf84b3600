/** Workload kinds against the running server: scale, what a deletion does to dependents, warnings, tables. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };

describe('a ReplicationController', () => {
  const path = '/api/v1/namespaces/default/replicationcontrollers';
  const make = (name: string): object => ({ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name }, spec: { template } });

  test('keeps its pods when a deletion does not say otherwise', async () => {
    await server.http('POST', path, make('kept'));
    expect((await server.http('DELETE', `${path}/kept`)).json.metadata.finalizers).toEqual(['orphan']);
    await server.http('POST', path, make('whole'));
    expect((await server.http('DELETE', `${path}/whole`, { propagationPolicy: 'Background' })).json.status).toBe('Success');
  });

  test('is scaled by its subresource, counts a generation and is found by its status', async () => {
    await server.http('POST', path, make('scaled'));
    const scale = await server.http('GET', `${path}/scaled/scale`);
    expect(scale.json).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } });
    await server.http('PUT', `${path}/scaled/scale`, { ...scale.json, spec: { replicas: 4 } });
    expect((await server.http('GET', `${path}/scaled`)).json).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 } });
    const found = await server.http('GET', `${path}?fieldSelector=status.replicas=0,metadata.name=scaled`);
    expect(found.json.items).toHaveLength(1);
    expect((await server.http('GET', `${path}?fieldSelector=status.replicas=4`)).json.items).toHaveLength(0);
  });
});
