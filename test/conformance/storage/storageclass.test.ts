import { describe, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';
import { runLifecycle } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/storageclass', () => {
  const cluster = useCluster('conformance-storage-class');

  test('StorageClass, lifecycle', async () => {
    await runLifecycle({
      cluster,
      collection: '/apis/storage.k8s.io/v1/storageclasses',
      make: (name) => ({ metadata: { name, labels: { e2e: 'class' } }, provisioner: 'e2e-fake-provisioner', reclaimPolicy: 'Retain' }),
    });
  }, 120_000);
});
