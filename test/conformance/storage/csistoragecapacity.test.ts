import { describe, expect, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';
import { mergePatch } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/csistoragecapacity', () => {
  const cluster = useCluster('conformance-csi-capacity');
  const capacities = (rest = ''): string => cluster.path('storage.k8s.io/v1', `csistoragecapacities${rest}`);
  const make = (generateName: string): object => ({
    metadata: { generateName, labels: { test: 'e2e-capacity' } },
    storageClassName: `${generateName}class`,
  });

  test('CSIStorageCapacity API', async () => {
    const { groups } = await cluster.api('GET', '/apis');
    const group = groups.find(({ name }: { name: string }) => name === 'storage.k8s.io');
    expect(group.versions.map(({ version }: { version: string }) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', '/apis/storage.k8s.io/v1');
    expect(resources.map(({ name }: { name: string }) => name)).toContain('csistoragecapacities');

    const first = await cluster.api('POST', capacities(), make('e2e-capacity-a-'));
    expect((await cluster.request('POST', capacities(), { ...first, metadata: { name: first.metadata.name } })).status).toBe(409);
    for (const one of ['b', 'c']) await cluster.api('POST', capacities(), make(`e2e-capacity-${one}-`));
    const { name, resourceVersion } = first.metadata;
    expect((await cluster.api('GET', capacities(`/${name}`))).metadata.uid).toBe(first.metadata.uid);
    const selected = '?labelSelector=test%3De2e-capacity';
    expect((await cluster.api('GET', capacities(selected))).items).toHaveLength(3);
    expect((await cluster.api('GET', `/apis/storage.k8s.io/v1/csistoragecapacities${selected}`)).items).toHaveLength(3);

    await using watch = await HeldWatch.open(cluster.transport(), capacities(`${selected}&resourceVersion=${resourceVersion}`));
    const patched = await cluster.api('PATCH', capacities(`/${name}`), { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations.patched).toBe('true');
    patched.metadata.annotations.updated = 'true';
    const updated = await cluster.api('PUT', capacities(`/${name}`), patched);
    expect(updated.metadata.annotations.updated).toBe('true');
    const seen: string[] = [];
    while (seen.length < 2) {
      const { type, object } = await watch.next();
      if (object.metadata.name === name && type === 'MODIFIED') seen.push(object.metadata.resourceVersion);
    }
    expect(seen).toEqual([expect.any(String), updated.metadata.resourceVersion]);
    await cluster.api('DELETE', capacities(`/${name}`));
    expect((await cluster.request('GET', capacities(`/${name}`))).status).toBe(404);
    expect((await cluster.api('GET', capacities(selected))).items).toHaveLength(2);
    await cluster.api('DELETE', capacities(selected));
    expect((await cluster.api('GET', capacities(selected))).items).toEqual([]);
  }, 120_000);
});
