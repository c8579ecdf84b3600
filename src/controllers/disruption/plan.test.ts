import { describe, expect, it } from 'vitest';
import type { corev1, policyv1 } from '../../api/index.ts';
import { failedStatus, formatBudgetStatus, needsScale, planBudget } from './plan.ts';

const nowMs = Date.parse('2030-01-01T00:10:00Z');

interface PodState {
  readonly ready?: boolean;
  readonly deleting?: boolean;
}

const pod = (name: string, { ready = true, deleting = false }: PodState = {}): corev1.Pod =>
  ({
    metadata: { name, ...(deleting && { deletionTimestamp: '2030-01-01T00:09:00Z' }) },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }) as unknown as corev1.Pod;

const pods = (count: number, state?: PodState): corev1.Pod[] => Array.from({ length: count }, (_, i) => pod(`p${i}`, state));

const budget = (
  spec: policyv1.PodDisruptionBudgetSpec,
  status: Partial<policyv1.PodDisruptionBudgetStatus> = {},
): policyv1.PodDisruptionBudget => ({ metadata: { name: 'web', generation: 3 }, spec, status }) as unknown as policyv1.PodDisruptionBudget;

describe('a disruption budget', () => {
  const rows: [string, policyv1.PodDisruptionBudgetSpec, readonly corev1.Pod[], number, string][] = [
    ['of a number', { minAvailable: 2 }, pods(3), 0, '3 healthy of 3, needs 2, allows 1: SufficientPods'],
    [
      'of a number counts its pods, not those that should be',
      { minAvailable: 2 },
      pods(3),
      10,
      '3 healthy of 3, needs 2, allows 1: SufficientPods',
    ],
    ['of more than there are', { minAvailable: 5 }, pods(3), 0, '3 healthy of 3, needs 5, allows 0: InsufficientPods'],
    ['of a part rounds up what must stay', { minAvailable: '30%' }, pods(5), 5, '5 healthy of 5, needs 2, allows 3: SufficientPods'],
    ['of all', { minAvailable: '100%' }, pods(3), 3, '3 healthy of 3, needs 3, allows 0: InsufficientPods'],
    ['of what may go', { maxUnavailable: 1 }, pods(3), 3, '3 healthy of 3, needs 2, allows 1: SufficientPods'],
    [
      'of what may go counts pods that are missing',
      { maxUnavailable: 1 },
      pods(2),
      3,
      '2 healthy of 3, needs 2, allows 0: InsufficientPods',
    ],
    ['of a part that may go rounds up', { maxUnavailable: '10%' }, pods(5), 5, '5 healthy of 5, needs 4, allows 1: SufficientPods'],
    ['of more than there are that may go', { maxUnavailable: 9 }, pods(3), 3, '3 healthy of 3, needs 0, allows 3: SufficientPods'],
    ['of nothing that may go', { maxUnavailable: 0 }, pods(3), 3, '3 healthy of 3, needs 3, allows 0: InsufficientPods'],
    ['of no pods allows nothing', { maxUnavailable: 1 }, [], 0, '0 healthy of 0, needs 0, allows 0: InsufficientPods'],
    ['that says nothing allows nothing', {}, pods(3), 3, '3 healthy of 0, needs 0, allows 0: InsufficientPods'],
    [
      'counts no pod that is not ready',
      { minAvailable: 1 },
      [...pods(1), pod('sick', { ready: false })],
      0,
      '1 healthy of 2, needs 1, allows 0: InsufficientPods',
    ],
    [
      'counts no pod that is going',
      { minAvailable: 1 },
      [...pods(1), pod('going', { deleting: true })],
      0,
      '1 healthy of 2, needs 1, allows 0: InsufficientPods',
    ],
  ];
  it.each(rows)('%s', (_, spec, covered, scale, expected) => {
    expect(formatBudgetStatus(planBudget(budget(spec), { pods: covered, scale, nowMs }))).toBe(expected);
  });

  it('needs the scale of controllers for parts and for what may go', () => {
    const specs = [{ minAvailable: 2 }, { minAvailable: '2%' }, { maxUnavailable: 2 }, { maxUnavailable: '2%' }, {}];
    expect(specs.map((spec) => needsScale(budget(spec)))).toEqual([false, true, true, true, false]);
  });

  it('does not count pods whose eviction was granted, until it is overdue', () => {
    const disruptedPods = {
      p0: '2030-01-01T00:09:00Z',
      p1: '2030-01-01T00:07:59Z',
      p2: '2030-01-01T00:08:00Z',
      gone: '2030-01-01T00:09:59Z',
    };
    const plan = planBudget(budget({ minAvailable: 1 }, { disruptedPods }), { pods: pods(4), scale: 0, nowMs });
    expect(formatBudgetStatus(plan)).toBe(
      ['3 healthy of 4, needs 1, allows 2: SufficientPods', 'awaits the end of p0, p2 for 1 ms', 'p1 was not deleted'].join('\n'),
    );
    expect(plan.status.disruptedPods).toEqual({ p0: '2030-01-01T00:09:00Z', p2: '2030-01-01T00:08:00Z' });
  });

  it('forgets granted evictions of pods that are being deleted', () => {
    const disruptedPods = { p0: '2030-01-01T00:09:00Z' };
    const plan = planBudget(budget({ minAvailable: 1 }, { disruptedPods }), { pods: [pod('p0', { deleting: true })], scale: 0, nowMs });
    expect(plan).toMatchObject({ lookAgainMs: undefined, notDeleted: [] });
    expect(plan.status.disruptedPods).toBeUndefined();
  });

  it('says which generation it saw, and since when its condition holds', () => {
    const old = {
      type: 'DisruptionAllowed',
      status: 'True',
      reason: 'SufficientPods',
      message: '',
      lastTransitionTime: '2029-01-01T00:00:00Z',
    };
    const plan = planBudget(budget({ minAvailable: 1 }, { conditions: [old] }), { pods: pods(2), scale: 0, nowMs });
    expect(plan.status).toMatchObject({ observedGeneration: 3, conditions: [{ ...old, observedGeneration: 3 }] });
  });

  it('that cannot be computed allows nothing and keeps the rest', () => {
    const status = { currentHealthy: 3, desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1, observedGeneration: 2 };
    expect(failedStatus(budget({}, status), 'found no controllers for pod "p0"', nowMs)).toEqual({
      ...status,
      disruptionsAllowed: 0,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: 'False',
          reason: 'SyncFailed',
          message: 'found no controllers for pod "p0"',
          observedGeneration: 2,
          lastTransitionTime: '2030-01-01T00:10:00Z',
        },
      ],
    });
  });
});
