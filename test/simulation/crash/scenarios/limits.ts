/** What stands in the way of pods: quotas, budgets, each other, an autoscaler's limits, and managers that do not lead. */
import {
  appsv1Resources,
  autoscalingv2Resources,
  corev1Resources,
  isApiError,
  isPodTerminal,
  policyv1Resources,
} from '../../../../src/api/index.ts';
import type { History } from '../history.ts';
import {
  app,
  deletePod,
  describe,
  expectGone,
  imageOf,
  isUp,
  labels,
  namespace,
  patch,
  rollOut,
  scale,
  type Scenario,
  selector,
  template,
} from '../scenario.ts';
import type { World } from '../world.ts';

const { deployments, replicasets } = appsv1Resources;
const { resourcequotas } = corev1Resources;

const makeReplicaSet = async ({ client, signal }: World, replicas: number, pod = template('app:1')): Promise<void> => {
  await client.create(
    replicasets,
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: app, namespace }, spec: { replicas, selector, template: pod } },
    { signal },
  );
};

const makeDeployment = async ({ client, signal }: World, replicas: number): Promise<void> => {
  await client.create(
    deployments,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace },
      spec: { replicas, selector, template: template('app:1') },
    },
    { signal },
  );
};

const livePods = (history: History) => [...history.all('Pod')].filter((pod) => !isPodTerminal(pod));
const allUp = (history: History, count: number, image: string | undefined): boolean =>
  livePods(history).length === count && livePods(history).every((pod) => isUp(pod, image));
const replicaSetIsUp = (history: History): boolean => {
  const set = history.one('ReplicaSet', app);
  return (set?.status?.readyReplicas ?? 0) === (set?.spec.replicas ?? 1) && allUp(history, set?.spec.replicas ?? 1, 'app:1');
};
const deploymentIsUp = (history: History): boolean => {
  const set = history.one('Deployment', app);
  const { replicas = 1 } = set?.spec ?? {};
  return set !== undefined && (set.status?.updatedReplicas ?? 0) === replicas && allUp(history, replicas, imageOf(set.spec));
};

const allow = (pods: string) => (world: World) => patch(world, resourcequotas, { spec: { hard: { pods } } });

export const quota: Scenario = {
  name: 'quota',
  // A count of pods that is behind gives back what others have been charged.
  isPrompt: true,
  controllers: ['deployment-controller', 'replicaset-controller', 'resourcequota-controller'],
  nodes: 3,
  setUp: async (world) => {
    const { client, signal } = world;
    const made = await client.create(
      resourcequotas,
      { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: app, namespace }, spec: { hard: { pods: '4' } } },
      { signal },
    );
    // Before it has been counted for the first time, a quota limits nothing.
    await client.updateStatus(resourcequotas, { ...made, status: { hard: { pods: '4' }, used: { pods: '0' } } }, { signal });
    await makeDeployment(world, 4);
  },
  actions: {
    'the user scales': scale(deployments, 0, 7),
    'the user rolls out': rollOut(deployments),
    'somebody deletes a pod': deletePod,
    'more is allowed': allow('5'),
  },
  mend: (world) => void allow('12')(world).catch(expectGone),
  isDone: deploymentIsUp,
  describe: (history) => `${describe('Deployment')(history)}\n${describe('ResourceQuota')(history)}`,
};

/** As `kubectl drain` asks for it, pod after pod, and takes no for an answer. */
async function evictAll({ client, history, signal }: World): Promise<void> {
  for (const { metadata } of livePods(history)) {
    const { name } = metadata;
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    await client
      .subresource(corev1Resources.pods, { namespace, name }, { name: 'eviction', verb: 'create', body }, { signal })
      .catch((error: unknown) => {
        if (!isApiError(error, 'TooManyRequests')) expectGone(error);
      });
  }
}

export const budgeted: Scenario = {
  name: 'disruption budget',
  controllers: ['replicaset-controller', 'disruption-controller'],
  nodes: 3,
  setUp: async (world) => {
    const { client, signal } = world;
    await client.create(
      policyv1Resources.poddisruptionbudgets,
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: app, namespace },
        spec: { selector, minAvailable: 3 },
        status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
      },
      { signal },
    );
    await makeReplicaSet(world, 5);
  },
  actions: {
    'a node is drained': evictAll,
    'another node is drained': evictAll,
    'a third node is drained': evictAll,
    'the user scales up': scale(replicasets, 5, 7),
  },
  isDone: (history) => {
    const { replicas = 1 } = history.one('ReplicaSet', app)?.spec ?? {};
    const { disruptionsAllowed } = history.one('PodDisruptionBudget', app)?.status ?? {};
    return replicaSetIsUp(history) && disruptionsAllowed === replicas - 3;
  },
  describe: (history) => `${describe('ReplicaSet')(history)}\n${describe('PodDisruptionBudget')(history)}`,
};

export const apart: Scenario = {
  name: 'pods that keep apart',
  controllers: ['replicaset-controller'],
  nodes: 4,
  setUp: (world) => {
    const topologyKey = 'kubernetes.io/hostname';
    const affinity = {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey }] },
    };
    const topologySpreadConstraints = [{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector }] as const;
    return makeReplicaSet(world, 3, template('app:1', '100m', { affinity, topologySpreadConstraints }));
  },
  actions: {
    'the user scales': scale(replicasets, 1, 4),
    'somebody deletes a pod': deletePod,
    'somebody deletes another pod': deletePod,
  },
  isDone: replicaSetIsUp,
  describe: describe('ReplicaSet'),
};

const mostReplicas = 5;

export const autoscaled: Scenario = {
  name: 'autoscaler',
  controllers: ['deployment-controller', 'replicaset-controller', 'horizontal-pod-autoscaler-controller'],
  nodes: 2,
  faultyMs: 120_000,
  usage: () => ({ cpuMillis: 200, memoryBytes: 2 ** 26 }),
  setUp: async (world) => {
    const { client, signal } = world;
    await makeDeployment(world, 2);
    await client.create(
      autoscalingv2Resources.horizontalpodautoscalers,
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: app, namespace },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app },
          minReplicas: 2,
          maxReplicas: mostReplicas,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } }],
        },
        status: { desiredReplicas: 0 },
      },
      { signal },
    );
  },
  actions: {
    'somebody deletes a pod': deletePod,
    'the user rolls out': rollOut(deployments),
    'the user scales down': scale(deployments, 1, 2),
  },
  isDone: (history) => history.one('Deployment', app)?.spec.replicas === mostReplicas && deploymentIsUp(history),
  describe: describe('Deployment'),
};

export const elected: Scenario = {
  name: 'two managers',
  controllers: ['replicaset-controller'],
  nodes: 3,
  faultyMs: 120_000,
  elected: true,
  setUp: (world) => makeReplicaSet(world, 4),
  actions: {
    'the user scales': scale(replicasets, 0, 7),
    'the user scales again': scale(replicasets, 0, 7),
    'somebody deletes a pod': deletePod,
    'somebody deletes another pod': deletePod,
  },
  isDone: replicaSetIsUp,
  describe: describe('ReplicaSet'),
};
