import { describe, expect, test } from 'vitest';
import { toolbox } from '../../e2e/images.ts';
import { unavailable, useCluster } from '../support/cluster.ts';
import { mergePatch, runLifecycle, untilGone } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/csi_inline', () => {
  const cluster = useCluster('conformance-csi-inline');

  test('CSIDriver, lifecycle', async () => {
    await runLifecycle({
      cluster,
      collection: '/apis/storage.k8s.io/v1/csidrivers',
      make: (name) => ({ metadata: { name, labels: { e2e: 'driver' } }, spec: { volumeLifecycleModes: ['Ephemeral'] } }),
    });
  }, 120_000);

  test('CSIInlineVolumes should support Pods with inline volumes', async () => {
    const driver = 'e2e.example.com';
    const volumes = [
      { name: 'csi-inline-vol1', csi: { driver } },
      { name: 'csi-inline-vol2', csi: { driver, fsType: 'ext4', readOnly: true } },
    ];
    const pods = (rest = ''): string => cluster.path('v1', `pods${rest}`);
    const mounts = volumes.map(({ name }) => ({ name, mountPath: `/var/data/${name}` }));
    const container = { name: 'app', image: toolbox, args: ['-c', 'exec sleep 1000'], volumeMounts: mounts };
    const metadata = { name: 'pod-csi-inline-volumes' };
    await cluster.api('POST', pods(), { metadata, spec: { terminationGracePeriodSeconds: 0, containers: [container], volumes } });

    const read = await cluster.api('GET', pods('/pod-csi-inline-volumes'));
    expect(read.spec.volumes.slice(0, 2)).toMatchObject(volumes);
    expect((await cluster.api('GET', pods())).items).toHaveLength(1);
    const patched = await cluster.api(
      'PATCH',
      pods('/pod-csi-inline-volumes'),
      { metadata: { annotations: { patched: 'true' } } },
      mergePatch,
    );
    expect(patched.metadata.annotations).toMatchObject({ patched: 'true' });
    await cluster.api('DELETE', pods('/pod-csi-inline-volumes'));
    await untilGone(cluster, pods('/pod-csi-inline-volumes'));
  }, 120_000);
});
