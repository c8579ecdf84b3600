import { describe, expect, it } from 'vitest';
import { appsv1Resources, type corev1, corev1Resources } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { eventsOf, find, getPod, imageOf, isReady, namespace, patch, podsOf } from './objects.ts';
import {
  createStatefulSet,
  getStatefulSet,
  isStatefulSetDone,
  mortalController,
  PodStory,
  podsByName,
  readinessGates,
  revisionsOf,
  setHealth,
  setImageOf,
  untilStatefulSetDone,
} from './sets.ts';

const second = 1_000;
const minute = 60 * second;
const scale = (cluster: Cluster, replicas: number): Promise<unknown> =>
  patch(cluster, appsv1Resources.statefulsets, 'web', { spec: { replicas } });
const setImage = (cluster: Cluster, image: string): Promise<void> => setImageOf(cluster, appsv1Resources.statefulsets, 'web', image);
const imagesOf = async (cluster: Cluster): Promise<string[]> =>
  [...(await podsByName(cluster, 'web')).values()].map((pod) => imageOf(pod)!);

describe('a StatefulSet', () => {
  it('makes its pods one after the other, and updates them from the last to the first', async () => {
    const story = new PodStory();
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, onChange: story.record });
    await createStatefulSet(cluster, 'web');
    await untilStatefulSetDone(cluster, 'web');
    expect(story.take()).toEqual([
      'web-0 app:1 Pending',
      'web-0 app:1 ready',
      'web-1 app:1 Pending',
      'web-1 app:1 ready',
      'web-2 app:1 Pending',
      'web-2 app:1 ready',
    ]);
    const { metadata, spec } = await getPod(cluster, 'web-1');
    expect(metadata.labels).toEqual({
      app: 'web',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': 'web-5f5678cd86',
      'statefulset.kubernetes.io/pod-name': 'web-1',
    });
    expect([metadata.generateName, spec.hostname, spec.subdomain]).toEqual(['web-', 'web-1', 'web']);
    await setImage(cluster, 'app:2');
    await untilStatefulSetDone(cluster, 'web');
    expect(story.take()).toEqual([
      'web-2 app:1 going',
      'web-2 gone',
      'web-2 app:2 Pending',
      'web-2 app:2 ready',
      'web-1 app:1 going',
      'web-1 gone',
      'web-1 app:2 Pending',
      'web-1 app:2 ready',
      'web-0 app:1 going',
      'web-0 gone',
      'web-0 app:2 Pending',
      'web-0 app:2 ready',
    ]);
    const { observedGeneration, ...status } = (await getStatefulSet(cluster, 'web')).status;
    expect(status).toEqual({
      availableReplicas: 3,
      collisionCount: 0,
      currentReplicas: 3,
      currentRevision: 'web-5c6db89f49',
      readyReplicas: 3,
      replicas: 3,
      updateRevision: 'web-5c6db89f49',
      updatedReplicas: 3,
    });
    expect(observedGeneration).toBe(2);
    const revisions = (await revisionsOf(cluster, 'web')).map(({ metadata: { name }, revision }) => `${revision} ${name}`);
    expect(revisions).toEqual(['1 web-5f5678cd86', '2 web-5c6db89f49']);
    const events = (await eventsOf(cluster, 'web')).map(({ reason, message, source }) => `${source?.component} ${reason} ${message}`);
    expect(events).toContain('statefulset-controller SuccessfulCreate create Pod web-2 in StatefulSet web successful');
    expect(events).toContain('statefulset-controller SuccessfulDelete delete Pod web-2 in StatefulSet web successful');
  });

  it('goes back to a revision that it had under a new number', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await createStatefulSet(cluster, 'web', { replicas: 1 });
    await untilStatefulSetDone(cluster, 'web');
    const [first] = await revisionsOf(cluster, 'web');
    for (const image of ['app:2', 'app:1']) {
      await setImage(cluster, image);
      await untilStatefulSetDone(cluster, 'web');
    }
    const revisions = await revisionsOf(cluster, 'web');
    expect(revisions.map(({ revision }) => revision)).toEqual([2, 3]);
    expect(revisions[1]!.metadata.name).toBe(first!.metadata.name);
    expect((await getStatefulSet(cluster, 'web')).status.currentRevision).toBe(first!.metadata.name);
  });

  it('keeps as many old revisions as it is told', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await createStatefulSet(cluster, 'web', { replicas: 1, spec: { revisionHistoryLimit: 2 } });
    for (const image of ['app:1', 'app:2', 'app:3', 'app:4', 'app:5']) {
      await setImage(cluster, image);
      await untilStatefulSetDone(cluster, 'web');
    }
    await cluster.until('old revisions are gone', async () => (await revisionsOf(cluster, 'web')).length === 3);
    expect((await revisionsOf(cluster, 'web')).map(({ revision }) => revision)).toEqual([3, 4, 5]);
  });

  it('updates only what is at or above the partition, also when pods are lost', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    const partition = (from: number): object => ({
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: from } } },
    });
    await createStatefulSet(cluster, 'web', {
      replicas: 4,
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    });
    await untilStatefulSetDone(cluster, 'web');
    await setImage(cluster, 'app:2');
    const become = (images: readonly string[]): Promise<void> =>
      cluster.until(`images are ${images.join(' ')}`, async () => {
        const pods = await podsOf(cluster, 'web');
        return pods.length === images.length && pods.every(isReady) && pods.every((pod, i) => imageOf(pod) === images[i]);
      });
    await become(['app:1', 'app:1', 'app:2', 'app:2']);
    const { currentReplicas, updatedReplicas, currentRevision, updateRevision } = (await getStatefulSet(cluster, 'web')).status;
    expect([currentReplicas, updatedReplicas]).toEqual([2, 2]);
    expect(currentRevision).not.toBe(updateRevision);
    for (const name of ['web-0', 'web-3'])
      await cluster.client.delete(corev1Resources.pods, { namespace, name }, { signal: cluster.signal });
    await cluster.advance(second);
    await become(['app:1', 'app:1', 'app:2', 'app:2']);
    await patch(cluster, appsv1Resources.statefulsets, 'web', partition(0));
    await untilStatefulSetDone(cluster, 'web');
    expect(await imagesOf(cluster)).toEqual(['app:2', 'app:2', 'app:2', 'app:2']);
  });

  it('leaves updates to the user with OnDelete', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createStatefulSet(cluster, 'web', { spec: { updateStrategy: { type: 'OnDelete' } } });
    await untilStatefulSetDone(cluster, 'web');
    await setImage(cluster, 'app:2');
    await cluster.advance(10 * minute);
    expect(await imagesOf(cluster)).toEqual(['app:1', 'app:1', 'app:1']);
    await cluster.client.delete(corev1Resources.pods, { namespace, name: 'web-1' }, { signal: cluster.signal });
    await cluster.until('it is new', async () => (await imagesOf(cluster)).join(' ') === 'app:1 app:2 app:1');
  });
});

describe('a StatefulSet with a pod that is not well', () => {
  it('makes no more, and takes none away but that one', async () => {
    const story = new PodStory();
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, onChange: story.record });
    await createStatefulSet(cluster, 'web', { pod: { readinessGates } });
    for (const name of ['web-0', 'web-1', 'web-2']) {
      await cluster.until(`${name} is there`, async () => (await find(cluster, corev1Resources.pods, name)) !== undefined);
      await cluster.advance(minute);
      expect(story.take().filter((line) => line.endsWith('Pending'))).toEqual([`${name} app:1 Pending`]);
      await setHealth(cluster, name, true);
    }
    await untilStatefulSetDone(cluster, 'web');
    story.take();
    await setHealth(cluster, 'web-0', false);
    await scale(cluster, 1);
    await cluster.advance(10 * minute);
    // Two could go, but not while the one that stays is not well.
    expect((await podsByName(cluster, 'web')).size).toBe(3);
    await setHealth(cluster, 'web-0', true);
    await cluster.until('only the first is left', async () => (await podsByName(cluster, 'web')).size === 1);
    expect(story.take().filter((line) => !line.endsWith('ready'))).toEqual([
      'web-2 app:1 going',
      'web-2 gone',
      'web-1 app:1 going',
      'web-1 gone',
    ]);
  });

  it('is available only when every pod has been ready for long enough', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock, nodes: 2 });
    const startedMs = clock.now();
    await createStatefulSet(cluster, 'web', { replicas: 3, spec: { minReadySeconds: 30 } });
    await untilStatefulSetDone(cluster, 'web');
    expect(clock.now() - startedMs).toBeGreaterThanOrEqual(90 * second);
    expect(clock.now() - startedMs).toBeLessThan(100 * second);
  });

  it('does everything at once with Parallel', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createStatefulSet(cluster, 'web', { replicas: 5, spec: { podManagementPolicy: 'Parallel' }, pod: { readinessGates } });
    await cluster.until('all are there', async () => (await podsByName(cluster, 'web')).size === 5);
    await scale(cluster, 0);
    await cluster.until('all are gone', async () => (await podsByName(cluster, 'web')).size === 0);
  });

  it('makes a pod anew that has failed', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await createStatefulSet(cluster, 'web', { replicas: 1 });
    await untilStatefulSetDone(cluster, 'web');
    const { uid } = (await getPod(cluster, 'web-0')).metadata;
    const way = { type: 'application/merge-patch+json', body: { status: { phase: 'Failed' } }, subresource: 'status' } as const;
    await cluster.client.patch(corev1Resources.pods, { namespace, name: 'web-0' }, way, { signal: cluster.signal });
    await cluster.until('it is another', async () => {
      const pod = await find(cluster, corev1Resources.pods, 'web-0');
      return pod !== undefined && pod.metadata.uid !== uid && isReady(pod);
    });
  });
});

describe('a StatefulSet whose node is lost', () => {
  it('has no second pod of the ordinal before somebody says that the first is dead', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createStatefulSet(cluster, 'web', { replicas: 2 });
    await untilStatefulSetDone(cluster, 'web');
    const victim = await getPod(cluster, 'web-1');
    const node = cluster.nodes.find(({ name }) => name === victim.spec.nodeName)!;
    await node.powerOff();
    await cluster.advance(60 * minute);
    const left = await getPod(cluster, 'web-1');
    expect(left.metadata.uid).toBe(victim.metadata.uid);
    expect(left.metadata.deletionTimestamp).toBeDefined();
    const force = { signal: cluster.signal, body: { gracePeriodSeconds: 0 } };
    await cluster.client.delete(corev1Resources.pods, { namespace, name: 'web-1' }, force);
    await cluster.until('it runs elsewhere', async () => {
      const pod = await find(cluster, corev1Resources.pods, 'web-1');
      return pod !== undefined && pod.spec.nodeName !== node.name && isReady(pod);
    });
  });
});

describe('the claims of a StatefulSet', () => {
  const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } as const;
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claimSpec }] as unknown as corev1.PersistentVolumeClaim[];
  const ownersOf = async (cluster: Cluster): Promise<Record<string, string>> => {
    const { items } = await cluster.client.list(corev1Resources.persistentvolumeclaims, { namespace, signal: cluster.signal });
    return Object.fromEntries(
      items.map(({ metadata }) => [metadata.name, (metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`).join()]),
    );
  };
  const start = async (cluster: Cluster, whenScaled: string, whenDeleted: string): Promise<void> => {
    await createStatefulSet(cluster, 'web', {
      replicas: 2,
      spec: { podManagementPolicy: 'Parallel', volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } },
    });
    await cluster.until('pods are there', async () => (await podsByName(cluster, 'web')).size === 2);
    await cluster.advance(second);
  };

  it('are named and labelled after their pods, and outlive them', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await start(cluster, 'Retain', 'Retain');
    expect(await ownersOf(cluster)).toEqual({ 'data-web-0': '', 'data-web-1': '' });
    const { items } = await cluster.client.list(corev1Resources.persistentvolumeclaims, { namespace, signal: cluster.signal });
    expect(items[0]!.metadata.labels).toEqual({ app: 'web' });
    expect((await getPod(cluster, 'web-1')).spec.volumes?.[0]).toEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-web-1' },
    });
    await cluster.client.delete(appsv1Resources.statefulsets, { namespace, name: 'web' }, { signal: cluster.signal });
    await cluster.until('pods are gone', async () => (await podsByName(cluster, 'web')).size === 0);
    await cluster.advance(minute);
    expect(Object.keys(await ownersOf(cluster))).toEqual(['data-web-0', 'data-web-1']);
    const events = (await eventsOf(cluster, 'web')).map(({ message }) => message);
    expect(events).toContain('create Claim data-web-0 Pod web-0 in StatefulSet web success');
  });

  it('go with a pod that is scaled away, and with the set', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await start(cluster, 'Delete', 'Delete');
    expect(await ownersOf(cluster)).toEqual({ 'data-web-0': 'StatefulSet web', 'data-web-1': 'StatefulSet web' });
    await scale(cluster, 1);
    await cluster.until('one claim is left', async () => Object.keys(await ownersOf(cluster)).length === 1);
    expect(await ownersOf(cluster)).toEqual({ 'data-web-0': 'StatefulSet web' });
    await cluster.client.delete(appsv1Resources.statefulsets, { namespace, name: 'web' }, { signal: cluster.signal });
    await cluster.until('none is left', async () => Object.keys(await ownersOf(cluster)).length === 0);
  });

  it('change hands when the policy changes', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await start(cluster, 'Retain', 'Delete');
    expect(await ownersOf(cluster)).toEqual({ 'data-web-0': 'StatefulSet web', 'data-web-1': 'StatefulSet web' });
    const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Retain', whenDeleted: 'Retain' } };
    await patch(cluster, appsv1Resources.statefulsets, 'web', { spec: policy });
    await cluster.until('nobody owns them', async () => Object.values(await ownersOf(cluster)).join('') === '');
  });
});

describe('a StatefulSet left to itself', () => {
  it('keeps its pods when it is deleted with orphans, and takes them when it is made again', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createStatefulSet(cluster, 'web');
    await untilStatefulSetDone(cluster, 'web');
    const uids = async (): Promise<string[]> => [...(await podsByName(cluster, 'web')).values()].map(({ metadata }) => metadata.uid);
    const before = await uids();
    const body = { propagationPolicy: 'Orphan' };
    await cluster.client.delete(appsv1Resources.statefulsets, { namespace, name: 'web' }, { signal: cluster.signal, body });
    await cluster.until('it is gone', async () => (await find(cluster, appsv1Resources.statefulsets, 'web')) === undefined);
    await cluster.advance(minute);
    expect(await uids()).toEqual(before);
    expect((await getPod(cluster, 'web-0')).metadata.ownerReferences ?? []).toEqual([]);
    await createStatefulSet(cluster, 'web');
    await untilStatefulSetDone(cluster, 'web');
    expect(await uids()).toEqual(before);
    const { metadata } = await getPod(cluster, 'web-0');
    expect(metadata.ownerReferences?.[0]?.uid).toBe((await getStatefulSet(cluster, 'web')).metadata.uid);
    expect((await revisionsOf(cluster, 'web')).map(({ revision }) => revision)).toEqual([1]);
  });

  it('goes with all that is its own when it is deleted in the foreground', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 1 });
    await createStatefulSet(cluster, 'web');
    await untilStatefulSetDone(cluster, 'web');
    const body = { propagationPolicy: 'Foreground' };
    await cluster.client.delete(appsv1Resources.statefulsets, { namespace, name: 'web' }, { signal: cluster.signal, body });
    await cluster.until('it is gone', async () => (await find(cluster, appsv1Resources.statefulsets, 'web')) === undefined);
    expect((await podsByName(cluster, 'web')).size).toBe(0);
    expect(await revisionsOf(cluster, 'web')).toEqual([]);
  });

  it('comes to the same end wherever its controller dies', async () => {
    const writes = Array.from({ length: 14 }, (_, i) => i + 1);
    for (const write of writes) {
      for (const sent of [false, true]) {
        const clock = new VirtualClock();
        const only = ['*', '-statefulset-controller'];
        await using cluster = await startCluster({ clock, nodes: 2, controllers: { only } });
        await using process = mortalController(cluster, 'statefulset-controller');
        process.start({ write, sent });
        const done = async (): Promise<boolean> => {
          process.start();
          return isStatefulSetDone(await getStatefulSet(cluster, 'web'));
        };
        await createStatefulSet(cluster, 'web', { replicas: 2 });
        await cluster.until('pods are ready', done);
        await setImage(cluster, 'app:2');
        await cluster.until('pods are new', done);
        await scale(cluster, 1);
        await cluster.until('one is left', done);
        expect(await imagesOf(cluster)).toEqual(['app:2']);
        expect((await revisionsOf(cluster, 'web')).map(({ revision }) => revision)).toEqual([1, 2]);
      }
    }
  });
});
