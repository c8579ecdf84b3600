import { describe, expect, it } from 'vitest';
import {
  appsv1Resources,
  type autoscalingv2,
  autoscalingv2Resources,
  type corev1,
  corev1Resources,
  getCondition,
  type Unsaved,
} from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../../src/testing/index.ts';
import { createDeployment, eventsOf, get, getDeployment, namespace, patch, podsOf, timeOf, untilRolledOut } from './objects.ts';

const second = 1_000;
const minute = 60 * second;
const { horizontalpodautoscalers } = autoscalingv2Resources;

/** What all pods use together, in millis of CPU, shared out among those that are there. */
class Load {
  total = 0;
  readonly #perPod: (pod: corev1.Pod) => number;

  constructor(perPod?: (pod: corev1.Pod) => number) {
    this.#perPod = perPod ?? (() => this.total / Math.max(1, this.pods));
  }

  pods = 1;
  readonly usage: NonNullable<ClusterOptions['usage']> = (pod) => ({ cpuMillis: this.#perPod(pod), memoryBytes: 2 ** 26 });
}

const requests = { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }] };

interface Asked {
  readonly min?: number;
  readonly max?: number;
  readonly metrics?: autoscalingv2.HorizontalPodAutoscalerSpec['metrics'];
  readonly behavior?: autoscalingv2.HorizontalPodAutoscalerBehavior;
  readonly target?: autoscalingv2.CrossVersionObjectReference;
}

const utilization = (averageUtilization: number): autoscalingv2.MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

function autoscaler(name: string, asked: Asked = {}): Unsaved<autoscalingv2.HorizontalPodAutoscaler> {
  const { min = 1, max = 10, metrics = [utilization(50)], behavior } = asked;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: asked.target ?? { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: min,
      maxReplicas: max,
      metrics,
      ...(behavior && { behavior }),
    },
    status: { desiredReplicas: 0 },
  };
}

const create = (cluster: Cluster, name: string, asked?: Asked): Promise<unknown> =>
  cluster.client.create(horizontalpodautoscalers, autoscaler(name, asked), { signal: cluster.signal });

const read = (cluster: Cluster, name = 'web'): Promise<autoscalingv2.HorizontalPodAutoscaler> =>
  get(cluster, horizontalpodautoscalers, name);

const condition = async (cluster: Cluster, type: string, name = 'web'): Promise<string> => {
  const found = getCondition((await read(cluster, name)).status.conditions, type);
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'none';
};

const sizeOf = async (cluster: Cluster): Promise<number | undefined> => (await getDeployment(cluster, 'web')).spec.replicas;

const told = async (cluster: Cluster, name = 'web'): Promise<string[]> =>
  (await eventsOf(cluster, name))
    .filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
    .map(({ reason, message }) => `${reason}: ${message}`);

describe('a Deployment with an autoscaler', () => {
  it('grows with its load at most twofold at a time, and shrinks five minutes after it', async () => {
    const clock = new VirtualClock();
    const load = new Load();
    await using cluster = await startCluster({ clock, nodes: 2, usage: load.usage });
    await createDeployment(cluster, 'web', { replicas: 1, pod: requests });
    await untilRolledOut(cluster, 'web');
    await create(cluster, 'web', { max: 9 });
    await cluster.advance(6 * minute);
    expect(await sizeOf(cluster)).toBe(1);
    // Nine pods at 50 %: 450m, all on one pod at first.
    load.total = 450;
    const sizes: number[] = [];
    for (let i = 0; i < 40; i++) {
      await cluster.advance(15 * second);
      load.pods = (await podsOf(cluster, 'web')).length;
      const size = (await sizeOf(cluster))!;
      if (sizes.at(-1) !== size) sizes.push(size);
    }
    expect(sizes.at(-1)).toBe(9);
    expect(sizes.every((size, i) => i === 0 || size <= Math.max(4, 2 * sizes[i - 1]!))).toBe(true);
    const grown = await read(cluster);
    expect(grown.status).toMatchObject({ currentReplicas: 9, desiredReplicas: 9 });
    expect(grown.status.currentMetrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 50, averageValue: '50m' } } },
    ]);
    expect((await told(cluster))[0]).toBe(
      'SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target',
    );
    expect(await condition(cluster, 'ScalingActive')).toBe(
      'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    );
    expect(await condition(cluster, 'AbleToScale')).toBe('True ReadyForNewScale: recommended size matches current size');
    expect(await condition(cluster, 'ScalingLimited')).toBe('False DesiredWithinRange: the desired count is within the acceptable range');

    load.total = 0;
    const quietMs = clock.now();
    await cluster.advance(2 * minute);
    expect(await condition(cluster, 'AbleToScale')).toBe(
      'True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation',
    );
    expect(await sizeOf(cluster)).toBe(9);
    await cluster.until('it is small again', async () => (await sizeOf(cluster)) === 1, 20 * minute);
    const shrunkMs = timeOf((await read(cluster)).status.lastScaleTime) - quietMs;
    expect(shrunkMs).toBeGreaterThan(5 * minute - 15 * second);
    expect(shrunkMs).toBeLessThan(6 * minute);
    expect(await told(cluster)).toContain('SuccessfulRescale: New size: 1; reason: All metrics below target');
    expect(await condition(cluster, 'ScalingLimited')).toBe(
      'True TooFewReplicas: the desired replica count is less than the minimum replica count',
    );
  });

  it('keeps within its bounds at once, whatever is measured', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createDeployment(cluster, 'web', { replicas: 1, pod: requests });
    await create(cluster, 'web', { min: 3, max: 5 });
    await cluster.until('there are enough', async () => (await sizeOf(cluster)) === 3, minute);
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { replicas: 8 } });
    await cluster.until('there are not too many', async () => (await sizeOf(cluster)) === 5, minute);
    await cluster.advance(second);
    expect(await told(cluster)).toEqual([
      'SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas',
      'SuccessfulRescale: New size: 5; reason: Current number of replicas above Spec.MaxReplicas',
    ]);
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { replicas: 0 } });
    await cluster.advance(minute);
    expect(await sizeOf(cluster)).toBe(0);
    expect(await condition(cluster, 'ScalingActive')).toBe(
      'False ScalingDisabled: scaling is disabled since the replica count of the target is zero',
    );
  });

  it('goes by its policies', async () => {
    const load = new Load(() => 1000);
    await using cluster = await startCluster({ clock: new VirtualClock(), nodes: 2, usage: load.usage });
    await createDeployment(cluster, 'web', { replicas: 1, pod: requests });
    await create(cluster, 'web', { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } } });
    const changes: number[] = [];
    let last = 1;
    const startMs = cluster.clock.now();
    while (cluster.clock.now() - startMs < 12 * minute) {
      await cluster.advance(5 * second);
      const size = (await sizeOf(cluster))!;
      if (size !== last) changes.push(size);
      last = size;
    }
    expect(changes.slice(0, 4)).toEqual([2, 3, 4, 5]);
    const times = (await eventsOf(cluster, 'web'))
      .filter(({ reason }) => reason === 'SuccessfulRescale')
      .map(({ firstTimestamp }) => timeOf(firstTimestamp));
    expect(times.every((time, i) => i === 0 || time - times[i - 1]! >= minute)).toBe(true);
  });

  it('takes the most that any metric calls for, and shrinks by none while one is missing', async () => {
    const load = new Load(() => 5);
    await using cluster = await startCluster({ clock: new VirtualClock(), usage: load.usage });
    await createDeployment(cluster, 'web', { replicas: 4, pod: requests });
    await untilRolledOut(cluster, 'web');
    const queue: autoscalingv2.MetricSpec = {
      type: 'External',
      external: { metric: { name: 'queue' }, target: { type: 'Value', value: '5' } },
    };
    await create(cluster, 'web', { metrics: [utilization(50), queue] });
    await cluster.advance(12 * minute);
    expect(await sizeOf(cluster)).toBe(4);
    expect(await condition(cluster, 'ScalingActive')).toBe(
      'False FailedGetExternalMetric: the HPA was unable to compute the replica count: failed to get external metric queue: unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)',
    );
    expect((await read(cluster)).status.currentMetrics).toMatchObject([{ type: 'Resource' }, { type: '' }]);
    await patch(cluster, horizontalpodautoscalers, 'web', { spec: { metrics: [utilization(2)] } }).catch(() => {});
    await cluster.client.patch(
      horizontalpodautoscalers,
      { namespace, name: 'web' },
      { type: 'application/merge-patch+json', body: { spec: { metrics: [utilization(2), queue] } } },
      { signal: cluster.signal },
    );
    await cluster.until('it grows by the other', async () => (await sizeOf(cluster))! > 4, 2 * minute);
  });

  it('says what keeps it from being measured', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await createDeployment(cluster, 'web', { replicas: 1, pod: requests });
    const pods: autoscalingv2.MetricSpec = {
      type: 'Pods',
      pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '5' } },
    };
    const object: autoscalingv2.MetricSpec = {
      type: 'Object',
      object: {
        metric: { name: 'hits' },
        describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
        target: { type: 'Value', value: '5' },
      },
    };
    await create(cluster, 'web', { metrics: [pods] });
    await cluster.advance(20 * second);
    expect(await condition(cluster, 'ScalingActive')).toBe(
      'False FailedGetPodsMetric: the HPA was unable to compute the replica count: unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
    );
    expect(await told(cluster)).toContain(
      'FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get pods metric value: unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
    );
    for (const [metrics, message] of [
      [
        [object],
        'False FailedGetObjectMetric: the HPA was unable to compute the replica count: unable to get metric hits: Service on default web/unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
      ],
      [
        [utilization(50)],
        'False FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
      ],
    ] as const) {
      const body = { spec: { metrics } };
      const key = { namespace, name: 'web' };
      await cluster.client.patch(horizontalpodautoscalers, key, { type: 'application/merge-patch+json', body }, { signal: cluster.signal });
      await cluster.until('it was looked at', async () => (await condition(cluster, 'ScalingActive')) === message, minute);
    }
  });

  it('says what keeps it from being found', async () => {
    await using cluster = await startCluster({ clock: new VirtualClock() });
    await create(cluster, 'web');
    await create(cluster, 'odd', { target: { apiVersion: 'example.com/v1', kind: 'Herd', name: 'cows' } });
    await cluster.advance(20 * second);
    expect(await condition(cluster, 'AbleToScale')).toBe(
      `False FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps "web" not found`,
    );
    expect(await condition(cluster, 'AbleToScale', 'odd')).toBe(
      `False FailedGetScale: the HPA controller was unable to get the target's current scale: no matches for kind "Herd" in group "example.com"`,
    );
    expect(await told(cluster, 'odd')).toContain('FailedGetScale: no matches for kind "Herd" in group "example.com"');
  });

  it('is scaled by neither of two', async () => {
    const load = new Load();
    load.total = 50;
    await using cluster = await startCluster({ clock: new VirtualClock(), usage: load.usage });
    await createDeployment(cluster, 'web', { replicas: 1, pod: requests });
    for (const name of ['web', 'other']) await create(cluster, name);
    await cluster.advance(minute);
    load.total = 1000;
    await cluster.advance(3 * minute);
    expect(await sizeOf(cluster)).toBe(1);
    for (const name of ['web', 'other']) {
      expect(await condition(cluster, 'ScalingActive', name)).toBe(
        'False AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [{other default} {web default}]',
      );
    }
    await cluster.client.delete(horizontalpodautoscalers, { namespace, name: 'other' }, { signal: cluster.signal });
    await cluster.until('the one that is left grows it', async () => (await sizeOf(cluster))! > 1, 5 * minute);
  });
});

it('ReplicaSets, StatefulSets and ReplicationControllers are scaled as well, by containers and sizes', async () => {
  const load = new Load(() => 100);
  await using cluster = await startCluster({ clock: new VirtualClock(), usage: load.usage });
  const { client, signal } = cluster;
  const labels = (app: string) => ({ metadata: { labels: { app } }, spec: requests });
  await client.create(
    appsv1Resources.replicasets,
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'set', namespace },
      spec: { replicas: 1, selector: { matchLabels: { app: 'set' } }, template: labels('set') },
    },
    { signal },
  );
  await client.create(
    corev1Resources.replicationcontrollers,
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'rc', namespace },
      spec: { replicas: 1, selector: { app: 'rc' }, template: labels('rc') },
    },
    { signal },
  );
  await client.create(
    appsv1Resources.statefulsets,
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace },
      spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: labels('db') },
    },
    { signal },
  );
  const container: autoscalingv2.MetricSpec = {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 50 } },
  };
  const memory: autoscalingv2.MetricSpec = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '32Mi' } },
  };
  await create(cluster, 'set', { target: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'set' }, metrics: [container], max: 2 });
  await create(cluster, 'db', { target: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, max: 2 });
  await create(cluster, 'rc', { target: { apiVersion: 'v1', kind: 'ReplicationController', name: 'rc' }, metrics: [memory], max: 2 });
  await cluster.until(
    'all grow',
    async () => (await Promise.all(['set', 'rc', 'db'].map((app) => podsOf(cluster, app)))).every(({ length }) => length === 2),
    5 * minute,
  );
  await cluster.advance(minute);
  expect((await read(cluster, 'set')).status.currentMetrics).toEqual([
    {
      type: 'ContainerResource',
      containerResource: { container: 'main', name: 'cpu', current: { averageUtilization: 100, averageValue: '100m' } },
    },
  ]);
  expect((await read(cluster, 'rc')).status.currentMetrics).toEqual([
    { type: 'Resource', resource: { name: 'memory', current: { averageValue: '67108864' } } },
  ]);
});
