/** Writes that lean on an election: only the holder of the Lease, in its term, gets them through. */
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { type Fence, fenceHeader, formatFence, type Transport } from '../../src/client/index.ts';
import { adminUser, startTestServer, type TestServer } from './harness.ts';

const { signal } = new AbortController();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.http('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader' },
    spec: { holderIdentity: 'one', leaseTransitions: 3, leaseDurationSeconds: 15 },
  });
});
afterAll(() => server.close());

test('a write whose body comes after the lease went to another is refused', async () => {
  await server.http('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'moving' },
    spec: { holderIdentity: 'one', leaseTransitions: 0 },
  });
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'half-sent' } });
  const sent = request({
    host: '127.0.0.1',
    port: server.port,
    ca: server.authority.ca,
    cert: server.admin.cert,
    key: server.admin.key,
    method: 'POST',
    path: '/api/v1/namespaces/default/configmaps',
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      [fenceHeader]: formatFence({ lease: 'default/moving', holder: 'one', transitions: 0 }),
    },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    sent.on('response', (response) => resolve(response.resume().statusCode));
    sent.on('error', reject);
  });
  await new Promise<unknown>((resolve) => sent.write(body.slice(0, 10), resolve));
  const steal = { spec: { holderIdentity: 'two', leaseTransitions: 1 } };
  const headers = { 'content-type': 'application/merge-patch+json' };
  await server.http('PATCH', '/apis/coordination.k8s.io/v1/namespaces/default/leases/moving', steal, { headers });
  sent.end(body.slice(10));
  expect(await status).toBe(409);
  expect((await server.http('GET', '/api/v1/namespaces/default/configmaps/half-sent')).status).toBe(404);
});

test('a write goes on when the lease is renewed meanwhile', async () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/leader';
  const fence = { lease: 'default/leader', holder: 'one', transitions: 3 };
  const transport = server.server.transport(adminUser);
  const renew = { spec: { renewTime: '2026-01-01T00:00:00.000000Z' } };
  const headers = { 'content-type': 'application/merge-patch+json' };
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'renewed-' } };
  const writes = Array.from({ length: 20 }, () =>
    transport.request({ verb: 'create', resource: corev1Resources.configmaps, namespace: 'default', body, fence, signal }),
  );
  await Promise.all([...writes, server.http('PATCH', path, renew, { headers })]);
  expect(await Promise.all(writes)).toHaveLength(20);
});

describe.each(['https', 'in-process'])('over %s', (kind) => {
  const write = async (name: string, fence: Fence): Promise<unknown> => {
    const transport: Transport = kind === 'https' ? server.httpsTransport() : server.server.transport(adminUser);
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${kind}-${name}` } };
    try {
      return await transport.request({ verb: 'create', resource: corev1Resources.configmaps, namespace: 'default', body, fence, signal });
    } catch (error) {
      return error;
    } finally {
      await transport.close();
    }
  };

  test('the holder writes', async () => {
    expect(await write('holder', { lease: 'default/leader', holder: 'one', transitions: 3 })).toMatchObject({ kind: 'ConfigMap' });
  });

  test.each<[string, Fence]>([
    ['another holder', { lease: 'default/leader', holder: 'two', transitions: 3 }],
    ['an earlier term', { lease: 'default/leader', holder: 'one', transitions: 2 }],
    ['a lease that is not there', { lease: 'default/none', holder: 'one', transitions: 3 }],
  ])('%s is refused', async (name, fence) => {
    expect(await write(name.replaceAll(' ', '-'), fence)).toMatchObject({ code: 409, reason: 'Conflict' });
  });
});
