import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('network/ingressclass', () => {
  const cluster = useCluster('conformance-ingressclass');
  const path = '/apis/networking.k8s.io/v1/ingressclasses';
  const selector = `labelSelector=ingressclass%3D${cluster.namespace}`;
  const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

  test('IngressClass API', async () => {
    const groups = (await cluster.api('GET', '/apis')).groups;
    const group = groups.find(({ name }: Json) => name === 'networking.k8s.io');
    expect(group.versions.map(({ version }: Json) => version)).toContain('v1');
    const { versions } = await cluster.api('GET', '/apis/networking.k8s.io');
    expect(versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', '/apis/networking.k8s.io/v1');
    expect(resources.map(({ name }: Json) => name)).toContain('ingressclasses');

    const create = (name: string): Promise<Json> =>
      cluster.api('POST', path, {
        metadata: { name: `${cluster.namespace}-${name}`, labels: { ingressclass: cluster.namespace, 'special-label': 'generic' } },
        spec: { controller: 'example.com/controller' },
      });
    await create('one');
    await create('two');
    const created = await create('three');
    const own = `${path}/${created.metadata.name}`;
    expect((await cluster.api('GET', own)).metadata.uid).toBe(created.metadata.uid);
    const list = await cluster.api('GET', `${path}?${selector}`);
    expect(list.items).toHaveLength(3);

    await using watch = await HeldWatch.open(cluster.transport(), `${path}?${selector}&resourceVersion=${list.metadata.resourceVersion}`);
    const patched = await cluster.api('PATCH', own, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations.patched).toBe('true');
    patched.metadata.annotations.updated = 'true';
    expect((await cluster.api('PUT', own, patched)).metadata.annotations.updated).toBe('true');
    for (let seen = false; !seen;) {
      const { type, object } = await watch.next();
      if (type === 'BOOKMARK') continue;
      expect(type).toBe('MODIFIED');
      seen = object.metadata.annotations?.updated === 'true';
    }

    await cluster.api('DELETE', own);
    await eventually(async () => expect((await cluster.request('GET', own)).status).toBe(404));
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toHaveLength(2);
    await cluster.api('DELETE', `${path}?${selector}`);
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toEqual([]);
  });
});
