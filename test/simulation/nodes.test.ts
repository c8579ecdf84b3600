import { describe, expect, it } from 'vitest';
import { coordinationv1Resources, type corev1, corev1Resources, getCondition } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import {
  createDeployment,
  createPod,
  eventsOf,
  find,
  get,
  getPod,
  isDeleting,
  isReady,
  namespace,
  patch,
  podsOf,
  untilRolledOut,
} from './objects.ts';

const second = 1_000;
const minute = 60 * second;

const getNode = (cluster: Cluster, name: string): Promise<corev1.Node> => get(cluster, corev1Resources.nodes, name);
const readyOf = ({ status }: corev1.Node): string | undefined => getCondition(status?.conditions, 'Ready')?.status;
const taintsOf = ({ spec }: corev1.Node): string[] => (spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).toSorted();

describe('a node that falls silent', () => {
  it('is unknown after 50 s, loses its pods 300 s later, and they run elsewhere', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock, nodes: 3 });
    await createDeployment(cluster, 'web', { replicas: 3 });
    await untilRolledOut(cluster, 'web');
    const [victim] = await podsOf(cluster, 'web');
    const name = victim!.spec.nodeName!;
    const node = cluster.nodes.find((each) => each.name === name)!;
    const lease = await cluster.client.get(
      coordinationv1Resources.leases,
      { namespace: 'kube-node-lease', name },
      { signal: cluster.signal },
    );
    const heardMs = Date.parse(lease.spec?.renewTime ?? '');
    await node.stopKubelet();

    await cluster.until('the node is unknown', async () => readyOf(await getNode(cluster, name)) === 'Unknown');
    const unknownMs = clock.now();
    // Heard of at a look, missed at a look; one every 5 s.
    expect(unknownMs - heardMs).toBeGreaterThan(50 * second);
    expect(unknownMs - heardMs).toBeLessThanOrEqual(60 * second);
    expect(getCondition((await getNode(cluster, name)).status?.conditions, 'Ready')).toMatchObject({
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(isReady(await getPod(cluster, victim!.metadata.name))).toBe(false);
    await cluster.until('it is tainted', async () => taintsOf(await getNode(cluster, name)).length === 2);
    expect(taintsOf(await getNode(cluster, name))).toEqual([
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/unreachable:NoSchedule',
    ]);
    const taintedMs = clock.now();
    expect(taintedMs - unknownMs).toBeLessThanOrEqual(10 * second);

    await cluster.until('its pod is evicted', async () => isDeleting(await getPod(cluster, victim!.metadata.name)));
    expect(clock.now() - taintedMs).toBe(300 * second);
    expect((await eventsOf(cluster, victim!.metadata.name)).map(({ reason }) => reason)).toContain('TaintManagerEviction');
    await cluster.until('three others are ready', async () => (await podsOf(cluster, 'web')).filter(isReady).length === 3);

    // Nobody there can say that the pod has ended, so it stays, as upstream.
    await cluster.advance(30 * minute);
    expect((await podsOf(cluster, 'web')).filter(isDeleting)).toHaveLength(1);

    await node.startKubelet();
    await cluster.until('the node is back and its old pod gone', async () => {
      const current = await getNode(cluster, name);
      return readyOf(current) === 'True' && taintsOf(current).length === 0 && (await podsOf(cluster, 'web')).length === 3;
    });
    const call = { signal: cluster.signal };
    const running = (await node.runtime.runtime.listContainers({}, call)).filter(({ state }) => state === 'running');
    const assigned = (await podsOf(cluster, 'web')).filter(({ spec }) => spec.nodeName === name);
    expect(running).toHaveLength(assigned.length);
  });

  it('keeps its pods when it comes back within five minutes', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDeployment(cluster, 'web', { replicas: 2 });
    await untilRolledOut(cluster, 'web');
    const before = (await podsOf(cluster, 'web')).map(({ metadata }) => metadata.uid).toSorted();
    await cluster.nodes[0]!.stopKubelet();
    await cluster.until('the node is unknown', async () => readyOf(await getNode(cluster, 'node-1')) === 'Unknown');
    await cluster.advance(4 * minute);
    await cluster.nodes[0]!.startKubelet();
    await cluster.until('everything is ready', async () => (await podsOf(cluster, 'web')).every(isReady));
    await cluster.advance(10 * minute);
    const after = await podsOf(cluster, 'web');
    expect(after.map(({ metadata }) => metadata.uid).toSorted()).toEqual(before);
    expect(after.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
  });

  it('restarts the containers of its pods when it lost its power', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createPod(cluster, 'web');
    await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'web')));
    const { uid } = (await getPod(cluster, 'web')).metadata;
    await cluster.nodes[0]!.powerOff();
    await cluster.advance(minute);
    await cluster.nodes[0]!.startKubelet();
    await cluster.until('the pod runs again', async () => {
      const { status } = await getPod(cluster, 'web');
      return status?.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].ready;
    });
    expect((await getPod(cluster, 'web')).metadata.uid).toBe(uid);
  });

  it('lets go of deleted pods only when its Node object is deleted', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createPod(cluster, 'web', { nodeName: 'node-2' });
    await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'web')));
    await cluster.nodes[1]!.powerOff();
    await cluster.client.delete(corev1Resources.pods, { namespace, name: 'web' }, { signal: cluster.signal });
    await cluster.advance(20 * minute);
    expect(isDeleting(await getPod(cluster, 'web'))).toBe(true);
    const deletedMs = cluster.clock.now();
    await cluster.client.delete(corev1Resources.nodes, { name: 'node-2' }, { signal: cluster.signal });
    await cluster.until('the pod is collected', async () => (await find(cluster, corev1Resources.pods, 'web')) === undefined);
    // Missed at one look, gone 40 s later; a look every 20 s.
    expect(cluster.clock.now() - deletedMs).toBeGreaterThanOrEqual(40 * second);
    expect(cluster.clock.now() - deletedMs).toBeLessThanOrEqual(60 * second);
  });

  it('does not lose pods at all when every node of the cluster is silent', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDeployment(cluster, 'web', { replicas: 2 });
    await untilRolledOut(cluster, 'web');
    for (const node of cluster.nodes) await node.stopKubelet();
    await cluster.advance(30 * minute);
    expect((await podsOf(cluster, 'web')).filter(isDeleting)).toEqual([]);
  });
});

describe('a node that is well', () => {
  it('tells that it was cordoned and opened again, once each', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), node: { kubelet: { nodeStatusUpdateMs: 10 * second } } });
    for (const unschedulable of [true, false]) {
      await patch(cluster, corev1Resources.nodes, 'node-1', { spec: { unschedulable } });
      await cluster.advance(minute);
    }
    const messages = (await eventsOf(cluster, 'node-1')).map(({ message }) => message ?? '');
    expect(messages.filter((message) => message.endsWith('Schedulable'))).toEqual([
      'Node node-1 status is now: NodeNotSchedulable',
      'Node node-1 status is now: NodeSchedulable',
    ]);
  });

  it('gives addresses again that pods have given back', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createDeployment(cluster, 'web', { replicas: 50 });
    await untilRolledOut(cluster, 'web');
    for (let round = 0; round < 6; round++) {
      await cluster.client.deleteCollection(corev1Resources.pods, { namespace, signal: cluster.signal });
      await cluster.advance(5 * second);
      await untilRolledOut(cluster, 'web', minute);
    }
    const addresses = (await podsOf(cluster, 'web')).map(({ status }) => status?.podIP ?? '');
    expect(new Set(addresses).size).toBe(50);
    for (const address of addresses) expect(Number(/^10\.244\.0\.(\d+)$/.exec(address)?.[1])).toBeLessThan(255);
  });

  it('renews its lease every 10 s, and writes an unchanged status every 5 minutes', async () => {
    const renewals: number[] = [];
    const reports: number[] = [];
    await using cluster = await startCluster({
      clock: new VirtualClock(),
      node: { kubelet: { nodeStatusUpdateMs: 10 * second } },
      onChange: ({ key, timeMs }) => {
        if (key.endsWith('/leases/kube-node-lease/node-1')) renewals.push(timeMs);
        if (key.endsWith('/nodes/node-1')) reports.push(timeMs);
      },
    });
    await cluster.advance(minute);
    const [firstRenewal, firstReport] = [renewals.length, reports.length];
    await cluster.advance(60 * minute);
    expect(renewals.slice(firstRenewal)).toHaveLength(360);
    expect(reports.slice(firstReport)).toHaveLength(12);
  });
});
