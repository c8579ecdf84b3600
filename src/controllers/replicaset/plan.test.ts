import { describe, expect, it } from 'vitest';
import type { appsv1, corev1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { deletionAgeRatios } from './deletion-age.ts';
import { formatReplicaPlan, planReplicas, replicaSetStatus } from './plan.ts';
import { nextAvailabilityMs } from '../workload/availability.ts';

const nowMs = Date.UTC(2026, 0, 2);
const ago = (ms: number): string => formatTime(nowMs - ms);
const hour = 3_600_000;

function replicaSet(replicas: number, minReadySeconds = 0): appsv1.ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'ns', uid: 'r', resourceVersion: '1', creationTimestamp: ago(hour), generation: 3 },
    spec: { replicas, minReadySeconds, selector: {}, template: { metadata: { labels: { app: 'web' } } } },
    status: { replicas: 0 },
  };
}

interface Sketch {
  readonly node?: string;
  readonly phase?: string;
  readonly readyMs?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly ageMs?: number;
  readonly deleting?: boolean;
  readonly labels?: Record<string, string>;
}

function pod(name: string, sketch: Sketch = {}): corev1.Pod {
  const { node = 'n1', phase = 'Running', readyMs, cost, restarts = 0, ageMs = hour, deleting, labels = { app: 'web' } } = sketch;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: ago(ageMs),
      labels,
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(deleting && { deletionTimestamp: ago(0) }),
    },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: {
      phase: phase as 'Running',
      conditions: [{ type: 'Ready', status: readyMs === undefined ? 'False' : 'True', lastTransitionTime: ago(readyMs ?? 0) }],
      containerStatuses: [{ name: 'c', restartCount: restarts, image: '', imageID: '', ready: true }],
    },
  };
}

const ready = { readyMs: hour };

function goesFirst(name: string, first: Sketch, second: Sketch, related: corev1.Pod[] = []): void {
  it(name, () => {
    const pods = [pod('stays', { ...ready, ...second }), pod('goes', { ...ready, ...first })];
    expect(formatReplicaPlan(planReplicas(replicaSet(1), pods, { related: () => [...pods, ...related], nowMs }))).toBe('delete goes');
  });
}

describe('the pods that go first', () => {
  goesFirst('have no node', { node: '' }, {});
  goesFirst('are pending', { phase: 'Pending' }, {});
  goesFirst('are not ready', { readyMs: undefined as never }, {});
  goesFirst('cost less', { cost: '-5' }, { cost: '3', readyMs: 1 });
  goesFirst('cost nothing rather than something', {}, { cost: '3' });
  goesFirst('stand on a crowded node', { node: 'n2' }, {}, [pod('sibling', { node: 'n2' })]);
  goesFirst('have been ready for less time', { readyMs: 1_000 }, {});
  goesFirst('restarted more', { restarts: 4 }, { restarts: 1 });
  goesFirst('are younger', { ageMs: 60_000 }, {});
});

describe('the number of pods', () => {
  const check = (name: string, replicas: number, pods: corev1.Pod[], expected: string): void =>
    it(name, () => expect(formatReplicaPlan(planReplicas(replicaSet(replicas), pods, { related: () => [], nowMs }))).toBe(expected));
  check('is reached by creating', 3, [pod('a')], 'create 2');
  check('is left alone when it is right', 1, [pod('a')], 'nothing');
  check('may be none', 0, [pod('a'), pod('b')], 'delete a\ndelete b');
  check('is reached 500 at a time', 800, [], 'create 500');
});

describe('the status', () => {
  it('counts pods by what they are', () => {
    const pods = [
      pod('a', ready),
      pod('b', { readyMs: 5_000 }),
      pod('c'),
      pod('d', { ...ready, deleting: true }),
      pod('e', { phase: 'Failed' }),
      pod('f', { labels: {} }),
    ];
    expect(replicaSetStatus(replicaSet(4, 10), pods, { nowMs })).toEqual({
      replicas: 4,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 3,
      terminatingReplicas: 1,
    });
    expect(nextAvailabilityMs(pods, { minReadySeconds: 10, nowMs })).toBe(5_000);
    expect(nextAvailabilityMs(pods, { minReadySeconds: 0, nowMs })).toBeUndefined();
  });

  it('keeps the first failure until there is none', () => {
    const failure = { reason: 'FailedCreate', message: 'first' } as const;
    const failed = replicaSetStatus(replicaSet(1), [], { failure, nowMs });
    expect(failed.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'first' }]);
    const again = replicaSetStatus({ ...replicaSet(1), status: failed }, [], {
      failure: { ...failure, message: 'second' },
      nowMs: nowMs + hour,
    });
    expect(again.conditions).toEqual(failed.conditions);
    expect(replicaSetStatus({ ...replicaSet(1), status: failed }, [], { nowMs })).not.toHaveProperty('conditions');
  });
});

it('the ages of those that go are told as multiples of the youngest, of those that are ready', () => {
  const [young, middle, old] = [
    pod('young', { ...ready, ageMs: 1000 }),
    pod('middle', { ...ready, ageMs: 2000 }),
    pod('old', { ...ready, ageMs: 9000 }),
  ];
  const starting = pod('starting', { ageMs: 100 });
  expect(deletionAgeRatios([young, middle, old, starting], [starting, middle, old], nowMs)).toEqual([2, 9]);
  expect(deletionAgeRatios([young, old], [young, old], nowMs)).toEqual([]);
  expect(deletionAgeRatios([young], [], nowMs)).toEqual([]);
});
