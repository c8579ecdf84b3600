/**
 * What a ReplicaSet (or a ReplicationController) needs: pods to make, pods to delete, and the status to show. Pure; it neither
 * reads caches nor writes.
 * @source pkg/controller/replicaset, v1.35
 */
import { type appsv1, type corev1, isPodAvailable, isPodReady, isPodTerminal, isPodTerminating, labelsMatcher } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { omitZero } from '../semantic-equal.ts';
import { inDeletionOrder } from '../workload/deletion-order.ts';

/** Whose pods are counted. */
export type ReplicaOwner = appsv1.ReplicaSet | corev1.ReplicationController;

/** Most pods made or deleted in one go. */
const burstReplicas = 500;

export interface ReplicaPlan {
  readonly create: number;
  readonly remove: readonly corev1.Pod[];
}

/**
 * @param pods active pods that it controls
 * @param options.related active pods of every object of the kind with the same owner; asked for when some pods have to go
 */
export function planReplicas(
  { spec }: ReplicaOwner,
  pods: readonly corev1.Pod[],
  options: { readonly related: () => readonly corev1.Pod[]; readonly nowMs: number },
): ReplicaPlan {
  const surplus = pods.length - (spec.replicas ?? 1);
  if (surplus <= 0) return { create: Math.min(-surplus, burstReplicas), remove: [] };
  if (surplus >= pods.length) return { create: 0, remove: pods.slice(0, burstReplicas) };
  const onNode = new Map<string, number>();
  for (const pod of options.related()) onNode.set(pod.spec.nodeName ?? '', (onNode.get(pod.spec.nodeName ?? '') ?? 0) + 1);
  const rank = (pod: corev1.Pod): number => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  const ordered = inDeletionOrder(pods, { rank, nowMs: options.nowMs });
  return { create: 0, remove: ordered.slice(0, Math.min(surplus, burstReplicas)) };
}

export function formatReplicaPlan({ create, remove }: ReplicaPlan): string {
  const lines = remove.map((pod) => `delete ${pod.metadata.name}`);
  if (create > 0) lines.push(`create ${create}`);
  return lines.join('\n') || 'nothing';
}

/** A failure to bring the pods to their number, for the status. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/**
 * @param owned every pod that it controls
 * @param options.failure what went wrong this time
 */
export function replicaSetStatus(
  replicaSet: ReplicaOwner,
  owned: readonly corev1.Pod[],
  options: { readonly failure?: ReplicaFailure | undefined; readonly nowMs: number },
): appsv1.ReplicaSetStatus {
  const { failure, nowMs } = options;
  const { spec, metadata, status } = replicaSet;
  const template = labelsMatcher(spec.template?.metadata?.labels ?? {});
  const minReadySeconds = spec.minReadySeconds ?? 0;
  const conditions = conditionsWith(status?.conditions ?? [], failure, nowMs);
  const counts = { active: 0, labelled: 0, ready: 0, available: 0, terminating: 0 };
  // One round: there may be thousands, and this is asked whenever some of them have changed.
  for (const pod of owned) {
    if (isPodTerminal(pod)) continue;
    if (isPodTerminating(pod)) {
      counts.terminating++;
      continue;
    }
    counts.active++;
    if (template.matches(pod.metadata.labels)) counts.labelled++;
    if (!isPodReady(pod)) continue;
    counts.ready++;
    if (minReadySeconds === 0 || isPodAvailable(pod, { minReadySeconds, nowMs })) counts.available++;
  }
  return {
    replicas: counts.active,
    ...omitZero({
      fullyLabeledReplicas: counts.labelled,
      readyReplicas: counts.ready,
      availableReplicas: counts.available,
      observedGeneration: metadata.generation,
    }),
    terminatingReplicas: counts.terminating,
    ...(conditions.length > 0 && { conditions }),
  };
}

/** A failure condition that is there keeps its first reason until the failure is over. */
function conditionsWith(
  conditions: readonly appsv1.ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): readonly appsv1.ReplicaSetCondition[] {
  const known = conditions.some(({ type }) => type === 'ReplicaFailure');
  if (!failure) return known ? conditions.filter(({ type }) => type !== 'ReplicaFailure') : conditions;
  if (known) return conditions;
  return [...conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(nowMs), ...failure }];
}
