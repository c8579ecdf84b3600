/**
 * Questions that several components ask about a pod's state, answered in one place.
 * @source pkg/api/v1/pod/util.go, v1.35
 */
import { getCondition, isConditionTrue } from './conditions.ts';
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from './gen/core-v1.ts';

type PodLike = { readonly status?: Pick<PodStatus, 'phase' | 'conditions'> };

/** Succeeded or Failed: the pod's containers will never run again. */
export function isPodPhaseTerminal(phase: PodStatus['phase']): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

export function isPodTerminal(pod: PodLike): boolean {
  return isPodPhaseTerminal(pod.status?.phase);
}

/** Deletion has been asked for. */
export function isPodTerminating(pod: { readonly metadata: Pick<Pod['metadata'], 'deletionTimestamp'> }): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Neither ended nor being deleted: what a workload controller counts. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isPodTerminating(pod);
}

export function podReadyCondition(pod: PodLike): PodCondition | undefined {
  return getCondition(pod.status?.conditions, 'Ready');
}

/** Ready to serve, whatever its deletion state. */
export function isPodReady(pod: PodLike): boolean {
  return isConditionTrue(pod.status?.conditions, 'Ready');
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: PodLike, options: { readonly minReadySeconds: number; readonly nowMs: number }): boolean {
  const ready = podReadyCondition(pod);
  if (ready?.status !== 'True') return false;
  if (options.minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && Date.parse(ready.lastTransitionTime) + options.minReadySeconds * 1000 <= options.nowMs;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Pick<Container, 'restartPolicy'>): boolean {
  return container.restartPolicy === 'Always';
}

export function containerStatusOf(statuses: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return statuses?.find((status) => status.name === name);
}
