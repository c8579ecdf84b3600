/**
 * The status of a Deployment, from its ReplicaSets and from the status it had. Pure.
 * @source pkg/controller/deployment/progress.go and util, v1.35
 */
import { type appsv1, getCondition } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { omitZero } from '../semantic-equal.ts';
import { maxUnavailable, progressDeadlineMs, replicasOf } from './bounds.ts';
import { allOf, availablePods, type Family } from './scaling.ts';

type Deployment = appsv1.Deployment;
type Status = appsv1.DeploymentStatus;
type Condition = appsv1.DeploymentCondition;

/** The condition with a new reason; its transition time stays while its status does, and nothing changes while the reason does not. */
export function withCondition(
  conditions: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime' | 'lastUpdateTime'>,
  nowMs: number,
): Condition[] {
  const current = getCondition(conditions, condition.type);
  if (current && current.status === condition.status && current.reason === condition.reason) return [...conditions];
  return replaceCondition(conditions, condition, nowMs);
}

function replaceCondition(
  conditions: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime' | 'lastUpdateTime'>,
  nowMs: number,
): Condition[] {
  const now = formatTime(nowMs);
  const current = getCondition(conditions, condition.type);
  const lastTransitionTime = current?.status === condition.status ? (current.lastTransitionTime ?? now) : now;
  return [...without(conditions, condition.type), { ...condition, lastUpdateTime: now, lastTransitionTime }];
}

function without(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

/** Everything that the Deployment asks for stands, and nothing else. */
export function isComplete(deployment: Deployment, status: Status): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Counts and the Available condition; the other conditions are those it had. */
export function countedStatus(deployment: Deployment, family: Family, nowMs: number): Status {
  const all = allOf(family);
  const replicas = all.reduce((total, { status }) => total + (status?.replicas ?? 0), 0);
  const available = availablePods(all);
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  const { collisionCount, conditions = [] } = deployment.status ?? {};
  const terminating = all.map(({ status }) => status?.terminatingReplicas);
  return {
    ...omitZero({
      observedGeneration: deployment.metadata.generation,
      replicas,
      updatedReplicas: family.current?.status?.replicas,
      readyReplicas: all.reduce((total, { status }) => total + (status?.readyReplicas ?? 0), 0),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, replicas - available),
    }),
    ...(!terminating.includes(undefined) && { terminatingReplicas: terminating.reduce<number>((total, count) => total + (count ?? 0), 0) }),
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: withCondition(
      conditions,
      enough
        ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
        : {
            type: 'Available',
            status: 'False',
            reason: 'MinimumReplicasUnavailable',
            message: 'Deployment does not have minimum availability.',
          },
      nowMs,
    ),
  };
}

/** The status during a rollout, with the Progressing and ReplicaFailure conditions. */
export function rolloutStatus(deployment: Deployment, family: Family, nowMs: number): Status {
  const status = countedStatus(deployment, family, nowMs);
  const conditions = withFailure(withProgress(deployment, { family, status, nowMs }), family);
  return { ...status, conditions };
}

interface Progress {
  readonly family: Family;
  readonly status: Status;
  readonly nowMs: number;
}

function withProgress(deployment: Deployment, { family, status, nowMs }: Progress): readonly Condition[] {
  const { conditions = [] } = status;
  if (progressDeadlineMs(deployment) === undefined) return without(conditions, 'Progressing');
  const current = getCondition(deployment.status?.conditions, 'Progressing');
  const subject = family.current ? `ReplicaSet "${family.current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  // A rollout that has ended is not estimated again when pods come and go.
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable') return conditions;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(conditions, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message }, nowMs);
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    // The time of the last progress counts, so the condition is written anew even with the same reason.
    const message = `${subject} is progressing.`;
    return replaceCondition(conditions, { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message }, nowMs);
  }
  if (hasTimedOut(deployment, current, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(conditions, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message }, nowMs);
  }
  return conditions;
}

function hasProgressed(old: Status, now: Status): boolean {
  const stale = (status: Status): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    stale(now) < stale(old) ||
    (now.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, current: Condition | undefined, nowMs: number): boolean {
  if (!current || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(current.lastUpdateTime ?? '') + (progressDeadlineMs(deployment) ?? Infinity) < nowMs;
}

/** The failure of the new ReplicaSet, or else of any. */
function withFailure(conditions: readonly Condition[], family: Family): readonly Condition[] {
  const ordered = family.current ? [family.current, ...family.old] : family.old;
  const failure = ordered.flatMap(({ status }) => status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure');
  if (!failure) return without(conditions, 'ReplicaFailure');
  const current = getCondition(conditions, 'ReplicaFailure');
  if (current && current.status === failure.status && current.reason === failure.reason) return conditions;
  const at = failure.lastTransitionTime;
  return [...without(conditions, 'ReplicaFailure'), { ...failure, ...(at !== undefined && { lastUpdateTime: at }) }];
}

/** The conditions after the Deployment was paused or resumed: time spent paused is not lack of progress. */
export function pauseConditions(deployment: Deployment, nowMs: number): readonly Condition[] {
  const { conditions = [] } = deployment.status ?? {};
  const current = getCondition(conditions, 'Progressing');
  if (progressDeadlineMs(deployment) === undefined || current?.reason === 'ProgressDeadlineExceeded') return conditions;
  const known = current?.reason === 'DeploymentPaused';
  const paused = deployment.spec.paused === true;
  if (paused === known) return conditions;
  const condition = paused
    ? { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }
    : { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  return withCondition(conditions, condition, nowMs);
}

/** Milliseconds until the progress deadline should be looked at; undefined when there is nothing to look for. */
export function progressCheckMs(deployment: Deployment, status: Status, nowMs: number): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const current = getCondition(status.conditions, 'Progressing');
  if (deadlineMs === undefined || !current || isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded')
    return undefined;
  // A second more, since times in conditions are whole seconds.
  return Math.max(0, Date.parse(current.lastUpdateTime ?? '') + deadlineMs - nowMs) + 1000;
}
