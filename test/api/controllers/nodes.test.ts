import { describe, expect, it } from 'vitest';
import { coordinationv1Resources, type corev1, corev1Resources, isApiError } from '../../../src/api/index.ts';
import { formatMicroTime, formatTime } from '../../../src/base/index.ts';
import { startWorld, type World } from './world.ts';

const lifecycle = ['node-lifecycle-controller'];

/** Says what a kubelet says: conditions once, then a lease every ten seconds while `alive` holds. */
async function heartbeat(world: World, name: string, options: { alive?: () => boolean; ready?: string } = {}): Promise<void> {
  const { client, clock, signal } = world;
  const { alive = () => true, ready = 'True' } = options;
  const now = formatTime(clock.now());
  const conditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    type,
    status: type === 'Ready' ? ready : 'False',
    reason: 'Kubelet',
    message: 'from the kubelet',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  }));
  const patch = { type: 'application/strategic-merge-patch+json', body: { status: { conditions } }, subresource: 'status' } as const;
  await client.patch(corev1Resources.nodes, { name }, patch, { signal });
  const metadata = { name, namespace: 'kube-node-lease' };
  const spec = (): { renewTime: string; holderIdentity: string; leaseDurationSeconds: number } => ({
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: formatMicroTime(clock.now()),
  });
  try {
    await client.create(
      coordinationv1Resources.leases,
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: spec() },
      { signal },
    );
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  }
  const renew = (): void => {
    if (signal.aborted || !alive()) return;
    const body = { spec: spec() };
    void client.patch(coordinationv1Resources.leases, metadata, { type: 'application/merge-patch+json', body }, { signal }).catch(() => {});
    clock.setTimer(10_000, renew);
  };
  renew();
}

async function podOn(
  world: World,
  name: string,
  options: { node?: string; tolerations?: readonly corev1.Toleration[] } = {},
): Promise<corev1.Pod> {
  const { node, tolerations } = options;
  const spec = { containers: [{ name: 'c', image: 'i' }], ...(node && { nodeName: node }), ...(tolerations && { tolerations }) };
  return world.client.create(
    corev1Resources.pods,
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec },
    { signal: world.signal },
  );
}

const taintsOf = ({ spec }: corev1.Node): string[] => (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
const conditionsOf = ({ status }: corev1.Node): string[] =>
  (status.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);
const podNames = async (world: World): Promise<string> =>
  (await world.list(corev1Resources.pods))
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(' ');

describe('the node life cycle', () => {
  it('leaves a node alone that renews its lease, whatever the hour', async () => {
    await using world = await startWorld({ only: lifecycle });
    await world.addNode('n1', { 'kubernetes.io/os': 'linux' });
    await heartbeat(world, 'n1');
    await world.clock.advance(3_600_000);
    const node = await world.get(corev1Resources.nodes, 'n1');
    expect(conditionsOf(node)).toContain('Ready=True Kubelet');
    expect(taintsOf(node)).toEqual([]);
    expect(node.metadata.labels).toMatchObject({ 'beta.kubernetes.io/os': 'linux' });
    expect(await world.events('n1')).toEqual(['RegisteredNode: Node n1 event: Registered Node n1 in Controller']);
  });

  it('finds a silent node after the grace period, taints it and marks its pods', async () => {
    await using world = await startWorld({ only: lifecycle });
    let alive = true;
    for (const name of ['n1', 'n2', 'n3']) await world.addNode(name);
    await heartbeat(world, 'n1', { alive: () => alive });
    await heartbeat(world, 'n2');
    await heartbeat(world, 'n3');
    await podOn(world, 'p', { node: 'n1' });
    await world.clock.advance(30_000);
    alive = false;
    const silentMs = world.clock.now();
    await world.until('it is Unknown', async () =>
      conditionsOf(await world.get(corev1Resources.nodes, 'n1')).includes('Ready=Unknown NodeStatusUnknown'),
    );
    const tookMs = world.clock.now() - silentMs;
    expect(tookMs).toBeGreaterThanOrEqual(40_000);
    expect(tookMs).toBeLessThanOrEqual(56_000);
    await world.clock.advance(15_000);
    const node = await world.get(corev1Resources.nodes, 'n1');
    expect(taintsOf(node)).toEqual(['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']);
    expect(node.status.conditions?.[0]?.message).toBe('Kubelet stopped posting node status.');
    const pod = await world.get(corev1Resources.pods, 'p');
    expect(pod.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    expect(await world.events('p')).toEqual(['NodeNotReady: Node is not ready']);
    expect(await world.events('n1')).toContain('NodeNotReady: Node n1 status is now: NodeNotReady');
    alive = true;
    await heartbeat(world, 'n1');
    const metrics = await world.registry.metrics();
    for (const line of ['node_collector_zone_size{zone=""} 3', 'node_collector_unhealthy_nodes_in_zone{zone=""} 1']) {
      expect(metrics).toContain(line);
    }
    expect(metrics).toContain('node_collector_evictions_total{zone=""} 1');
    await world.until('its taints are gone', async () => taintsOf(await world.get(corev1Resources.nodes, 'n1')).length === 0, 30_000);
  });

  it('says of a node that never spoke that it never did', async () => {
    await using world = await startWorld({ only: lifecycle });
    await world.addNode('n1');
    await world.addNode('n2');
    await heartbeat(world, 'n2');
    await world.clock.advance(50_000);
    expect(taintsOf(await world.get(corev1Resources.nodes, 'n1'))).toEqual([]);
    await world.until('it is Unknown', async () => conditionsOf(await world.get(corev1Resources.nodes, 'n1')).length === 4, 70_000);
    expect(conditionsOf(await world.get(corev1Resources.nodes, 'n1'))[0]).toBe('Ready=Unknown NodeStatusNeverUpdated');
  });

  it('taints by condition, and by cordon', async () => {
    await using world = await startWorld({ only: lifecycle });
    await world.addNode('n1');
    await world.addNode('n2');
    await heartbeat(world, 'n2');
    await heartbeat(world, 'n1', { ready: 'False' });
    const { client, signal } = world;
    await client.patch(
      corev1Resources.nodes,
      { name: 'n1' },
      { type: 'application/merge-patch+json', body: { spec: { unschedulable: true } } },
      { signal },
    );
    await world.clock.advance(20_000);
    expect(taintsOf(await world.get(corev1Resources.nodes, 'n1'))).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
    await client.patch(
      corev1Resources.nodes,
      { name: 'n1' },
      { type: 'application/merge-patch+json', body: { spec: { unschedulable: null } } },
      { signal },
    );
    await heartbeat(world, 'n1');
    await world.clock.advance(20_000);
    expect(taintsOf(await world.get(corev1Resources.nodes, 'n1'))).toEqual([]);
  });

  it('evicts nobody when every node is silent', async () => {
    await using world = await startWorld({ only: lifecycle });
    let alive = true;
    for (const name of ['n1', 'n2']) {
      await world.addNode(name);
      await heartbeat(world, name, { alive: () => alive });
    }
    await world.clock.advance(20_000);
    alive = false;
    await world.clock.advance(300_000);
    for (const name of ['n1', 'n2'])
      expect(taintsOf(await world.get(corev1Resources.nodes, name))).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
  });
});

describe('taint eviction', () => {
  it('deletes pods when their toleration ends, at once without one, never with an endless one', async () => {
    await using world = await startWorld({ only: ['taint-eviction-controller'] });
    await world.addNode('n1');
    const tolerate = (tolerationSeconds?: number): corev1.Toleration[] => [
      { key: 'bad', operator: 'Exists', effect: 'NoExecute', ...(tolerationSeconds !== undefined && { tolerationSeconds }) },
    ];
    await podOn(world, 'none', { node: 'n1' });
    await podOn(world, 'some', { node: 'n1', tolerations: tolerate(60) });
    await podOn(world, 'saved', { node: 'n1', tolerations: tolerate(200) });
    await podOn(world, 'endless', { node: 'n1', tolerations: tolerate() });
    const { client, signal } = world;
    const taint = (taints: unknown): Promise<unknown> =>
      client.patch(corev1Resources.nodes, { name: 'n1' }, { type: 'application/merge-patch+json', body: { spec: { taints } } }, { signal });
    await world.clock.advance(5_000);
    await taint([{ key: 'bad', effect: 'NoExecute' }]);
    await world.clock.advance(50);
    const leaving = await world.get(corev1Resources.pods, 'none');
    expect(leaving.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    });
    expect(await world.events('none')).toEqual(['TaintManagerEviction: Marking for deletion Pod default/none']);
    await world.clock.advance(58_000);
    expect(await podNames(world)).toBe('endless saved some');
    await world.clock.advance(4_000);
    expect(await podNames(world)).toBe('endless saved');
    await taint(null);
    await world.clock.advance(300_000);
    expect(await podNames(world)).toBe('endless saved');
    expect(await world.registry.metrics()).toContain('taint_eviction_controller_pod_deletions_total 2');
    expect(await world.events('saved')).toEqual(['TaintManagerEviction: Cancelling deletion of Pod default/saved']);
  });
});

describe('pod garbage collection', () => {
  const only = ['pod-garbage-collector-controller'];

  it('ends pods whose node is gone, after a quarantine', async () => {
    await using world = await startWorld({ only });
    await world.addNode('n1');
    await podOn(world, 'stays', { node: 'n1' });
    await podOn(world, 'lost', { node: 'gone' });
    await world.clock.advance(35_000);
    expect(await podNames(world)).toBe('lost stays');
    await world.clock.advance(30_000);
    expect(await podNames(world)).toBe('stays');
  });

  it('says of pods that ran why they ended, and nothing of those that had ended', async () => {
    await using world = await startWorld({ only, readyAfterMs: undefined });
    const held = async (name: string, phase: string): Promise<void> => {
      const pod = await podOn(world, name, { node: 'gone' });
      const { client, signal } = world;
      const body = { metadata: { finalizers: ['example.com/hold'] } };
      await client.patch(corev1Resources.pods, pod.metadata, { type: 'application/merge-patch+json', body }, { signal });
      const status = { type: 'application/merge-patch+json', body: { status: { phase } }, subresource: 'status' } as const;
      await client.patch(corev1Resources.pods, pod.metadata, status, { signal });
    };
    await held('ran', 'Running');
    await held('ended', 'Succeeded');
    await world.clock.advance(65_000);
    const ran = await world.get(corev1Resources.pods, 'ran');
    expect(ran.status.phase).toBe('Failed');
    expect(ran.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    });
    const ended = await world.get(corev1Resources.pods, 'ended');
    expect(ended.status.phase).toBe('Succeeded');
    expect((ended.status.conditions ?? []).map(({ type }) => type)).not.toContain('DisruptionTarget');
    expect(await world.registry.metrics()).toContain('pod_gc_collector_force_delete_pods_total{namespace="default",reason="orphaned"}');
  });

  it('keeps as many ended pods as its threshold', async () => {
    await using world = await startWorld({ only, podGc: { terminatedThreshold: 2 }, readyAfterMs: undefined });
    await world.addNode('n1');
    for (let i = 0; i < 4; i++) {
      const pod = await podOn(world, `p${i}`, { node: 'n1' });
      const patch = { type: 'application/merge-patch+json', body: { status: { phase: 'Succeeded' } }, subresource: 'status' } as const;
      await world.client.patch(corev1Resources.pods, pod.metadata, patch, { signal: world.signal });
      await world.clock.advance(1_000);
    }
    await world.clock.advance(25_000);
    expect(await podNames(world)).toBe('p2 p3');
  });
});

describe('node addresses', () => {
  it('are one range a node, given back when the node goes', async () => {
    await using world = await startWorld({ only: ['node-ipam-controller'], nodeIpam: { clusterCidrs: ['10.244.0.0/23'] } });
    const cidrs = async (): Promise<(string | undefined)[]> => (await world.list(corev1Resources.nodes)).map(({ spec }) => spec.podCIDR);
    await world.addNode('n1');
    await world.addNode('n2');
    await world.until('both have one', async () => (await cidrs()).every(Boolean));
    expect(new Set(await cidrs())).toEqual(new Set(['10.244.0.0/24', '10.244.1.0/24']));
    await world.addNode('n3');
    await world.clock.advance(1_000);
    expect(await world.events('n3')).toEqual(['CIDRNotAvailable: Node n3 status is now: CIDRNotAvailable']);
    const freed = (await world.get(corev1Resources.nodes, 'n1')).spec.podCIDR;
    await world.client.delete(corev1Resources.nodes, { name: 'n1' }, { signal: world.signal });
    await world.until(
      'the third has the range of the first',
      async () => (await world.get(corev1Resources.nodes, 'n3')).spec.podCIDR === freed,
    );
  });
});
