import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const longMs = 240_000;
const sleep = { name: 'app', image: toolbox, args: ['-c', 'exec sleep 10000'] };

describe.skipIf(unavailable)('storage/empty_dir_wrapper', () => {
  const cluster = useCluster('conformance-empty-dir-wrapper');
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);

  test('EmptyDir Wrapper Volume, Secret and ConfigMap volumes, no conflict', async () => {
    await cluster.api('POST', cluster.path('v1', 'secrets'), { metadata: { name: 'wrapped' }, data: { 'data-1': 'dmFsdWUtMQo=' } });
    await cluster.api('POST', cluster.path('v1', 'configmaps'), { metadata: { name: 'wrapped' }, data: { 'data-1': 'value-1' } });
    const volumes = [
      { name: 'secret-volume', secret: { secretName: 'wrapped' } },
      { name: 'configmap-volume', configMap: { name: 'wrapped' } },
    ];
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/etc/${name}`, readOnly: true }));
    await cluster.api('POST', pods(), {
      metadata: { name: 'wrapped' },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ ...sleep, volumeMounts }], volumes },
    });
    await eventually(async () => expect((await cluster.api('GET', pods('/wrapped'))).status.phase).toBe('Running'), longMs);
    await cluster.api('DELETE', pods('/wrapped'));
  }, 300_000);

  test('EmptyDir Wrapper Volume, ConfigMap volumes, no race', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `racey-configmap-${i}`);
    for (const name of names)
      await cluster.api('POST', cluster.path('v1', 'configmaps'), { metadata: { name }, data: { 'data-1': 'value-1' } });
    const volumes = names.map((name) => ({ name, configMap: { name, items: [{ key: 'data-1', path: 'data-1' }] } }));
    const volumeMounts = names.map((name) => ({ name, mountPath: `/etc/config/${name}` }));
    const controllers = (rest = ''): string => cluster.path('v1', `replicationcontrollers${rest}`);
    for (let round = 0; round < 3; round++) {
      const labels = { name: `wrapped-volume-race-${round}` };
      await cluster.api('POST', controllers(), {
        metadata: { name: labels.name },
        spec: {
          replicas: 5,
          selector: labels,
          template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ ...sleep, volumeMounts }], volumes } },
        },
      });
      const selected = `?labelSelector=name%3D${labels.name}`;
      await eventually(async () => {
        const { items } = await cluster.api('GET', pods(selected));
        expect(items.map(({ status }: Json) => status.phase)).toEqual(Array.from({ length: 5 }, () => 'Running'));
      }, longMs);
      await cluster.api('DELETE', controllers(`/${labels.name}`), { propagationPolicy: 'Background' });
      await eventually(async () => expect((await cluster.api('GET', pods(selected))).items).toEqual([]), longMs);
    }
  }, 900_000);
});
