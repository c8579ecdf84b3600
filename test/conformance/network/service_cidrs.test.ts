import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('network/service_cidrs', () => {
  const cluster = useCluster('conformance-service-cidrs');
  const group = '/apis/networking.k8s.io/v1';
  const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };
  const verbsOf = async (name: string): Promise<string[]> => {
    const { resources } = await cluster.api('GET', group);
    return resources.find((resource: Json) => resource.name === name)?.verbs.toSorted();
  };
  const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

  test('ServiceCIDR API', async () => {
    expect(await verbsOf('servicecidrs')).toEqual(allVerbs);
    expect(await verbsOf('servicecidrs/status')).toEqual(['get', 'patch', 'update']);
    const path = `${group}/servicecidrs`;
    const stored = await cluster.api('GET', `${path}/kubernetes`);
    const status = await cluster.api('GET', `${path}/kubernetes/status`);
    expect(status).toMatchObject({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { uid: stored.metadata.uid } });
    expect((await cluster.api('GET', path)).items.map(({ metadata }: Json) => metadata.name)).toContain('kubernetes');
    await using watch = await HeldWatch.open(cluster.transport(), path);
    expect(watch.status).toBe(200);
  });

  test('IPAddress API', async () => {
    expect(await verbsOf('ipaddresses')).toEqual(allVerbs);
    const path = `${group}/ipaddresses`;
    const address = (name: string, type: string): Json => ({
      metadata: { name, labels: { type } },
      spec: { parentRef: { group: 'mygroup', resource: 'myresources', namespace: 'foo', name: 'bar' } },
    });
    const created = await cluster.api('POST', path, address('255.255.255.255', 'broadcast'));
    await cluster.api('POST', path, address('fe80::42:1dff:fe84:f9e2', 'link-local'));
    const own = `${path}/255.255.255.255`;
    const patched = await cluster.api('PATCH', own, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations).toEqual({ patched: 'true' });
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion));
    patched.metadata.annotations.updated = 'true';
    expect((await cluster.api('PUT', own, patched)).metadata.annotations).toEqual({ patched: 'true', updated: 'true' });
    expect((await cluster.api('GET', own)).metadata.uid).toBe(created.metadata.uid);
    const selected = `${path}?labelSelector=type%3Dbroadcast`;
    expect((await cluster.api('GET', selected)).items).toHaveLength(1);
    await using watch = await HeldWatch.open(cluster.transport(), selected);
    expect(watch.status).toBe(200);
    await cluster.api('DELETE', own);
    const local = `${path}?labelSelector=type%3Dlink-local`;
    await cluster.api('DELETE', local);
    expect((await cluster.api('GET', local)).items).toEqual([]);
  });
});
