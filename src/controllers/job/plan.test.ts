import { describe, expect, it } from 'vitest';
import type { batchv1, corev1 } from '../../api/index.ts';
import { assess } from './assess.ts';
import { at, jobOf, podOf, startMs } from './job.suite.ts';
import { formatPodsPlan, planPods } from './plan.ts';

interface World {
  readonly job: batchv1.Job;
  readonly pods?: readonly corev1.Pod[];
  readonly released?: readonly string[];
  /** Seconds after the start. */
  readonly now?: number;
  readonly settled?: boolean;
}

function plan({ job, pods = [], released = [], now = 100, settled = true }: World): string {
  const nowMs = startMs + now * 1000;
  const findings = assess({ job, pods, released: new Set(released), nowMs });
  return formatPodsPlan(planPods({ job, pods, findings, settled, nowMs }));
}

const running = (...names: string[]): corev1.Pod[] => names.map((name) => podOf(name));
const failed = (name: string, endedAt = 0, more: object = {}): corev1.Pod =>
  podOf(name, { phase: 'Failed', exitCode: 1, endedAt, ...more });
const done = (name: string, more: object = {}): corev1.Pod => podOf(name, { phase: 'Succeeded', exitCode: 0, ...more });
const indexed = (completions: number, more: Partial<batchv1.JobSpec> = {}): Partial<batchv1.JobSpec> => ({
  completionMode: 'Indexed',
  completions,
  parallelism: completions,
  ...more,
});
const suspended = { suspend: true } as const;

describe('what a Job does about its pods', () => {
  it.each<[string, World, string]>([
    ['makes its first', { job: jobOf() }, 'create 1'],
    ['makes no more at a time than it may', { job: jobOf({ parallelism: 3, completions: 10 }) }, 'create 3'],
    ['makes no more than is left to do', { job: jobOf({ parallelism: 3, completions: 10 }, { succeeded: 9 }) }, 'create 1'],
    ['makes five hundred in one go', { job: jobOf({ parallelism: 2_000, completions: 2_000 }) }, 'create 500'],
    ['makes none with parallelism 0', { job: jobOf({ parallelism: 0, completions: 3 }) }, 'keep'],
    ['keeps what runs', { job: jobOf({ parallelism: 2, completions: 5 }), pods: running('a', 'b') }, 'keep'],
    [
      'ends what is too many',
      { job: jobOf({ parallelism: 1, completions: 5 }), pods: [podOf('a', { ready: true }), podOf('b', { phase: 'Pending' })] },
      'remove b',
    ],
    [
      'counts successes that are not in the status',
      { job: jobOf({ parallelism: 2, completions: 2 }), pods: [done('a'), ...running('b')] },
      'keep',
    ],
    [
      'counts those whose uid is',
      { job: jobOf({ parallelism: 2, completions: 2 }, { uncountedTerminatedPods: { succeeded: ['a'] } }), pods: [done('a')] },
      'create 1',
    ],
    [
      'counts none twice whose finalizer has just gone',
      { job: jobOf({ parallelism: 2, completions: 3 }, { succeeded: 1 }), pods: [done('a')], released: ['a'] },
      'create 2',
    ],
    ['waits while the cache is behind', { job: jobOf(), settled: false }, 'hold'],
    ['waits while it is being deleted', { job: jobOf({}, {}, { deletionTimestamp: at(0) }) }, 'hold'],
    ['ends everything while it is suspended', { job: jobOf({ ...suspended, parallelism: 2 }), pods: running('a', 'b') }, 'remove a b'],
    ['makes nothing while it is suspended', { job: jobOf(suspended) }, 'remove'],
    ['without completions keeps its number', { job: jobOf({ parallelism: 3 }), pods: running('a') }, 'create 2'],
    ['without completions makes none after a success', { job: jobOf({ parallelism: 3 }), pods: [done('a'), ...running('b')] }, 'keep'],
    ['waits after a failure', { job: jobOf(), pods: [failed('a', 98)] }, 'wait 8 s'],
    ['waits twice as long after two', { job: jobOf(), pods: [failed('a', 80), failed('b', 98)] }, 'wait 18 s'],
    [
      'does not wait after a success that came later',
      { job: jobOf({ completions: 2 }), pods: [failed('a', 97), done('b', { endedAt: 99 })] },
      'create 1',
    ],
    [
      'gives up after too many failures',
      { job: jobOf({ backoffLimit: 1, parallelism: 3 }), pods: [failed('a'), failed('b'), ...running('c')] },
      'end c',
    ],
    ['counts a pod that is being deleted as failed', { job: jobOf({ backoffLimit: 0 }), pods: [podOf('a', { deleting: true })] }, 'end'],
    ['replaces it while it goes', { job: jobOf(), pods: [podOf('a', { deleting: true })], now: 500 }, 'create 1'],
    ['or waits for its end', { job: jobOf({ podReplacementPolicy: 'Failed' }), pods: [podOf('a', { deleting: true })] }, 'keep'],
    ['ends at its deadline', { job: jobOf({ activeDeadlineSeconds: 100 }), pods: running('a') }, 'end a'],
    ['not before', { job: jobOf({ activeDeadlineSeconds: 101 }), pods: running('a') }, 'keep'],
    ['nor while it is suspended', { job: jobOf({ ...suspended, activeDeadlineSeconds: 1 }) }, 'remove'],
    [
      'goes on ending what it began to end',
      { job: jobOf({}, { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'r' }] }), pods: running('a') },
      'end a',
    ],
    [
      'counts restarts in place',
      {
        job: jobOf({ backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure', containers: [] } } }),
        pods: [podOf('a', { restarts: 2 })],
      },
      'end a',
    ],
  ])('%s', (_, world, expected) => {
    expect(plan(world)).toBe(expected);
  });
});

describe('what an Indexed Job does about its pods', () => {
  const perIndex = { backoffLimitPerIndex: 2 } as const;
  it.each<[string, World, string]>([
    ['makes the first indexes', { job: jobOf(indexed(5, { parallelism: 2 })) }, 'create indexes 0,1'],
    [
      'makes those that are missing',
      { job: jobOf(indexed(6), { completedIndexes: '0,2' }), pods: [podOf('a', { index: 4 })] },
      'create indexes 1,3,5',
    ],
    [
      'ends the second of an index',
      { job: jobOf(indexed(2)), pods: [podOf('a', { index: 0, ready: true }), podOf('b', { index: 0 }), podOf('c', { index: 1 })] },
      'remove b',
    ],
    [
      'ends pods of no index, and of one beyond',
      { job: jobOf(indexed(2)), pods: [podOf('a'), podOf('b', { index: 2 }), podOf('c', { index: 1 })] },
      'remove a b',
    ],
    ['does not count a success beyond', { job: jobOf(indexed(2)), pods: [done('a', { index: 7 })] }, 'create indexes 0,1'],
    ['counts an index once', { job: jobOf(indexed(2)), pods: [done('a', { index: 0 }), done('b', { index: 0 })] }, 'create indexes 1'],
    ['waits with every index after a failure', { job: jobOf(indexed(2)), pods: [failed('a', 95, { index: 0 })] }, 'wait 5 s'],
    ['or with that one', { job: jobOf(indexed(2, perIndex)), pods: [failed('a', 95, { index: 0, failures: 0 })] }, 'create indexes 1'],
    ['ever longer', { job: jobOf(indexed(1, perIndex)), pods: [failed('a', 95, { index: 0, failures: 1 })] }, 'wait 15 s'],
    [
      'leaves an index that has failed',
      { job: jobOf(indexed(2, perIndex)), pods: [failed('a', 0, { index: 0, failures: 2 })] },
      'create indexes 1',
    ],
    [
      'ends when all have ended and some failed',
      { job: jobOf(indexed(2, perIndex), { completedIndexes: '1', failedIndexes: '0' }) },
      'end',
    ],
    [
      'ends when too many have failed',
      { job: jobOf(indexed(3, { ...perIndex, maxFailedIndexes: 0 }), { failedIndexes: '0' }), pods: [podOf('a', { index: 1 })] },
      'end a',
    ],
    [
      'ends when enough have succeeded',
      {
        job: jobOf(indexed(3, { successPolicy: { rules: [{ succeededCount: 1 }] } }), { completedIndexes: '2' }),
        pods: [podOf('a', { index: 1 })],
      },
      'end a',
    ],
    [
      'waits for the end of a pod that goes',
      { job: jobOf(indexed(2, { podReplacementPolicy: 'Failed' })), pods: [podOf('a', { index: 0, deleting: true })] },
      'create indexes 1',
    ],
  ])('%s', (_, world, expected) => {
    expect(plan(world)).toBe(expected);
  });
});

describe('a failure policy', () => {
  const policy = (...rules: batchv1.PodFailurePolicyRule[]): batchv1.Job => jobOf({ backoffLimit: 0, podFailurePolicy: { rules } });
  const onCode = (
    action: 'FailJob' | 'Ignore' | 'Count',
    values: number[],
    operator: 'In' | 'NotIn' = 'In',
  ): batchv1.PodFailurePolicyRule => ({
    action,
    onExitCodes: { operator, values },
  });
  const endOf = (job: batchv1.Job, pod: corev1.Pod): string => {
    const { end } = assess({ job, pods: [pod], released: new Set(), nowMs: startMs });
    return end ? `${end.reason}: ${end.message}` : 'goes on';
  };
  const limit = 'BackoffLimitExceeded: Job has reached the specified backoff limit';
  const disrupted = failed('a', 0, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
  it.each<[string, batchv1.Job, corev1.Pod, string]>([
    ['that nothing matches', policy(onCode('Ignore', [2])), failed('a'), limit],
    ['that ignores the code', policy(onCode('Ignore', [1])), failed('a'), 'goes on'],
    ['that ignores every other code', policy(onCode('Ignore', [2], 'NotIn')), failed('a'), 'goes on'],
    ['whose first match decides', policy(onCode('Count', [1]), onCode('Ignore', [1])), failed('a'), limit],
    [
      'that fails the Job by its code',
      policy(onCode('Ignore', [2]), onCode('FailJob', [1])),
      failed('a'),
      'PodFailurePolicy: Container main for pod default/a failed with exit code 1 matching FailJob rule at index 1',
    ],
    [
      'that fails the Job by a condition',
      policy({ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
      disrupted,
      'PodFailurePolicy: Pod default/a has condition DisruptionTarget matching FailJob rule at index 0',
    ],
    [
      'that asks for another container',
      policy({ action: 'Ignore', onExitCodes: { containerName: 'x', operator: 'In', values: [1] } }),
      failed('a'),
      limit,
    ],
    ['of which a pod that still goes knows no code', policy(onCode('FailJob', [1])), podOf('a', { deleting: true }), 'goes on'],
  ])('%s', (_, job, pod, expected) => {
    expect(endOf(job, pod)).toBe(expected);
  });
});
