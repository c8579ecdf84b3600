import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { groupPods, type PodMetric } from './pod-groups.ts';
import { byAverage, byShare, byUtilization, byValue, isWithin, type Measured } from './replica-calculator.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
const before = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();
const tolerances = { scaleUp: 0.1, scaleDown: 0.1 };
const periods = { cpuInitializationMs: 300_000, initialReadinessMs: 30_000 };

interface PodState {
  readonly phase?: string;
  readonly ready?: boolean;
  readonly deleting?: boolean;
  /** Seconds since it started, and since its readiness changed. */
  readonly age?: number;
  readonly changed?: number;
  readonly request?: string | null;
  /** Millis of CPU; undefined: not measured. */
  readonly used?: number | undefined;
}

const pod = (name: string, state: PodState): corev1.Pod => {
  const { phase = 'Running', ready = true, deleting = false, age = 3600, changed = 3590, request = '1' } = state;
  return {
    metadata: { name, ...(deleting && { deletionTimestamp: before(5) }) },
    spec: { containers: [{ name: 'main', resources: request === null ? {} : { requests: { cpu: request } } }] },
    status: {
      phase,
      startTime: before(age),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: before(changed) }],
    },
  } as unknown as corev1.Pod;
};

const metric = (value: number): PodMetric => ({ value, timeMs: nowMs - 10_000, windowMs: 15_000 });

function measured(states: readonly PodState[], currentReplicas: number): Measured & { readonly resource: string } {
  const pods = states.map((state, i) => pod(`p${i}`, state));
  const metrics = new Map(states.flatMap(({ used }, i) => (used === undefined ? [] : [[`p${i}`, metric(used)] as const])));
  return { currentReplicas, pods, metrics, tolerances, periods, resource: 'cpu', nowMs };
}

const each = (...used: (number | undefined)[]): PodState[] => used.map((value) => ({ used: value }));

/** `replicas`, average use and utilization, or what is wrong. */
function utilization(states: readonly PodState[], target: number, currentReplicas = states.length): string {
  try {
    const { replicas, usage, utilization: part } = byUtilization(measured(states, currentReplicas), { target, container: undefined });
    return `${replicas} at ${usage}m, ${part}%`;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('replicas by utilization', () => {
  const rows: [string, readonly PodState[], number, string][] = [
    ['up', each(300, 500, 700), 30, '5 at 500m, 50%'],
    ['down', each(100, 300, 500, 250, 250), 50, '3 at 280m, 28%'],
    ['unchanged within tolerance above', each(330, 330, 330), 30, '3 at 330m, 33%'],
    ['unchanged within tolerance below', each(270, 270, 270), 30, '3 at 270m, 27%'],
    ['changed just beyond it', each(340, 340, 340), 30, '4 at 340m, 34%'],
    ['down to nothing', each(0, 0), 50, '0 at 0m, 0%'],
    // 3 × 50 % of 30 % would be 5; with a fourth at 0 the rest is 37 %: 1.23 × 4.
    ['missing pods count for nothing on the way up', each(500, 500, 500, undefined), 30, '5 at 500m, 50%'],
    ['missing pods count for all on the way down', each(100, 100, undefined), 50, '3 at 100m, 10%'],
    ['a missing pod does not turn the direction', each(400, 400, undefined), 50, '3 at 400m, 40%'],
    ['for targets beyond all, missing pods count for the target', each(1000, undefined), 300, '2 at 1000m, 100%'],
    [
      'unready pods count for nothing on the way up',
      [...each(400, 500, 700), { used: 900, ready: false, age: 100, changed: 90 }],
      30,
      '6 at 533m, 53%',
    ],
    [
      'unready pods do not count on the way down',
      [...each(100, 100), { used: 900, ready: false, age: 100, changed: 90 }],
      50,
      '1 at 100m, 10%',
    ],
    [
      'pods that fail or go do not count',
      [...each(500, 500), { used: 0, phase: 'Failed' }, { used: 0, deleting: true }],
      50,
      '4 at 500m, 50%',
    ],
    ['pending pods are unready', [...each(600), { phase: 'Pending', used: undefined }], 30, '2 at 600m, 60%'],
  ];
  // Of those that go down with an unready pod, its number is of those that are ready.
  it.each(rows)('%s', (_, states, target, expected) => expect(utilization(states, target)).toBe(expected));

  it('says what is missing', () => {
    expect(utilization([], 50)).toBe('no pods returned by selector while calculating replica count');
    expect(utilization(each(undefined), 50)).toBe('did not receive metrics for targeted pods (pods might be unready)');
    expect(utilization([{ used: 5, request: null }], 50)).toBe('missing request for cpu in container main of Pod p0');
    expect(() => byUtilization(measured(each(5), 1), { target: 5, container: 'x' })).toThrow('container x not found in Pod p0');
  });

  it('takes the requests of pods as a whole where they have them, and of sidecars', () => {
    const base = measured(each(500), 1);
    const whole = { ...base.pods[0]!, spec: { ...base.pods[0]!.spec, resources: { requests: { cpu: '2' } } } };
    expect(byUtilization({ ...base, pods: [whole] }, { target: 50, container: undefined })).toMatchObject({ utilization: 25 });
    expect(byUtilization({ ...base, pods: [whole] }, { target: 50, container: 'main' })).toMatchObject({ utilization: 50 });
    const sidecar = { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '3' } } };
    const helped = { ...base.pods[0]!, spec: { ...base.pods[0]!.spec, initContainers: [sidecar] } };
    expect(byUtilization({ ...base, pods: [helped] }, { target: 50, container: undefined })).toMatchObject({ utilization: 12 });
  });
});

describe('replicas by an average', () => {
  const rows: [string, readonly PodState[], number, number][] = [
    ['up', each(300, 500, 700), 100, 15],
    ['down', each(20, 20), 100, 1],
    ['unchanged', each(105, 105), 100, 2],
    ['missing pods count for the target on the way down', each(20, 20, undefined), 100, 2],
    ['missing pods count for nothing on the way up', each(300, undefined), 100, 3],
  ];
  it.each(rows)('%s', (_, states, target, expected) => {
    expect(byAverage(measured(states, states.length), target).replicas).toBe(expected);
  });
});

describe('replicas by a value of something else', () => {
  const pods = [pod('a', {}), pod('b', {}), pod('c', { ready: false })];
  it('are in proportion to those that are ready', () => {
    const by = (usage: number, currentReplicas = 3): number => byValue({ currentReplicas, pods, usage, target: 1000, tolerances }).replicas;
    expect([by(1000), by(1090), by(2000), by(400), by(2500, 0), by(0, 0)]).toEqual([3, 3, 4, 1, 3, 0]);
    expect(() => byValue({ currentReplicas: 1, pods: [], usage: 9000, target: 1000, tolerances })).toThrow(
      'unable to calculate ready pods',
    );
  });

  it('share it out', () => {
    const by = (usage: number, statusReplicas = 4): unknown => byShare({ statusReplicas, usage, target: 1000, tolerances });
    expect([by(4000), by(4300), by(6100), by(900)]).toEqual([
      { replicas: 4, usage: 1000 },
      { replicas: 4, usage: 1075 },
      { replicas: 7, usage: 1525 },
      { replicas: 1, usage: 225 },
    ]);
  });

  it('never overflow', () => {
    const options = { pods, usage: 1e18, target: 1, tolerances };
    expect(byValue({ ...options, currentReplicas: 1 }).replicas).toBe(2 ** 31 - 1);
    expect(byShare({ ...options, statusReplicas: 1 }).replicas).toBe(2 ** 31 - 1);
  });
});

describe('tolerance', () => {
  it('may differ by direction', () => {
    const uneven = { scaleUp: 0, scaleDown: 0.5 };
    expect([0.49, 0.5, 1, 1.01].map((ratio) => isWithin(ratio, uneven))).toEqual([false, true, true, false]);
  });
});

describe('a pod that was started lately', () => {
  const rows: [string, PodState, 'ready' | 'unready'][] = [
    ['counts when a whole window was measured since it became ready', { age: 200, changed: 60 }, 'ready'],
    ['does not before', { age: 200, changed: 20 }, 'unready'],
    ['does not while it is not ready', { age: 200, changed: 190, ready: false }, 'unready'],
    ['counts after five minutes, whenever it became ready', { age: 400, changed: 1 }, 'ready'],
    ['does not when it was never ready', { age: 400, changed: 390, ready: false }, 'unready'],
    ['counts when it was ready once', { age: 400, changed: 100, ready: false }, 'ready'],
  ];
  it.each(rows)('%s', (_, state, expected) => {
    const options = { periods, nowMs };
    const groups = groupPods([pod('a', state)], new Map([['a', metric(1)]]), { ...options, resource: 'cpu' });
    expect(groups.ready === 1 ? 'ready' : 'unready').toBe(expected);
    expect(groupPods([pod('a', state)], new Map([['a', metric(1)]]), { ...options, resource: 'memory' }).ready).toBe(1);
  });
});
