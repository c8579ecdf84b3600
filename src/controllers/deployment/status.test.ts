import { describe, expect, it } from 'vitest';
import type { appsv1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { progressCheckMs, pauseConditions, rolloutStatus } from './status.ts';

const startMs = Date.UTC(2026, 0, 1);

function deployment(changes: Partial<appsv1.DeploymentSpec> = {}, status: appsv1.DeploymentStatus = {}): appsv1.Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: formatTime(startMs), generation: 2 },
    spec: { replicas: 2, selector: {}, template: {}, progressDeadlineSeconds: 600, ...changes },
    status,
  };
}

function replicaSet(status: Partial<appsv1.ReplicaSetStatus>, replicas = 2): appsv1.ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-x', namespace: 'ns', uid: 'r', resourceVersion: '1', creationTimestamp: formatTime(startMs) },
    spec: { replicas, selector: {} },
    status: { replicas, terminatingReplicas: 0, ...status },
  };
}

const say = (status: appsv1.DeploymentStatus): string[] =>
  (status.conditions ?? []).map(({ type, status: value, reason, message }) => `${type}=${value} ${reason}: ${message}`);

describe('the status of a rollout', () => {
  it('goes from progress to completion and then stays', () => {
    const first = rolloutStatus(deployment(), { current: replicaSet({ replicas: 2 }), old: [] }, startMs);
    expect(say(first)).toEqual([
      'Available=False MinimumReplicasUnavailable: Deployment does not have minimum availability.',
      'Progressing=True ReplicaSetUpdated: ReplicaSet "web-x" is progressing.',
    ]);
    expect(first).toMatchObject({ replicas: 2, updatedReplicas: 2, unavailableReplicas: 2, observedGeneration: 2, terminatingReplicas: 0 });
    expect(first).not.toHaveProperty('readyReplicas');
    const ready = replicaSet({ readyReplicas: 2, availableReplicas: 2 });
    const second = rolloutStatus(deployment({}, first), { current: ready, old: [] }, startMs + 5_000);
    expect(say(second)).toEqual([
      'Available=True MinimumReplicasAvailable: Deployment has minimum availability.',
      'Progressing=True NewReplicaSetAvailable: ReplicaSet "web-x" has successfully progressed.',
    ]);
    expect(second.conditions?.[1]).toMatchObject({ lastTransitionTime: formatTime(startMs), lastUpdateTime: formatTime(startMs + 5_000) });
    const broken = rolloutStatus(
      deployment({}, second),
      { current: replicaSet({ readyReplicas: 1, availableReplicas: 1 }), old: [] },
      startMs + 9_000_000,
    );
    expect(say(broken)[1]).toMatch(/^Available=False|^Progressing=True NewReplicaSetAvailable/);
    expect(broken.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  it('times out when nothing moved for the deadline, and says when to look', () => {
    const first = rolloutStatus(deployment(), { current: replicaSet({}), old: [] }, startMs);
    expect(progressCheckMs(deployment(), first, startMs + 100_000)).toBe(501_000);
    const soon = rolloutStatus(deployment({}, first), { current: replicaSet({}), old: [] }, startMs + 600_000);
    expect(soon.conditions?.[1]?.reason).toBe('ReplicaSetUpdated');
    const late = rolloutStatus(deployment({}, soon), { current: replicaSet({}), old: [] }, startMs + 601_000);
    expect(say(late)[1]).toBe('Progressing=False ProgressDeadlineExceeded: ReplicaSet "web-x" has timed out progressing.');
    expect(progressCheckMs(deployment(), late, startMs)).toBeUndefined();
  });

  it('shows the failure of its ReplicaSet and forgets it when it is over', () => {
    const conditions = [
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: formatTime(startMs) },
    ];
    const failing = rolloutStatus(deployment(), { current: replicaSet({ conditions }), old: [] }, startMs);
    expect(say(failing).at(-1)).toBe('ReplicaFailure=True FailedCreate: quota');
    expect(say(rolloutStatus(deployment({}, failing), { current: replicaSet({}), old: [] }, startMs)).join()).not.toContain(
      'ReplicaFailure',
    );
  });

  it('has no Progressing condition without a deadline', () => {
    const status = rolloutStatus(deployment({ progressDeadlineSeconds: 2 ** 31 - 1 }), { current: replicaSet({}), old: [] }, startMs);
    expect(say(status)).toHaveLength(1);
  });

  it('does not count time spent paused', () => {
    const paused = pauseConditions(deployment({ paused: true }), startMs);
    expect(paused).toMatchObject([{ status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }]);
    const resumed = pauseConditions(deployment({}, { conditions: paused }), startMs + 9_000_000);
    expect(resumed).toMatchObject([{ reason: 'DeploymentResumed', lastUpdateTime: formatTime(startMs + 9_000_000) }]);
    expect(pauseConditions(deployment({}, { conditions: resumed }), startMs)).toBe(resumed);
  });
});
