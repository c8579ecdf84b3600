/**
 * Which pods go first when there are too many: those whose loss hurts least.
 * @source pkg/controller/controller_utils.go ActivePodsWithRanks, v1.35
 */
import { type corev1, isPodReady, isSidecar, podReadyCondition } from '../../api/index.ts';

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

export interface DeletionOrderOptions {
  /** Active pods of the same workload on the pod's node, this one included: crowded nodes give first. */
  readonly rank: (pod: corev1.Pod) => number;
  readonly nowMs: number;
}

/** The pods in the order in which they would be deleted. */
export function inDeletionOrder(pods: readonly corev1.Pod[], options: DeletionOrderOptions): corev1.Pod[] {
  return [...pods].sort((a, b) => compare(a, b, options));
}

function compare(a: corev1.Pod, b: corev1.Pod, { rank, nowMs }: DeletionOrderOptions): number {
  return (
    Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
    phaseOf(a) - phaseOf(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    costOf(a) - costOf(b) ||
    rank(b) - rank(a) ||
    (isPodReady(a) ? compareAge(readySince(a), readySince(b), { a, b, nowMs }) : 0) ||
    restarts(b, false) - restarts(a, false) ||
    restarts(b, true) - restarts(a, true) ||
    compareAge(a.metadata.creationTimestamp, b.metadata.creationTimestamp, { a, b, nowMs })
  );
}

/**
 * Younger first, but only by order of magnitude; among pods of about one age the uid decides, which spreads the choice.
 */
function compareAge(
  timeA: string | undefined,
  timeB: string | undefined,
  { a, b, nowMs }: { readonly a: corev1.Pod; readonly b: corev1.Pod; readonly nowMs: number },
): number {
  if (timeA === timeB) return 0;
  if (!timeA || !timeB) return timeA ? 1 : -1;
  const difference = magnitude(nowMs - Date.parse(timeA)) - magnitude(nowMs - Date.parse(timeB));
  if (difference !== 0) return difference;
  return a.metadata.uid < b.metadata.uid ? -1 : 1;
}

/** The binary logarithm of an age in nanoseconds. */
function magnitude(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1e6));
}

function phaseOf(pod: corev1.Pod): number {
  return phaseOrder[pod.status?.phase ?? ''] ?? 0;
}

function costOf(pod: corev1.Pod): number {
  const text = pod.metadata.annotations?.[costAnnotation];
  return text !== undefined && /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function readySince(pod: corev1.Pod): string | undefined {
  const ready = podReadyCondition(pod);
  return ready?.status === 'True' ? ready.lastTransitionTime : undefined;
}

/** The most restarts of any container, or of any sidecar. */
function restarts(pod: corev1.Pod, sidecars: boolean): number {
  if (!sidecars) return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
  const names = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const counts = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => names.has(name)).map(({ restartCount }) => restartCount);
  return Math.max(0, ...counts);
}
