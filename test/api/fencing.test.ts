/** Writes that lean on an election: only the holder of the Lease, in its term, gets them through. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import type { Fence, Transport } from '../../src/client/index.ts';
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
