import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { beforeAllOnCluster, eventually, unavailable, useCluster } from '../support/cluster.ts';

const content = 'configmap-value';

describe.skipIf(unavailable)('storage/subpath', () => {
  const cluster = useCluster('conformance-subpath');
  const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);

  beforeAllOnCluster(async () => {
    await cluster.api('POST', cluster.path('v1', 'configmaps'), { metadata: { name: 'my-configmap' }, data: { 'configmap-key': content } });
    await cluster.api('POST', cluster.path('v1', 'secrets'), { metadata: { name: 'my-secret' }, stringData: { 'secret-key': content } });
  });

  /** A pod that reads the file again and again for a while; what it read is what the volume holds, to the end. */
  const readsThroughSubPath = async (
    name: string,
    volume: object,
    { subPath, mountPath = '/test-volume' }: { subPath: string; mountPath?: string },
  ): Promise<void> => {
    const read = `for i in $(seq 20); do cat ${mountPath} || exit 1; echo; sleep 0.1; done`;
    await cluster.api('POST', pods(), {
      metadata: { name, labels: { app: name } },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'app', image: toolbox, args: ['-c', read], volumeMounts: [{ name: 'v', mountPath, subPath }] }],
        volumes: [{ name: 'v', ...volume }],
      },
    });
    await eventually(async () => expect((await cluster.api('GET', pods(`/${name}`))).status.phase).toBe('Succeeded'), 150_000);
    const { text } = await cluster.request('GET', pods(`/${name}/log`));
    expect(text.trim().split('\n')).toEqual(Array.from({ length: 20 }, () => (name.includes('downward') ? name : content)));
    await cluster.api('DELETE', pods(`/${name}`));
  };

  test('SubPath: Reading content from a secret volume.', async () => {
    await readsThroughSubPath('subpath-secret', { secret: { secretName: 'my-secret' } }, { subPath: 'secret-key' });
  }, 180_000);

  // The list has this row twice: for a path of its own, and for a file that is there already.
  test('SubPath: Reading content from a configmap volume.', async () => {
    const volume = { configMap: { name: 'my-configmap' } };
    await readsThroughSubPath('subpath-configmap', volume, { subPath: 'configmap-key' });
    await readsThroughSubPath('subpath-existing-file', volume, { subPath: 'configmap-key', mountPath: '/etc/resolv.conf' });
  }, 300_000);

  test('SubPath: Reading content from a downwardAPI volume.', async () => {
    const items = [{ path: 'downward/podname', fieldRef: { fieldPath: 'metadata.name' } }];
    await readsThroughSubPath('subpath-downward', { downwardAPI: { items } }, { subPath: 'downward/podname' });
  }, 180_000);

  test('SubPath: Reading content from a projected volume.', async () => {
    const sources = [{ configMap: { name: 'my-configmap', items: [{ key: 'configmap-key', path: 'projected/configmap-key' }] } }];
    await readsThroughSubPath('subpath-projected', { projected: { sources } }, { subPath: 'projected/configmap-key' });
  }, 180_000);
});
