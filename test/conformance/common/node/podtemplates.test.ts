import { describe, expect, test } from 'vitest';
import { toolbox } from '../../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../../support/cluster.ts';

const strategicPatch = { headers: { 'content-type': 'application/strategic-merge-patch+json' } };

describe.skipIf(unavailable)('common/node/podtemplates', () => {
  const cluster = useCluster('conformance-podtemplates');
  const templates = (rest = ''): string => cluster.path('v1', `podtemplates${rest}`);
  const create = (name: string, labels: Json): Promise<Json> =>
    cluster.api('POST', templates(), {
      metadata: { name, labels },
      template: { spec: { containers: [{ name: 'main', image: toolbox }] } },
    });
  const selected = async (selector: string): Promise<string[]> => {
    const { items } = await cluster.api('GET', `/api/v1/podtemplates?labelSelector=${encodeURIComponent(selector)}`);
    return items.map(({ metadata }: Json) => metadata.name);
  };

  test('PodTemplate lifecycle', async () => {
    expect(await selected('podtemplate-static=true')).toEqual([]);
    await create('nginx-pod-template', { 'podtemplate-static': 'true' });
    const read = await cluster.api('GET', templates('/nginx-pod-template'));
    // What the template leaves out, the server fills in as for a pod.
    expect(read.template.spec).toMatchObject({ restartPolicy: 'Always', containers: [{ name: 'main', image: toolbox }] });
    await cluster.api('PATCH', templates('/nginx-pod-template'), { metadata: { labels: { podtemplate: 'patched' } } }, strategicPatch);
    expect((await cluster.api('GET', templates('/nginx-pod-template'))).metadata.labels).toMatchObject({ podtemplate: 'patched' });
    expect(await selected('podtemplate-static=true,podtemplate=patched')).toEqual(['nginx-pod-template']);
    await cluster.api('DELETE', templates('/nginx-pod-template'));
    expect(await selected('podtemplate-static=true')).toEqual([]);
  });

  test('PodTemplate, delete a collection', async () => {
    const names = ['test-podtemplate-1', 'test-podtemplate-2', 'test-podtemplate-3'];
    for (const name of names) await create(name, { 'podtemplate-set': 'true' });
    expect(await selected('podtemplate-set=true')).toEqual(names);
    await cluster.api('DELETE', templates('?labelSelector=podtemplate-set%3Dtrue'));
    await eventually(async () => expect(await selected('podtemplate-set=true')).toEqual([]));
  });

  test('PodTemplate, replace', async () => {
    const created = await create('replaced', { 'e2e-replace': 'true' });
    const replaced = await eventually(async () => {
      const current = await cluster.api('GET', templates('/replaced'));
      current.metadata.annotations = { ...current.metadata.annotations, updated: 'true' };
      return cluster.api('PUT', templates('/replaced'), current);
    });
    expect(replaced.metadata).toMatchObject({ uid: created.metadata.uid, annotations: { updated: 'true' } });
    expect(replaced.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
    expect((await cluster.api('GET', templates('/replaced'))).metadata.annotations).toMatchObject({ updated: 'true' });
  });
});
