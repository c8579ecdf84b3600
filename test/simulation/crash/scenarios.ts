/** What a user asks for in a seed, how he changes his mind, and what the world has to be in the end. */
import { appsv1Resources, type batchv1, batchv1Resources, isPodTerminal, schedulingv1Resources } from '../../../src/api/index.ts';
import { apart, autoscaled, budgeted, elected, quota } from './scenarios/limits.ts';
import { owners, nodeLoss } from './scenarios/losses.ts';
import { cronJob } from './scenarios/times.ts';
import { claims } from './scenarios/volumes.ts';
import {
  app,
  connect,
  cutOff,
  deletePod,
  describe,
  expectGone,
  failPod,
  imageOf,
  isUp,
  namespace,
  patch,
  podsOwnedBy,
  powerOff,
  rollOut,
  scale,
  type Scenario,
  selector,
  template,
} from './scenario.ts';

const deployment: Scenario = {
  name: 'deployment',
  controllers: ['deployment-controller', 'replicaset-controller'],
  nodes: 3,
  setUp: async ({ client, signal }) => {
    const spec = { replicas: 4, selector, template: template('app:1') };
    await client.create(
      appsv1Resources.deployments,
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'the user scales': scale(appsv1Resources.deployments, 0, 7),
    'the user rolls out': rollOut(appsv1Resources.deployments),
    'somebody deletes a pod': deletePod,
    'a node evicts a pod': failPod,
  },
  isDone: (history) => {
    const set = history.one('Deployment', app);
    if (!set) return false;
    const pods = [...history.all('Pod')].filter((pod) => !isPodTerminal(pod));
    const { replicas = 1 } = set.spec;
    const { observedGeneration = 0, availableReplicas = 0, updatedReplicas = 0 } = set.status ?? {};
    return (
      pods.length === replicas &&
      pods.every((pod) => isUp(pod, imageOf(set.spec))) &&
      observedGeneration === set.metadata.generation &&
      availableReplicas === replicas &&
      updatedReplicas === replicas
    );
  },
  describe: describe('Deployment'),
};

const stateful = (name: string, management: 'OrderedReady' | 'Parallel'): Scenario => ({
  name,
  controllers: ['statefulset-controller'],
  nodes: 3,
  setUp: async ({ client, signal }) => {
    const spec = { replicas: 3, selector, serviceName: app, podManagementPolicy: management, template: template('app:1') };
    await client.create(
      appsv1Resources.statefulsets,
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'the user scales': scale(appsv1Resources.statefulsets, 0, 5),
    'the user rolls out': rollOut(appsv1Resources.statefulsets),
    'somebody deletes a pod': deletePod,
    'a node evicts a pod': failPod,
    'a node is cut off': cutOff,
    'a node loses its power': powerOff,
  },
  mend: connect,
  isDone: (history) => {
    const set = history.one('StatefulSet', app);
    if (!set) return false;
    const pods = podsOwnedBy(history, 'StatefulSet', set.metadata.uid);
    const { replicas = 1 } = set.spec;
    const wanted = new Set(Array.from({ length: replicas }, (_, ordinal) => `${app}-${ordinal}`));
    const { observedGeneration = 0, readyReplicas = 0, updatedReplicas = 0 } = set.status ?? {};
    return (
      pods.length === replicas &&
      pods.every((pod) => wanted.has(pod.metadata.name) && isUp(pod, imageOf(set.spec))) &&
      observedGeneration === set.metadata.generation &&
      readyReplicas === replicas &&
      updatedReplicas === replicas
    );
  },
  describe: describe('StatefulSet'),
});

const job = (name: string, spec: Omit<batchv1.JobSpec, 'template'>, failures: number): Scenario => ({
  name,
  controllers: ['job-controller'],
  nodes: 3,
  setUp: async ({ client, signal }) => {
    const whole = { ...spec, template: template('app:1', '100m', { restartPolicy: 'Never' }) };
    await client.create(
      batchv1Resources.jobs,
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: app, namespace }, spec: whole },
      { signal },
    );
  },
  actions: {
    'somebody deletes a pod': deletePod,
    'a node evicts a pod': failPod,
    'a node is cut off': cutOff,
    'the user changes the parallelism': (world) =>
      patch(world, batchv1Resources.jobs, { spec: { parallelism: Math.floor(world.random.next() * 4) } }).catch(expectGone),
  },
  mend: (world) => {
    connect(world);
    void patch(world, batchv1Resources.jobs, { spec: { parallelism: 2 } }).catch(expectGone);
  },
  endOf: (_, random) => (random.next() < failures ? 'Failed' : 'Succeeded'),
  isDone: (history) => {
    const one = history.one('Job', app);
    if (!one) return false;
    const { conditions = [], active = 0, terminating = 0, uncountedTerminatedPods = {}, succeeded = 0 } = one.status ?? {};
    const ended = conditions.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
    const { succeeded: left = [], failed = [] } = uncountedTerminatedPods;
    const pods = podsOwnedBy(history, 'Job', one.metadata.uid);
    return (
      ended !== undefined &&
      (ended.type === 'Failed' || succeeded >= (one.spec.successPolicy ? 1 : (one.spec.completions ?? 1))) &&
      active + terminating + left.length + failed.length === 0 &&
      pods.every((pod) => isPodTerminal(pod) && pod.metadata.finalizers === undefined)
    );
  },
  describe: describe('Job'),
});

const daemons = (name: string, rollingUpdate: { readonly maxSurge?: number; readonly maxUnavailable?: number }): Scenario => ({
  name,
  controllers: ['daemonset-controller'],
  nodes: 3,
  setUp: async ({ client, signal }) => {
    const spec = { selector, template: template('app:1'), updateStrategy: { type: 'RollingUpdate', rollingUpdate } } as const;
    await client.create(
      appsv1Resources.daemonsets,
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'the user rolls out': rollOut(appsv1Resources.daemonsets),
    'somebody deletes a pod': deletePod,
    'a node evicts a pod': failPod,
    'a node comes': async ({ nodes, history }) => {
      const count = [...history.all('Node')].length;
      await nodes.add(`node-${count + 1}`, { cpu: '2', memory: '4Gi', pods: '6' });
    },
  },
  isDone: (history) => {
    const set = history.one('DaemonSet', app);
    if (!set) return false;
    const nodes = [...history.all('Node')].map(({ metadata }) => metadata.name);
    const pods = podsOwnedBy(history, 'DaemonSet', set.metadata.uid);
    const { observedGeneration, numberReady, updatedNumberScheduled } = set.status;
    return (
      pods.length === nodes.length &&
      nodes.every((node) => pods.some((pod) => pod.spec.nodeName === node && isUp(pod, imageOf(set.spec)))) &&
      observedGeneration === set.metadata.generation &&
      numberReady === nodes.length &&
      updatedNumberScheduled === nodes.length
    );
  },
  describe: describe('DaemonSet'),
});

/** More is wanted than there is room for: who matters more gets it. */
const preemption: Scenario = {
  name: 'preemption',
  controllers: ['replicaset-controller'],
  nodes: 2,
  nodeSize: { cpu: '1', memory: '4Gi', pods: '20' },
  setUp: async ({ client, signal }) => {
    await client.create(
      schedulingv1Resources.priorityclasses,
      { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 },
      { signal },
    );
    for (const [name, replicas, spec] of [
      [app, 8, {}],
      ['high', 0, { priorityClassName: 'high' }],
    ] as const) {
      const own = { app: name };
      const { spec: podSpec } = template('app:1', '250m', spec);
      await client.create(
        appsv1Resources.replicasets,
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: { name, namespace },
          spec: { replicas, selector: { matchLabels: own }, template: { metadata: { labels: own }, spec: podSpec! } },
        },
        { signal },
      );
    }
  },
  actions: {
    'somebody important comes': (world) => patch(world, appsv1Resources.replicasets, { spec: { replicas: 3 } }, 'high'),
    'more of importance come': (world) => patch(world, appsv1Resources.replicasets, { spec: { replicas: 5 } }, 'high'),
    'somebody deletes a pod': deletePod,
  },
  isDone: (history) => {
    const pods = [...history.all('Pod')].filter((pod) => !isPodTerminal(pod));
    const up = (set: string): number => pods.filter((pod) => pod.metadata.labels?.['app'] === set && isUp(pod, 'app:1')).length;
    const high = history.one('ReplicaSet', 'high')?.spec.replicas ?? 0;
    return pods.length === 8 + high && up('high') === high && up(app) === 8 - high;
  },
  describe: describe('ReplicaSet'),
};

export const scenarios: readonly Scenario[] = [
  deployment,
  stateful('statefulset', 'OrderedReady'),
  job('job', { completions: 5, parallelism: 2, backoffLimit: 20 }, 0.2),
  daemons('daemonset', { maxUnavailable: 1 }),
  preemption,
  stateful('parallel statefulset', 'Parallel'),
  job('indexed job', { completions: 5, parallelism: 3, backoffLimit: 20, completionMode: 'Indexed' }, 0.2),
  daemons('surging daemonset', { maxSurge: 1, maxUnavailable: 0 }),
  job('failing job', { completions: 4, parallelism: 2, backoffLimit: 2 }, 0.6),
  job(
    'job with a limit an index',
    { completions: 4, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 1, maxFailedIndexes: 2 },
    0.4,
  ),
  job(
    'job that is done early',
    {
      completions: 5,
      parallelism: 3,
      backoffLimit: 20,
      completionMode: 'Indexed',
      successPolicy: { rules: [{ succeededIndexes: '1-4', succeededCount: 2 }] },
    },
    0.2,
  ),
  claims('claims', 'Immediate'),
  claims('claims that wait for a pod', 'WaitForFirstConsumer'),
  cronJob,
  nodeLoss,
  owners,
  quota,
  budgeted,
  apart,
  autoscaled,
  elected,
];
