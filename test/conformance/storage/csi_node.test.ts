import { describe, test } from 'vitest';
import { unavailable, useCluster } from '../support/cluster.ts';
import { runLifecycle } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/csi_node', () => {
  const cluster = useCluster('conformance-csi-node');

  test('CSINode, lifecycle', async () => {
    const drivers = [{ name: 'e2e.example.com', nodeID: 'e2e-node', topologyKeys: null }];
    await runLifecycle({
      cluster,
      collection: '/apis/storage.k8s.io/v1/csinodes',
      make: (name) => ({ metadata: { name, labels: { e2e: 'csi-node' } }, spec: { drivers } }),
    });
  }, 120_000);
});
