import { describe, expect, it } from 'vitest';
import { corev1Resources, isApiError, metricsv1beta1Resources, rbacv1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { discover } from '../../src/client/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { createPod, getPod, isReady, namespace } from './objects.ts';

const second = 1_000;
const { nodes, pods } = metricsv1beta1Resources;
const usage = () => ({ cpuMillis: 250, memoryBytes: 64 * 2 ** 20 });

async function startMeasured(): Promise<Cluster> {
  const cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, usage });
  for (const name of ['a', 'b']) await createPod(cluster, name);
  await cluster.until('both run', async () => isReady(await getPod(cluster, 'a')) && isReady(await getPod(cluster, 'b')));
  await cluster.advance(31 * second);
  return cluster;
}

describe('metrics.k8s.io', () => {
  it('tells what nodes and pods use, and since when', async () => {
    await using cluster = await startMeasured();
    const { client, signal } = cluster;
    const pod = await client.get(pods, { namespace, name: 'a' }, { signal });
    expect(pod).toMatchObject({
      apiVersion: 'metrics.k8s.io/v1beta1',
      kind: 'PodMetrics',
      metadata: { name: 'a', namespace, labels: { app: 'a' } },
      window: '15s',
      containers: [{ name: 'main', usage: { cpu: '250m', memory: '64Mi' } }],
    });
    const lagMs = cluster.clock.now() - Date.parse(pod.timestamp);
    expect(lagMs).toBeLessThanOrEqual(16 * second);
    const { items, ...list } = await client.list(nodes, { signal });
    expect(list).toEqual({ kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {} });
    const total = items.reduce((sum, { usage: used }) => sum + Number.parseInt(used['cpu'] ?? '0', 10), 0);
    expect([items.map(({ metadata }) => metadata.name), total]).toEqual([['node-1', 'node-2'], 500]);
  });

  it('lists by labels, fields and namespace, and names what it does not have', async () => {
    await using cluster = await startMeasured();
    const { client, signal } = cluster;
    const names = async (options: object): Promise<string[]> =>
      (await client.list(pods, { ...options, signal })).items.map(({ metadata }) => metadata.name);
    expect(await names({ namespace })).toEqual(['a', 'b']);
    expect(await names({})).toEqual(['a', 'b']);
    expect(await names({ namespace: 'kube-system' })).toEqual([]);
    expect(await names({ namespace, labelSelector: 'app=b' })).toEqual(['b']);
    expect(await names({ namespace, fieldSelector: 'metadata.name=a' })).toEqual(['a']);
    await expect(client.get(pods, { namespace, name: 'x' }, { signal })).rejects.toThrow('podmetrics.metrics.k8s.io "default/x" not found');
    await expect(client.get(nodes, { name: 'x' }, { signal })).rejects.toThrow('nodemetrics.metrics.k8s.io "x" not found');
    await client.delete(corev1Resources.pods, { namespace, name: 'a' }, { signal, body: { gracePeriodSeconds: 0 } });
    expect(await names({ namespace })).toEqual(['b']);
  });

  it('is asked for like every API, by those who may', async () => {
    await using cluster = await startMeasured();
    const { client, signal } = cluster;
    const eve = cluster.clientFor({ name: 'eve', groups: ['system:authenticated'] });
    const refused = await eve.list(pods, { namespace, signal }).catch((error: unknown) => error);
    expect(isApiError(refused, 'Forbidden') && refused.message).toBe(
      'pods.metrics.k8s.io is forbidden: User "eve" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "default"',
    );
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'eve', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }],
    } as const;
    await client.create(rbacv1Resources.rolebindings, binding, { signal });
    await cluster.until('who may view may see usage', () =>
      eve.list(pods, { namespace, signal }).then(
        ({ items }) => items.length === 2,
        () => false,
      ),
    );
  });

  it('is served where there is somebody to measure, and not elsewhere', async () => {
    await using measured = await startCluster({ clock: new VirtualClock(), usage });
    await using plain = await startCluster({ clock: new VirtualClock() });
    const served = async ({ client, signal }: Cluster): Promise<string[]> =>
      (await discover(client.transport, { signal })).resources.flatMap(({ ref, verbs }) =>
        ref.group === 'metrics.k8s.io' ? [`${ref.plural} ${ref.kind} ${verbs.join(',')}`] : [],
      );
    expect(await served(measured)).toEqual(['nodes NodeMetrics get,list', 'pods PodMetrics get,list']);
    expect(await served(plain)).toEqual([]);
  });
});
