/** What a StatefulSet says of itself. Pure. @source pkg/controller/statefulset/stateful_set_control.go (updateStatus), v1.35 */
import { type appsv1, isPodAvailable, isPodReady, isPodTerminating } from '../../api/index.ts';
import { omitZero } from '../semantic-equal.ts';
import { revisionOf } from './identity.ts';
import { ordinalOf, replicasOf } from './ordinals.ts';
import type { StatefulSetView } from './plan.ts';

/**
 * @param options.outdatedDeleted how many pods of the current version an update took away just now: they count no more
 */
export function statefulSetStatus(
  view: StatefulSetView,
  options: { readonly collisionCount: number; readonly outdatedDeleted: number },
): appsv1.StatefulSetStatus {
  const { set, current, update, nowMs } = view;
  const { updateStrategy, minReadySeconds = 0 } = set.spec;
  const pods = view.pods.filter((pod) => ordinalOf(set, pod) !== undefined);
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  const staying = pods.filter((pod) => !isPodTerminating(pod));
  const readyReplicas = ready.length;
  const updatedReplicas = staying.filter((pod) => revisionOf(pod) === update.name).length;
  const currentReplicas = staying.filter((pod) => revisionOf(pod) === current.name).length - options.outdatedDeleted;
  const wanted = replicasOf(set);
  const isComplete =
    updateStrategy?.type === 'RollingUpdate' && updatedReplicas === wanted && readyReplicas === wanted && pods.length === wanted;
  return {
    ...omitZero({
      observedGeneration: set.metadata.generation,
      readyReplicas,
      currentReplicas: isComplete ? updatedReplicas : currentReplicas,
      updatedReplicas,
    }),
    replicas: pods.length,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, { minReadySeconds, nowMs })).length,
    currentRevision: isComplete ? update.name : current.name,
    updateRevision: update.name,
    collisionCount: options.collisionCount,
  };
}

const compared = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'currentRevision',
  'updateRevision',
] as const satisfies readonly (keyof appsv1.StatefulSetStatus)[];

/** Whether the status says something that the stored one does not. */
export function isNews(status: appsv1.StatefulSetStatus, stored: appsv1.StatefulSetStatus | undefined): boolean {
  if ((status.observedGeneration ?? 0) > (stored?.observedGeneration ?? 0)) return true;
  return compared.some((field) => (status[field] ?? 0) !== (stored?.[field] ?? 0));
}
