import { describe, expect, it } from 'vitest';
import {
  appsv1Resources,
  type corev1,
  corev1Resources,
  getCondition,
  isApiError,
  type policyv1,
  policyv1Resources,
} from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import {
  createDeployment,
  createPod,
  eventsOf,
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
const { poddisruptionbudgets } = policyv1Resources;

const createBudget = (cluster: Cluster, app: string, spec: policyv1.PodDisruptionBudgetSpec): Promise<policyv1.PodDisruptionBudget> =>
  cluster.client.create(
    poddisruptionbudgets,
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: app, namespace },
      spec: { selector: { matchLabels: { app } }, ...spec },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    },
    { signal: cluster.signal },
  );

const allowed = async (cluster: Cluster, name: string): Promise<number> =>
  (await get(cluster, poddisruptionbudgets, name)).status.disruptionsAllowed;

/** What `kubectl drain` asks for. */
async function evict(cluster: Cluster, name: string): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  await cluster.client.subresource(
    corev1Resources.pods,
    { namespace, name },
    { name: 'eviction', verb: 'create', body },
    { signal: cluster.signal },
  );
}

const refusal = (cluster: Cluster, name: string): Promise<string> =>
  evict(cluster, name).then(
    () => 'granted',
    (error: unknown) => (isApiError(error, 'TooManyRequests') ? (error.details?.causes?.[0]?.message ?? error.message) : String(error)),
  );

describe('a disruption budget', () => {
  it('lets as many pods of a Deployment go as may be missing, and no more until others are ready', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, node: { latency: { startMs: 10 * second } } });
    await createDeployment(cluster, 'web', { replicas: 3 });
    await createBudget(cluster, 'web', { maxUnavailable: 1 });
    await untilRolledOut(cluster, 'web');
    await cluster.until('one may go', async () => (await allowed(cluster, 'web')) === 1);
    const { status } = await get(cluster, poddisruptionbudgets, 'web');
    expect(status).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1, observedGeneration: 1 });
    expect(getCondition(status.conditions, 'DisruptionAllowed')).toMatchObject({ status: 'True', reason: 'SufficientPods' });
    const [first, second_] = await podsOf(cluster, 'web');
    expect(await refusal(cluster, first!.metadata.name)).toBe('granted');
    expect(await refusal(cluster, second_!.metadata.name)).toMatch(/needs 2 healthy pods and has \d currently/);
    await cluster.until('its successor is ready', async () => (await podsOf(cluster, 'web')).filter(isReady).length === 3);
    await cluster.until('one may go again', async () => (await allowed(cluster, 'web')) === 1);
    expect((await get(cluster, poddisruptionbudgets, 'web')).status.disruptedPods ?? {}).toEqual({});
    expect(await refusal(cluster, second_!.metadata.name)).toBe('granted');
  });

  it('follows the size of its Deployment', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2 });
    await createDeployment(cluster, 'web', { replicas: 4 });
    await createBudget(cluster, 'web', { minAvailable: '50%' });
    await cluster.until('two may go', async () => (await allowed(cluster, 'web')) === 2);
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { replicas: 7 } });
    await cluster.until('three may go', async () => (await allowed(cluster, 'web')) === 3);
    expect((await get(cluster, poddisruptionbudgets, 'web')).status).toMatchObject({ expectedPods: 7, desiredHealthy: 4 });
  });

  it('allows nothing and says why when nobody knows how many pods there should be', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    const { client, signal } = cluster;
    const stray = podManifest('stray');
    const owner = { apiVersion: 'example.com/v1', kind: 'Herd', name: 'cows', uid: 'u', controller: true };
    await client.create(corev1Resources.pods, { ...stray, metadata: { ...stray.metadata, ownerReferences: [owner] } }, { signal });
    await createBudget(cluster, 'stray', { maxUnavailable: 1 });
    const condition = async (): Promise<string | undefined> =>
      getCondition((await get(cluster, poddisruptionbudgets, 'stray')).status.conditions, 'DisruptionAllowed')?.message;
    await cluster.until('it failed', async () => (await condition()) === 'no matches for kind "Herd" in version "example.com/v1"');
    await cluster.advance(second);
    expect((await eventsOf(cluster, 'stray')).map(({ reason, message }) => `${reason}: ${message}`)).toContain(
      'CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: no matches for kind "Herd" in version "example.com/v1"',
    );
  });

  it('warns of pods that nobody controls, and counts them by a number all the same', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createPod(cluster, 'lone');
    await createBudget(cluster, 'lone', { maxUnavailable: 1 });
    await cluster.until('the pod is ready', async () => isReady(await getPod(cluster, 'lone')));
    await cluster.advance(second);
    const told = (await eventsOf(cluster, 'lone')).find(({ reason }) => reason === 'UnmanagedPods');
    expect(told?.message).toMatch(
      /^Pods selected by this PodDisruptionBudget \(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: lone,\},/,
    );
    expect(await allowed(cluster, 'lone')).toBe(0);
    await patch(cluster, poddisruptionbudgets, 'lone', { spec: { maxUnavailable: null, minAvailable: 0 } });
    await cluster.until('it may go', async () => (await allowed(cluster, 'lone')) === 1);
    expect(await refusal(cluster, 'lone')).toBe('granted');
  });

  it('gives an eviction that came to nothing back after two minutes', async () => {
    const clock = new VirtualClock();
    await using cluster = await startCluster({ clock });
    await createPod(cluster, 'a');
    await createBudget(cluster, 'a', { minAvailable: 0 });
    await cluster.until('it may go', async () => (await allowed(cluster, 'a')) === 1);
    const granted = await get(cluster, poddisruptionbudgets, 'a');
    const status = {
      ...granted.status,
      disruptionsAllowed: 0,
      disruptedPods: { a: new Date(clock.now()).toISOString().replace(/\.\d+/, '') },
    };
    await cluster.client.updateStatus(poddisruptionbudgets, { ...granted, status }, { signal: cluster.signal });
    const startedMs = clock.now();
    await cluster.until('it may go again', async () => (await allowed(cluster, 'a')) === 1, 10 * minute);
    expect(Math.abs(clock.now() - startedMs - 2 * minute)).toBeLessThan(2 * second);
    await cluster.advance(second);
    expect((await eventsOf(cluster, 'a')).map(({ message }) => message)).toContain(
      `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`,
    );
  });
});

describe('a pod that says it is to be disrupted', () => {
  const mark = (cluster: Cluster, reason: string): Promise<corev1.Pod> =>
    cluster.client.patch(
      corev1Resources.pods,
      { namespace, name: 'a' },
      {
        type: 'application/strategic-merge-patch+json',
        subresource: 'status',
        body: {
          status: {
            conditions: [
              {
                type: 'DisruptionTarget',
                status: 'True',
                reason,
                lastTransitionTime: new Date(cluster.clock.now()).toISOString().replace(/\.\d+/, ''),
              },
            ],
          },
        },
      },
      { signal: cluster.signal },
    );
  const marked = async (cluster: Cluster): Promise<string | undefined> =>
    getCondition((await getPod(cluster, 'a')).status.conditions, 'DisruptionTarget')?.status;

  it('takes it back after two minutes when nobody deleted it', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createPod(cluster, 'a');
    await cluster.until('it is ready', async () => isReady(await getPod(cluster, 'a')));
    await mark(cluster, 'PreemptionByScheduler');
    await cluster.advance(119 * second);
    expect(await marked(cluster)).toBe('True');
    await cluster.advance(2 * second);
    expect(await marked(cluster)).toBe('False');
  });

  it('keeps it when the kubelet ends it', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createPod(cluster, 'a');
    await cluster.until('it is ready', async () => isReady(await getPod(cluster, 'a')));
    await mark(cluster, 'TerminationByKubelet');
    await cluster.advance(10 * minute);
    expect(await marked(cluster)).toBe('True');
  });
});
