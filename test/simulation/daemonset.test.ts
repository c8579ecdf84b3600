import { describe, expect, it } from 'vitest';
import { appsv1Resources, type corev1, corev1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { eventsOf, find, get, imageOf, isDeleting, isReady, namespace, patch, podsOf } from './objects.ts';
import {
  createDaemonSet,
  getDaemonSet,
  mortalController,
  PodStory,
  readinessGates,
  revisionsOf,
  setHealth,
  setImageOf,
  untilDaemonSetDone,
} from './sets.ts';

const second = 1_000;
const minute = 60 * second;
const setImage = (cluster: Cluster, image: string): Promise<void> => setImageOf(cluster, appsv1Resources.daemonsets, 'agent', image);
/** A daemon's pod has a name of chance: it is told by its node. */
const byNode = ({ spec }: corev1.Pod): string => spec.nodeName ?? 'unplaced';
/** `NODE IMAGE` of pods that are not going, by node. */
const placesOf = async (cluster: Cluster): Promise<string[]> =>
  (await podsOf(cluster, 'agent')).flatMap((pod) => (isDeleting(pod) ? [] : [`${byNode(pod)} ${imageOf(pod)}`])).toSorted();
const taint = (cluster: Cluster, node: string, taints: readonly corev1.Taint[]): Promise<unknown> =>
  cluster.client.patch(
    corev1Resources.nodes,
    { name: node },
    { type: 'application/merge-patch+json', body: { spec: { taints } } },
    { signal: cluster.signal },
  );
const rolling = (maxUnavailable: number, maxSurge: number): object => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
});

describe('a DaemonSet', () => {
  it('has a pod on every node, and updates them one after the other', async () => {
    const story = new PodStory(byNode);
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 3, onChange: story.record });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    expect(await placesOf(cluster)).toEqual(['node-1 app:1', 'node-2 app:1', 'node-3 app:1']);
    story.take();
    await setImage(cluster, 'app:2');
    await untilDaemonSetDone(cluster, 'agent');
    expect(story.take().filter((line) => !line.startsWith('unplaced'))).toEqual([
      'node-1 app:1 going',
      'node-1 gone',
      'node-1 app:2 Pending',
      'node-1 app:2 ready',
      'node-2 app:1 going',
      'node-2 gone',
      'node-2 app:2 Pending',
      'node-2 app:2 ready',
      'node-3 app:1 going',
      'node-3 gone',
      'node-3 app:2 Pending',
      'node-3 app:2 ready',
    ]);
    expect((await getDaemonSet(cluster, 'agent')).status).toEqual({
      observedGeneration: 2,
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
    });
    expect((await revisionsOf(cluster, 'agent')).map(({ revision }) => revision)).toEqual([1, 2]);
    const events = (await eventsOf(cluster, 'agent')).map(({ reason, source }) => `${source?.component} ${reason}`);
    expect(new Set(events)).toEqual(new Set(['daemonset-controller SuccessfulCreate', 'daemonset-controller SuccessfulDelete']));
  });

  it('makes the new pod before the old one goes with surge', async () => {
    const story = new PodStory(byNode);
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, onChange: story.record });
    await createDaemonSet(cluster, 'agent', { spec: rolling(0, 1) });
    await untilDaemonSetDone(cluster, 'agent');
    story.take();
    await setImage(cluster, 'app:2');
    await untilDaemonSetDone(cluster, 'agent');
    await cluster.until('old pods are gone', async () => (await podsOf(cluster, 'agent')).length === 2);
    const lines = story.take();
    for (const node of ['node-1', 'node-2']) {
      expect(lines.indexOf(`${node} app:2 ready`)).toBeLessThan(lines.indexOf(`${node} app:1 going`));
    }
    // One at a time.
    expect(lines.indexOf('node-1 app:1 going')).toBeLessThan(lines.indexOf('node-2 app:2 Pending'));
  });

  it('stops an update whose pods do not become well, and goes back', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 3 });
    await createDaemonSet(cluster, 'agent', { pod: { readinessGates } });
    await cluster.until('pods are there', async () => (await podsOf(cluster, 'agent')).length === 3);
    for (const { metadata } of await podsOf(cluster, 'agent')) await setHealth(cluster, metadata.name, true);
    await untilDaemonSetDone(cluster, 'agent');
    const before = new Set((await podsOf(cluster, 'agent')).map(({ metadata }) => metadata.uid));
    await setImage(cluster, 'app:bad');
    await cluster.advance(30 * minute);
    expect(await placesOf(cluster)).toEqual(['node-1 app:bad', 'node-2 app:1', 'node-3 app:1']);
    expect((await getDaemonSet(cluster, 'agent')).status).toMatchObject({
      numberAvailable: 2,
      numberUnavailable: 1,
      updatedNumberScheduled: 1,
    });
    await setImage(cluster, 'app:1');
    await cluster.until(
      'the bad one is replaced',
      async () => (await placesOf(cluster)).join(' ') === 'node-1 app:1 node-2 app:1 node-3 app:1',
    );
    const kept = (await podsOf(cluster, 'agent')).filter(({ metadata }) => before.has(metadata.uid));
    expect(kept).toHaveLength(2);
    expect((await revisionsOf(cluster, 'agent')).map(({ revision }) => revision)).toEqual([2, 3]);
  });

  it('leaves updates to the user with OnDelete', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDaemonSet(cluster, 'agent', { spec: { updateStrategy: { type: 'OnDelete' } } });
    await untilDaemonSetDone(cluster, 'agent');
    await setImage(cluster, 'app:2');
    await cluster.advance(10 * minute);
    expect(await placesOf(cluster)).toEqual(['node-1 app:1', 'node-2 app:1']);
    const { metadata } = (await podsOf(cluster, 'agent')).find(({ spec }) => spec.nodeName === 'node-2')!;
    await cluster.client.delete(corev1Resources.pods, metadata, { signal: cluster.signal });
    await cluster.until('it is new', async () => (await placesOf(cluster)).join(' ') === 'node-1 app:1 node-2 app:2');
  });
});

describe('the nodes of a DaemonSet', () => {
  it('get a pod when they come, and lose it when they are not wanted any more', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    await cluster.addNode();
    await cluster.until('it is on both', async () => (await placesOf(cluster)).length === 2);
    // A taint keeps new ones away; one that is there stays.
    await taint(cluster, 'node-2', [{ key: 'mine', effect: 'NoSchedule' }]);
    await cluster.until('it is misplaced', async () => (await getDaemonSet(cluster, 'agent')).status.numberMisscheduled === 1);
    expect((await placesOf(cluster)).length).toBe(2);
    const { metadata } = (await podsOf(cluster, 'agent')).find(({ spec }) => spec.nodeName === 'node-2')!;
    await cluster.client.delete(corev1Resources.pods, metadata, { signal: cluster.signal });
    await cluster.advance(minute);
    expect(await placesOf(cluster)).toEqual(['node-1 app:1']);
    await taint(cluster, 'node-2', []);
    await cluster.until('it is back', async () => (await placesOf(cluster)).length === 2);
    await taint(cluster, 'node-2', [{ key: 'mine', effect: 'NoExecute' }]);
    await cluster.until('it is gone', async () => (await placesOf(cluster)).length === 1);
  });

  it('keep their pods while they are silent', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    await cluster.nodes[1]!.powerOff();
    await cluster.advance(60 * minute);
    // It tolerates what befalls nodes, so nobody evicts it; it only is not ready.
    expect(await placesOf(cluster)).toEqual(['node-1 app:1', 'node-2 app:1']);
    expect((await podsOf(cluster, 'agent')).filter(isReady)).toHaveLength(1);
    // The taint of a silent node keeps new ones away: it counts as a node where no pod should be, as upstream.
    expect((await getDaemonSet(cluster, 'agent')).status).toMatchObject({
      desiredNumberScheduled: 1,
      numberReady: 1,
      numberMisscheduled: 1,
    });
    await cluster.client.delete(corev1Resources.nodes, { name: 'node-2' }, { signal: cluster.signal });
    await cluster.until('nothing is misplaced', async () => (await getDaemonSet(cluster, 'agent')).status.numberMisscheduled === 0);
    await cluster.until('its pod is collected', async () => (await podsOf(cluster, 'agent')).length === 1);
  });

  it('are chosen by labels', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 3 });
    await createDaemonSet(cluster, 'agent', { pod: { nodeSelector: { disk: 'ssd' } } });
    await cluster.advance(minute);
    expect(await placesOf(cluster)).toEqual([]);
    expect((await getDaemonSet(cluster, 'agent')).status).toMatchObject({ observedGeneration: 1, desiredNumberScheduled: 0 });
    await patch(cluster, corev1Resources.nodes, 'node-2', { metadata: { labels: { disk: 'ssd' } } });
    await cluster.until('it is there', async () => (await placesOf(cluster)).join() === 'node-2 app:1');
    await patch(cluster, corev1Resources.nodes, 'node-2', { metadata: { labels: { disk: 'hdd' } } });
    await cluster.until('it is gone', async () => (await podsOf(cluster, 'agent')).length === 0);
  });
});

describe('a daemon pod that failed', () => {
  it('is replaced ever less often', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock, nodes: 1 });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    // The test speaks for the kubelet, which would not say so of a pod that is well.
    await cluster.nodes[0]!.stopKubelet();
    const way = { type: 'application/merge-patch+json', body: { status: { phase: 'Failed' } }, subresource: 'status' } as const;
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const [pod] = await podsOf(cluster, 'agent');
      await cluster.client.patch(corev1Resources.pods, pod!.metadata, way, { signal: cluster.signal });
      const failedMs = clock.now();
      await cluster.until('another is there', async () => {
        const [next] = await podsOf(cluster, 'agent');
        return next !== undefined && next.metadata.uid !== pod!.metadata.uid;
      });
      waits.push(Math.round((clock.now() - failedMs) / second));
    }
    expect(waits).toEqual([0, 1, 2, 4, 8]);
    const messages = (await eventsOf(cluster, 'agent')).filter(({ reason }) => reason === 'FailedDaemonPod').map(({ message }) => message);
    expect(messages[0]).toMatch(/^Found failed daemon pod default\/agent-\w{5} on node node-1, will try to kill it$/);
  });
});

describe('a DaemonSet left to itself', () => {
  it('keeps its pods when it is deleted with orphans, and takes them when it is made again', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    const uids = async (): Promise<string[]> => (await podsOf(cluster, 'agent')).map(({ metadata }) => metadata.uid).toSorted();
    const before = await uids();
    const body = { propagationPolicy: 'Orphan' };
    await cluster.client.delete(appsv1Resources.daemonsets, { namespace, name: 'agent' }, { signal: cluster.signal, body });
    await cluster.until('it is gone', async () => (await find(cluster, appsv1Resources.daemonsets, 'agent')) === undefined);
    await cluster.advance(minute);
    expect(await uids()).toEqual(before);
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    expect(await uids()).toEqual(before);
    const pod = await get(cluster, corev1Resources.pods, (await podsOf(cluster, 'agent'))[0]!.metadata.name);
    expect(pod.metadata.ownerReferences?.[0]?.uid).toBe((await getDaemonSet(cluster, 'agent')).metadata.uid);
    expect((await revisionsOf(cluster, 'agent')).map(({ revision }) => revision)).toEqual([1]);
  });

  it('goes with all that is its own when it is deleted in the foreground', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDaemonSet(cluster, 'agent');
    await untilDaemonSetDone(cluster, 'agent');
    const body = { propagationPolicy: 'Foreground' };
    await cluster.client.delete(appsv1Resources.daemonsets, { namespace, name: 'agent' }, { signal: cluster.signal, body });
    await cluster.until('it is gone', async () => (await find(cluster, appsv1Resources.daemonsets, 'agent')) === undefined);
    expect(await podsOf(cluster, 'agent')).toEqual([]);
    expect(await revisionsOf(cluster, 'agent')).toEqual([]);
  });

  it('comes to the same end wherever its controller dies', async () => {
    for (let write = 1; write <= 12; write++) {
      for (const sent of [false, true]) {
        const only = ['*', '-daemonset-controller'];
        await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, controllers: { only } });
        await using process = mortalController(cluster, 'daemonset-controller');
        process.start({ write, sent });
        await createDaemonSet(cluster, 'agent');
        const places = (image: string): Promise<void> =>
          cluster.until(`all are ${image}`, async () => {
            process.start();
            const pods = await podsOf(cluster, 'agent');
            return pods.length === 2 && pods.every((pod) => isReady(pod) && imageOf(pod) === image);
          });
        await places('app:1');
        await setImage(cluster, 'app:2');
        await places('app:2');
        expect(await placesOf(cluster)).toEqual(['node-1 app:2', 'node-2 app:2']);
        expect((await revisionsOf(cluster, 'agent')).map(({ revision }) => revision)).toEqual([1, 2]);
      }
    }
  });
});
