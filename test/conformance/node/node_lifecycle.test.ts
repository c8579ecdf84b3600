import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const strategic = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };

describe.skipIf(unavailable)('node/node_lifecycle', () => {
  const cluster = useCluster('conformance-node-lifecycle');

  test('Node, resource lifecycle', async () => {
    const name = 'e2e-fake-node-lifecycle';
    const own = `/api/v1/nodes/${name}`;
    const conditions = [{ type: 'Ready', status: 'True', reason: 'E2E', message: 'Set from e2e test' }];
    const fake = { metadata: { name }, spec: { unschedulable: true }, status: { phase: 'Running', conditions } };
    const created = await cluster.api('POST', '/api/v1/nodes', fake);
    expect(created.metadata).toMatchObject({ name, resourceVersion: expect.stringMatching(/^[1-9]\d*$/) });
    expect((await cluster.api('GET', own)).metadata.name).toBe(name);

    const patched = await cluster.api('PATCH', own, { metadata: { labels: { [name]: 'patched' } } }, strategic);
    expect(patched.metadata.labels[name]).toBe('patched');
    expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    expect((await cluster.api('GET', `/api/v1/nodes?labelSelector=${name}%3Dpatched`)).items).toHaveLength(1);

    // Controllers write nodes too: a lost race is run again.
    const updated = await eventually(async (): Promise<Json> => {
      const current = await cluster.api('GET', own);
      current.metadata.labels[name] = 'updated';
      return cluster.api('PUT', own, current);
    });
    expect(updated.metadata.labels[name]).toBe('updated');

    await cluster.api('DELETE', own);
    await eventually(async () => expect((await cluster.request('GET', own)).status).toBe(404));
  });
});
