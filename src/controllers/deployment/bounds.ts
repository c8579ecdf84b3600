/** How far a rollout may go at a time, in whole pods. @source pkg/controller/deployment/util, v1.35 */
import { type appsv1, scaledValue } from '../../api/index.ts';

type Deployment = appsv1.Deployment;

/** Pods that are wanted. */
export function replicasOf(object: { readonly spec: { readonly replicas?: number } }): number {
  return object.spec.replicas ?? 1;
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Pods above the wanted number; percentages round up. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** Pods that may be missing; percentages round down, but one of the two bounds is at least 1. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, replicas);
}

export function minAvailable(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? replicasOf(deployment) - maxUnavailable(deployment) : 0;
}

function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const total = replicasOf(deployment);
  const surge = scaledValue(maxSurge, { total, round: 'up' });
  const unavailable = scaledValue(maxUnavailable, { total, round: 'down' });
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** The largest int32: upstream's way to say that there is no limit. */
const unlimited = 2 ** 31 - 1;

export function progressDeadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === unlimited ? undefined : seconds * 1000;
}

export function revisionHistoryLimit({ spec }: Deployment): number | undefined {
  return spec.revisionHistoryLimit === unlimited ? undefined : spec.revisionHistoryLimit;
}
