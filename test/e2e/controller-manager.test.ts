/** `knarr controller-manager` as a process of its own, beside a cluster whose own manager leaves something to it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { unavailable } from './kubectl.ts';
import { web } from './manifests.ts';
import { OwnCluster } from './own-cluster.ts';

const wait = { timeout: 60_000, interval: 200 };

describe.skipIf(unavailable)('a controller manager of its own', () => {
  let cluster: OwnCluster;
  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `m${process.pid}` });
    await cluster.up('--extra-config=controller-manager.controllers=*,-deployment');
  });
  afterAll(() => cluster?.remove());

  const leases = (): Promise<string> =>
    cluster.kubectl([
      'get',
      'leases',
      '-n',
      'kube-system',
      '-o',
      'jsonpath={range .items[*]}{.metadata.name}={.spec.holderIdentity};{end}',
    ]);
  const sets = (): Promise<string> => cluster.kubectl(['get', 'replicasets', '-o', 'name']);

  test('the cluster elects, and takes flags of the manager', async () => {
    expect(await leases()).toMatch(/^kube-controller-manager=\S+;kube-scheduler=\S+;$/);
    expect(await cluster.failing(['up', '--no-kubeconfig', '--extra-config=controller-manager.controllers=*,nobody'])).toContain(
      '"nobody" is not in the list of known controllers',
    );
  });

  test('what the one does not do, another does, with the rights of its account', async () => {
    await cluster.kubectl(['apply', '-f', '-'], web({ replicas: 1 }));
    const flags = [
      `--kubeconfig=${join(cluster.directory, 'admin.kubeconfig')}`,
      '--controllers=deployment',
      '--use-service-account-credentials',
      '--leader-elect-resource-name=second',
      '--secure-port=0',
    ];
    expect(await sets()).toBe('');
    const manager = cluster.startBare(['controller-manager', ...flags]);
    try {
      await vi.waitFor(async () => expect(await sets()).toMatch(/^replicaset\.apps\/web-/), wait);
      expect(await leases()).toContain(';second=');
      const fields = await cluster.kubectl(['get', 'replicasets', '-o', 'jsonpath={.items[0].metadata.managedFields[*].manager}']);
      expect(fields).toContain('kube-controller-manager');
    } finally {
      const ended = new Promise((resolve) => manager.once('exit', resolve));
      manager.kill('SIGTERM');
      await ended;
    }
    // It gave its Lease up.
    expect(await leases()).toContain(';second=;');
  });
});
