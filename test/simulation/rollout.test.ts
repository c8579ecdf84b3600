import { describe, expect, it } from 'vitest';
import { type appsv1, appsv1Resources, corev1Resources, getCondition, isPodReady, type corev1 } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Change, startCluster } from '../../src/testing/index.ts';
import {
  createDeployment,
  eventsOf,
  getDeployment,
  imageOf,
  isDeleting,
  isReady,
  namespace,
  patch,
  podsOf,
  setImage,
  untilRolledOut,
} from './objects.ts';

const second = 1_000;
const minute = 60 * second;

/** Counts, after every single write, the pods that are there and those that serve. */
class Headcount {
  readonly #pods = new Map<string, corev1.Pod>();
  #watching = false;
  most = 0;
  fewestReady = Number.POSITIVE_INFINITY;

  /** From now on the extremes count. */
  begin(): void {
    this.#watching = true;
  }

  readonly record = ({ key, value }: Change): void => {
    if (!key.startsWith('/registry/pods/')) return;
    if (value) this.#pods.set(key, JSON.parse(Buffer.from(value).toString()) as corev1.Pod);
    else this.#pods.delete(key);
    if (!this.#watching) return;
    const staying = [...this.#pods.values()].filter((pod) => !isDeleting(pod));
    this.most = Math.max(this.most, staying.length);
    this.fewestReady = Math.min(this.fewestReady, staying.filter(isPodReady).length);
  };
}

const progressOf = ({ status }: appsv1.Deployment): string | undefined => getCondition(status?.conditions, 'Progressing')?.reason;

describe('a rolling update with pods that are slow to start', () => {
  const rows = [
    { name: 'the default of a quarter each', strategy: undefined, most: 10, fewest: 6 },
    { name: 'surge only', strategy: { maxSurge: 2, maxUnavailable: 0 }, most: 10, fewest: 8 },
    { name: 'unavailable only', strategy: { maxSurge: 0, maxUnavailable: 3 }, most: 8, fewest: 5 },
    { name: 'as many as there are', strategy: { maxSurge: '100%', maxUnavailable: 0 }, most: 16, fewest: 8 },
  ] as const;
  it.each(rows)('keeps its bounds at every moment: $name', async ({ strategy, most, fewest }) => {
    const headcount = new Headcount();
    await using cluster = await startCluster({
      clock: new VirtualClock(),
      nodes: 3,
      node: (name) => ({ latency: { startMs: { 'node-1': 1, 'node-2': 7, 'node-3': 40 }[name]! * second } }),
      onChange: headcount.record,
    });
    const spec = strategy && { strategy: { type: 'RollingUpdate', rollingUpdate: strategy } as const };
    await createDeployment(cluster, 'web', { replicas: 8, ...(spec && { spec }) });
    await untilRolledOut(cluster, 'web');
    headcount.begin();
    await setImage(cluster, 'web', 'app:2');
    await untilRolledOut(cluster, 'web');
    expect((await podsOf(cluster, 'web')).filter((pod) => !isDeleting(pod)).map(imageOf)).toEqual(Array(8).fill('app:2'));
    // Both bounds are kept, and both are used.
    expect({ most: headcount.most, fewest: headcount.fewestReady }).toEqual({ most, fewest });
  });

  it('ends everything before it begins anew with Recreate', async () => {
    const headcount = new Headcount();
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, onChange: headcount.record });
    await createDeployment(cluster, 'web', { replicas: 3, spec: { strategy: { type: 'Recreate' } } });
    await untilRolledOut(cluster, 'web');
    headcount.begin();
    await setImage(cluster, 'web', 'app:2');
    await untilRolledOut(cluster, 'web');
    expect({ most: headcount.most, fewest: headcount.fewestReady }).toEqual({ most: 3, fewest: 0 });
  });
});

describe('a rollout that cannot go on', () => {
  it('says so after 600 s, and goes on when it can', async () => {
    const clock = new VirtualClock();
    const images = new Set(['docker.io/library/app:1', 'app:1']);
    await using cluster = await startCluster({ clock, nodes: 2, node: { imageExists: (image) => images.has(image) } });
    await createDeployment(cluster, 'web', { replicas: 4 });
    await untilRolledOut(cluster, 'web');
    await cluster.advance(minute);
    const startedMs = clock.now();
    await setImage(cluster, 'web', 'app:2');
    await cluster.until(
      'the deadline is exceeded',
      async () => progressOf(await getDeployment(cluster, 'web')) === 'ProgressDeadlineExceeded',
      30 * minute,
    );
    expect(clock.now() - startedMs).toBeGreaterThan(600 * second);
    expect(clock.now() - startedMs).toBeLessThan(603 * second);
    const stuck = await getDeployment(cluster, 'web');
    expect(getCondition(stuck.status?.conditions, 'Progressing')).toMatchObject({ status: 'False' });
    // A quarter may be missing: three of the old ones serve on.
    expect((await podsOf(cluster, 'web')).filter(isReady).map(imageOf)).toEqual(['app:1', 'app:1', 'app:1']);
    images.add('docker.io/library/app:2').add('app:2');
    await untilRolledOut(cluster, 'web', 10 * minute);
    expect(progressOf(await getDeployment(cluster, 'web'))).toBe('NewReplicaSetAvailable');
  });

  it('stands still while it is paused, even past its deadline', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDeployment(cluster, 'web', { replicas: 4 });
    await untilRolledOut(cluster, 'web');
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { paused: true } });
    await setImage(cluster, 'web', 'app:2');
    await cluster.advance(20 * minute);
    expect(new Set((await podsOf(cluster, 'web')).map(imageOf))).toEqual(new Set(['app:1']));
    expect(progressOf(await getDeployment(cluster, 'web'))).toBe('DeploymentPaused');
    // Scaling is not a rollout: it goes on.
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { replicas: 6 } });
    await cluster.until('six are ready', async () => (await podsOf(cluster, 'web')).filter(isReady).length === 6);
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { paused: null } });
    await untilRolledOut(cluster, 'web');
    expect(new Set((await podsOf(cluster, 'web')).map(imageOf))).toEqual(new Set(['app:2']));
  });

  it('stops halfway when it is paused in the middle', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, node: { latency: { startMs: 20 * second } } });
    await createDeployment(cluster, 'web', { replicas: 4 });
    await untilRolledOut(cluster, 'web');
    await setImage(cluster, 'web', 'app:2');
    await cluster.until('one new pod is ready', async () =>
      (await podsOf(cluster, 'web')).some((pod) => isReady(pod) && imageOf(pod) === 'app:2'),
    );
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { paused: true } });
    await cluster.advance(5 * minute);
    const images = (await podsOf(cluster, 'web')).map(imageOf);
    expect(new Set(images)).toEqual(new Set(['app:1', 'app:2']));
    await cluster.advance(30 * minute);
    expect((await podsOf(cluster, 'web')).map(imageOf)).toEqual(images);
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { paused: null } });
    await untilRolledOut(cluster, 'web');
  });
});

describe('pods that admission refuses', () => {
  it('are tried again ever less often, and made when they may be', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createDeployment(cluster, 'web', { replicas: 3, pod: { serviceAccountName: 'absent' } });
    await cluster.advance(30 * minute);
    const { items } = await cluster.client.list(appsv1Resources.replicasets, { namespace, signal: cluster.signal });
    const [replicaSet] = items;
    expect(getCondition(replicaSet!.status?.conditions, 'ReplicaFailure')).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    const refusals = (await eventsOf(cluster, replicaSet!.metadata.name)).filter(({ reason }) => reason === 'FailedCreate');
    // From 5 ms, doubling: 18 tries and a few in half an hour.
    const tries = refusals.reduce((sum, { count }) => sum + (count ?? 1), 0);
    expect(tries).toBeGreaterThan(15);
    expect(tries).toBeLessThan(25);
    expect(refusals[0]!.message).toBe(
      `Error creating: pods "${replicaSet!.metadata.name}-" is forbidden: error looking up service account default/absent: serviceaccount "absent" not found`,
    );
    await cluster.client.create(
      corev1Resources.serviceaccounts,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'absent', namespace } },
      { signal: cluster.signal },
    );
    await untilRolledOut(cluster, 'web', 20 * minute);
    expect(await podsOf(cluster, 'web')).toHaveLength(3);
  });
});
