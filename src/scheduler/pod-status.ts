/**
 * What the scheduler writes into the status of a pod that it could not place: why, and which node the pod was promised.
 * @source kube-scheduler schedule_one.go (updatePod), v1.35
 */
import { corev1Resources, type corev1, getCondition, isApiError } from '../api/index.ts';
import { formatTime } from '../base/index.ts';
import type { Client } from '../client/index.ts';

export interface PodStatusChange {
  readonly condition?: { readonly reason: 'Unschedulable' | 'SchedulerError'; readonly message: string };
  /** Empty: takes a promise back; undefined: leaves it. */
  readonly nominatedNode?: string | undefined;
}

/** The patch for the pod's status; undefined when it says all that already. */
export function podStatusPatch(pod: corev1.Pod, { condition, nominatedNode }: PodStatusChange, nowMs: number): object | undefined {
  const before = getCondition(pod.status.conditions, 'PodScheduled');
  const observedGeneration = pod.metadata.generation;
  const isNew =
    condition !== undefined &&
    (before?.status !== 'False' ||
      before.reason !== condition.reason ||
      before.message !== condition.message ||
      before.observedGeneration !== observedGeneration);
  const promises = nominatedNode !== undefined && nominatedNode !== (pod.status.nominatedNodeName ?? '');
  if (!isNew && !promises) return undefined;
  const written = isNew && {
    type: 'PodScheduled',
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: (before?.status === 'False' ? before.lastTransitionTime : undefined) ?? formatTime(nowMs),
    ...(observedGeneration !== undefined && { observedGeneration }),
    ...condition,
  };
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      ...(written && { conditions: [written] }),
      ...(promises && { nominatedNodeName: nominatedNode === '' ? null : nominatedNode }),
    },
  };
}

/** A pod that is gone, or another of its name, has nothing to be told. @throws ApiError for anything else */
export async function patchPodStatus(client: Client, pod: corev1.Pod, body: object, signal: AbortSignal): Promise<void> {
  const { namespace, name } = pod.metadata;
  try {
    const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
    await client.patch(corev1Resources.pods, { namespace, name }, patch, { signal });
  } catch (error) {
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
  }
}
