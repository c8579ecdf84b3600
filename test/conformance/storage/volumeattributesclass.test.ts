import { describe, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';
import { runLifecycle } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/volumeattributesclass', () => {
  const cluster = useCluster('conformance-attributes-class');

  test('VolumeAttributesClass, lifecycle', async () => {
    const parameters = { iops: '100' };
    await runLifecycle({
      cluster,
      collection: '/apis/storage.k8s.io/v1/volumeattributesclasses',
      make: (name) => ({ metadata: { name, labels: { e2e: 'class' } }, driverName: 'e2e-fake-csi-driver', parameters }),
    });
  }, 120_000);
});
