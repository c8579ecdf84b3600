import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

describe.skipIf(unavailable)('network/ingress', () => {
  const cluster = useCluster('conformance-ingress');
  const path = cluster.path('networking.k8s.io/v1', 'ingresses');
  const everywhere = '/apis/networking.k8s.io/v1/ingresses';
  const selector = 'labelSelector=special-label%3Dapi';
  const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

  test('Ingress API', async () => {
    const groups = (await cluster.api('GET', '/apis')).groups;
    const group = groups.find(({ name }: Json) => name === 'networking.k8s.io');
    expect(group.versions.map(({ version }: Json) => version)).toContain('v1');
    const { versions } = await cluster.api('GET', '/apis/networking.k8s.io');
    expect(versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', '/apis/networking.k8s.io/v1');
    expect(resources.map(({ name }: Json) => name)).toEqual(expect.arrayContaining(['ingresses', 'ingresses/status']));

    const create = (): Promise<Json> =>
      cluster.api('POST', path, {
        metadata: { generateName: 'e2e-example-ing', labels: { 'special-label': 'api' } },
        spec: {
          defaultBackend: { service: { name: 'default-backend', port: { number: 8080 } } },
          rules: [
            {
              host: 'foo.bar.com',
              http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'test-backend', port: { number: 8080 } } } }] },
            },
          ],
        },
        status: { loadBalancer: {} },
      });
    await create();
    await create();
    const created = await create();
    const own = `${path}/${created.metadata.name}`;
    expect((await cluster.api('GET', own)).metadata.uid).toBe(created.metadata.uid);
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toHaveLength(3);
    const all = await cluster.api('GET', `${everywhere}?${selector}`);
    expect(all.items).toHaveLength(3);

    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${everywhere}?${selector}&resourceVersion=${all.metadata.resourceVersion}`,
    );
    const patched = await cluster.api('PATCH', own, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations.patched).toBe('true');
    const updated = await eventually(async () => {
      const current = await cluster.api('GET', own);
      current.metadata.annotations.updated = 'true';
      return cluster.api('PUT', own, current);
    });
    expect(updated.metadata.annotations).toMatchObject({ patched: 'true', updated: 'true' });
    for (let seen = false; !seen;) {
      const { type, object } = await watch.next();
      if (type === 'BOOKMARK') continue;
      expect(type).toBe('MODIFIED');
      expect(object.metadata.namespace).toBe(cluster.namespace);
      seen = object.metadata.annotations?.updated === 'true';
    }

    const loadBalancer = { ingress: [{ ip: '169.1.1.1' }] };
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer } };
    const withStatus = await cluster.api('PATCH', `${own}/status`, body, mergePatch);
    expect(withStatus.status.loadBalancer).toEqual(loadBalancer);
    expect(withStatus.metadata.annotations.patchedstatus).toBe('true');
    await eventually(async () => {
      const current = await cluster.api('GET', own);
      current.status.loadBalancer = { ingress: [{ ip: '169.1.1.2' }] };
      expect((await cluster.api('PUT', `${own}/status`, current)).status.loadBalancer).toEqual({ ingress: [{ ip: '169.1.1.2' }] });
    });
    const read = await cluster.api('GET', `${own}/status`);
    expect(read).toMatchObject({ kind: 'Ingress', metadata: { uid: created.metadata.uid } });

    await cluster.api('DELETE', own);
    await eventually(async () => expect((await cluster.request('GET', own)).status).toBe(404));
    expect((await cluster.api('GET', `${path}?${selector}`)).items).toHaveLength(2);
    await cluster.api('DELETE', `${path}?${selector}`);
    await eventually(async () => expect((await cluster.api('GET', `${path}?${selector}`)).items).toEqual([]));
  });
});
