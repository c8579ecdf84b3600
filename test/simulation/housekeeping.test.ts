import { describe, expect, it } from 'vitest';
import {
  corev1Resources,
  discoveryv1Resources,
  type corev1,
  type discoveryv1,
  getCondition,
  isApiError,
  schedulingv1Resources,
} from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import {
  createDeployment,
  createPod,
  eventsOf,
  find,
  get,
  getPod,
  isReady,
  namespace,
  patch,
  podManifest,
  podsOf,
  untilRolledOut,
} from './objects.ts';

const second = 1_000;
const minute = 60 * second;

describe('events', () => {
  it('are kept for an hour', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock });
    await createPod(cluster, 'web');
    await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'web')));
    await cluster.advance(second);
    const writtenMs = clock.now();
    expect((await eventsOf(cluster, 'web')).map(({ reason }) => reason)).toContain('Started');
    await cluster.advance(59 * minute);
    expect((await eventsOf(cluster, 'web')).map(({ reason }) => reason)).toContain('Started');
    await cluster.until('they are gone', async () => (await eventsOf(cluster, 'web')).length === 0);
    // Events of a minute share a lease, so some live a minute longer.
    expect(clock.now() - writtenMs).toBeLessThanOrEqual(61 * minute);
  });
});

describe('a namespace that is deleted', () => {
  it('ends its pods in peace, takes everything with it and waits for whoever holds something', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock, node: { script: () => ({ ignoresStop: true }) } });
    const { client, signal } = cluster;
    const name = 'shop';
    await client.create(corev1Resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} }, { signal });
    await cluster.until(
      'its account is there',
      async () => (await client.list(corev1Resources.serviceaccounts, { namespace: name, signal })).items.length > 0,
    );
    const held = { name: 'held', namespace: name, finalizers: ['example.com/hold'] };
    await client.create(corev1Resources.configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: held }, { signal });
    await client.create(
      corev1Resources.secrets,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain', namespace: name } },
      { signal },
    );
    const manifest = podManifest('web');
    await client.create(corev1Resources.pods, { ...manifest, metadata: { ...manifest.metadata, namespace: name } }, { signal });
    const podsThere = async (): Promise<readonly corev1.Pod[]> =>
      (await client.list(corev1Resources.pods, { namespace: name, signal })).items;
    await cluster.until('the pod is ready', async () => (await podsThere()).every(isReady));

    const deletedMs = clock.now();
    await client.delete(corev1Resources.namespaces, { name }, { signal });
    await expect(
      client.create(
        corev1Resources.configmaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: name } },
        { signal },
      ),
    ).rejects.toSatisfy((error) => isApiError(error, 'Forbidden'));
    await cluster.until('the pod is gone', async () => (await podsThere()).length === 0);
    // Five seconds in which every API server hears of it, thirty for the pod.
    expect(clock.now() - deletedMs).toBe(35 * second);
    await cluster.advance(minute);
    const waiting = await get(cluster, corev1Resources.namespaces, name);
    expect(getCondition(waiting.status?.conditions, 'NamespaceFinalizersRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    expect((await client.list(corev1Resources.secrets, { namespace: name, signal })).items).toEqual([]);
    const body = { metadata: { finalizers: null } };
    await client.patch(
      corev1Resources.configmaps,
      { name: 'held', namespace: name },
      { type: 'application/merge-patch+json', body },
      { signal },
    );
    await cluster.until('the namespace is gone', async () => (await find(cluster, corev1Resources.namespaces, name)) === undefined, minute);
  });
});

describe('a pod that fits nowhere', () => {
  const reason = async (cluster: Cluster, name: string): Promise<string | undefined> =>
    getCondition((await getPod(cluster, name)).status?.conditions, 'PodScheduled')?.message;
  const cpu = (amount: string): Partial<corev1.PodSpec> => ({
    containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: amount } } }],
  });

  it('is placed as soon as another makes room', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), node: { machine: { cpus: 4 } } });
    await createPod(cluster, 'first', cpu('3'));
    await cluster.until('the first is ready', async () => isReady(await getPod(cluster, 'first')));
    await createPod(cluster, 'second', cpu('2'));
    await cluster.until('it is known not to fit', async () => (await reason(cluster, 'second')) !== undefined);
    expect(await reason(cluster, 'second')).toMatch(/^0\/1 nodes are available: 1 Insufficient cpu\./);
    await cluster.advance(20 * minute);
    expect((await eventsOf(cluster, 'second')).find(({ reason: why }) => why === 'FailedScheduling')).toMatchObject({ type: 'Warning' });
    await cluster.client.delete(corev1Resources.pods, { namespace, name: 'first' }, { signal: cluster.signal });
    await cluster.until('the second is ready', async () => isReady(await getPod(cluster, 'second')), 10 * second);
  });

  it('is placed as soon as a node for it comes, or a node is changed to suit it', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createPod(cluster, 'large', cpu('12'));
    await createPod(cluster, 'choosy', { nodeSelector: { disk: 'ssd' } });
    await cluster.advance(20 * minute);
    expect(await reason(cluster, 'choosy')).toMatch(/^0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\./);
    await cluster.addNode({ machine: { cpus: 16 } });
    await cluster.until('the large pod is ready', async () => isReady(await getPod(cluster, 'large')), 10 * second);
    await patch(cluster, corev1Resources.nodes, 'node-1', { metadata: { labels: { disk: 'ssd' } } });
    await cluster.until('the choosy pod is ready', async () => isReady(await getPod(cluster, 'choosy')), 10 * second);
    expect((await getPod(cluster, 'choosy')).spec.nodeName).toBe('node-1');
  });

  it('waits for a drained node until it is open again', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await patch(cluster, corev1Resources.nodes, 'node-1', { spec: { unschedulable: true } });
    await cluster.advance(second);
    await createPod(cluster, 'web');
    await cluster.advance(20 * minute);
    expect(await reason(cluster, 'web')).toMatch(/^0\/1 nodes are available: 1 node\(s\) were unschedulable\./);
    await patch(cluster, corev1Resources.nodes, 'node-1', { spec: { unschedulable: null } });
    await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'web')), 10 * second);
  });
});

const ipsOf = (pods: readonly corev1.Pod[]): string[] => pods.flatMap(({ status }) => status?.podIP ?? []).toSorted();

describe('a Service', () => {
  const endpoints = async (cluster: Cluster): Promise<readonly discoveryv1.Endpoint[]> => {
    const labelSelector = 'kubernetes.io/service-name=web';
    const { items } = await cluster.client.list(discoveryv1Resources.endpointslices, { namespace, labelSelector, signal: cluster.signal });
    return items.flatMap((slice) => slice.endpoints);
  };
  const ready = async (cluster: Cluster): Promise<string[]> =>
    (await endpoints(cluster)).flatMap(({ conditions, addresses }) => (conditions?.ready ? addresses : [])).toSorted();

  it('leads to pods that are ready, no longer to those that end or whose node is silent', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({
      clock,
      nodes: 2,
      node: { latency: { startMs: 5 * second }, script: () => ({ ignoresStop: true }) },
    });
    await cluster.client.create(
      corev1Resources.services,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace },
        spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
      { signal: cluster.signal },
    );
    const gate = 'example.com/warm';
    await createDeployment(cluster, 'web', { replicas: 4, pod: { readinessGates: [{ conditionType: gate }] } });
    await cluster.until('all run', async () => (await endpoints(cluster)).length === 4);
    await cluster.advance(minute);
    expect((await endpoints(cluster)).map(({ conditions }) => conditions)).toEqual(
      Array.from({ length: 4 }, () => ({ ready: false, serving: false, terminating: false })),
    );
    const warm = async (): Promise<void> => {
      const body = { status: { conditions: [{ type: gate, status: 'True' }] } };
      for (const { metadata } of await podsOf(cluster, 'web')) {
        const key = { namespace, name: metadata.name };
        const type = 'application/strategic-merge-patch+json';
        await cluster.client.patch(corev1Resources.pods, key, { type, body, subresource: 'status' }, { signal: cluster.signal });
      }
    };
    await warm();
    await cluster.until('four are ready', async () => (await ready(cluster)).length === 4);
    const addresses = ipsOf(await podsOf(cluster, 'web'));
    expect(await ready(cluster)).toEqual(addresses);

    const [doomed] = await podsOf(cluster, 'web');
    await cluster.client.delete(corev1Resources.pods, { namespace, name: doomed!.metadata.name }, { signal: cluster.signal });
    await cluster.until('it is terminating', async () => (await endpoints(cluster)).some(({ conditions }) => conditions?.terminating));
    expect((await endpoints(cluster)).find(({ conditions }) => conditions?.terminating)).toMatchObject({
      addresses: [doomed!.status?.podIP],
      conditions: { ready: false, serving: true, terminating: true },
    });
    await cluster.until(
      'another runs in its place',
      async () => (await podsOf(cluster, 'web')).filter(({ status }) => status?.phase === 'Running').length === 5,
    );
    await warm();
    await cluster.until('another serves in its place', async () => {
      const all = await endpoints(cluster);
      return all.length === 4 && all.every(({ conditions }) => conditions?.ready);
    });

    await cluster.nodes[0]!.stopKubelet();
    const there = (await podsOf(cluster, 'web')).filter(({ spec }) => spec.nodeName === 'node-2');
    await cluster.until('only the living node serves', async () => (await ready(cluster)).length === there.length, 2 * minute);
    expect(await ready(cluster)).toEqual(ipsOf(there));
  });
});

describe('a cluster that starts', () => {
  it('has what every cluster has', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    const { client, signal } = cluster;
    const names = async (
      list: Promise<{ readonly items: readonly { readonly metadata: { readonly name: string } }[] }>,
    ): Promise<string[]> => (await list).items.map(({ metadata }) => metadata.name);
    expect(await names(client.list(corev1Resources.namespaces, { signal }))).toEqual([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    expect(await names(client.list(corev1Resources.nodes, { signal }))).toEqual(['node-1', 'node-2']);
    expect(await names(client.list(schedulingv1Resources.priorityclasses, { signal }))).toEqual([
      'system-cluster-critical',
      'system-node-critical',
    ]);
    expect(await names(client.list(corev1Resources.services, { namespace, signal }))).toEqual(['kubernetes']);
  });
});

describe('an idle cluster', () => {
  it('writes heartbeats and nothing else', async () => {
    const writes = new Map<string, number>();
    await using cluster = await startCluster({
      clock: new VirtualClock(),
      nodes: 3,
      onChange: ({ key }) => {
        const kind = key.split('/').slice(2, -1).join('/');
        writes.set(kind, (writes.get(kind) ?? 0) + 1);
      },
    });
    await createDeployment(cluster, 'web', { replicas: 6 });
    await untilRolledOut(cluster, 'web');
    // Until the events of the beginning are gone.
    await cluster.advance(70 * minute);
    writes.clear();
    await cluster.advance(60 * minute);
    expect(Object.fromEntries(writes)).toEqual({ 'coordination.k8s.io/leases/kube-node-lease': 3 * 360, nodes: 3 * 12 });
  });
});
