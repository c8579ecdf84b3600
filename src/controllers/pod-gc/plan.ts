/** Which pods nobody will ever clean up. Pure. @source pkg/controller/podgc/gc_controller.go, v1.35 */
import { type corev1, isConditionTrue, isPodTerminal } from '../../api/index.ts';

type Pod = corev1.Pod;

export interface PodGcPlan {
  /** Ended pods beyond the threshold, oldest and evicted first. */
  readonly terminated: readonly Pod[];
  /** Being deleted on a node that an administrator has declared out of service. */
  readonly outOfService: readonly Pod[];
  /** Being deleted without ever having had a node. */
  readonly unscheduled: readonly Pod[];
  /** On nodes that have not been there for the quarantine. */
  readonly orphaned: readonly Pod[];
}

export interface PodGcInput {
  readonly pods: readonly Pod[];
  readonly nodes: readonly corev1.Node[];
  /** Ended pods that may stay; 0: all. */
  readonly terminatedThreshold: number;
  /** Names of nodes that have been missing for long enough. */
  readonly missingNodes: ReadonlySet<string>;
}

const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

export function planPodGc({ pods, nodes, terminatedThreshold, missingNodes }: PodGcInput): PodGcPlan {
  const ended = pods.filter(isPodTerminal);
  const surplus = terminatedThreshold > 0 ? Math.max(0, ended.length - terminatedThreshold) : 0;
  const abandoned = new Set(nodes.filter(isOutOfService).map(({ metadata }) => metadata.name));
  const isDeleting = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
  return {
    terminated: ended.sort(evictedAndOldestFirst).slice(0, surplus),
    outOfService: pods.filter((pod) => isDeleting(pod) && abandoned.has(pod.spec.nodeName ?? '')),
    unscheduled: pods.filter((pod) => isDeleting(pod) && !pod.spec.nodeName),
    orphaned: pods.filter(({ spec }) => spec.nodeName && missingNodes.has(spec.nodeName)),
  };
}

function isOutOfService({ spec, status }: corev1.Node): boolean {
  return (spec.taints ?? []).some(({ key }) => key === outOfServiceTaint) && !isConditionTrue(status.conditions, 'Ready');
}

function evictedAndOldestFirst(a: Pod, b: Pod): number {
  const evicted = (pod: Pod): number => (pod.status.reason === 'Evicted' ? 0 : 1);
  const order = ({ metadata }: Pod): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return evicted(a) - evicted(b) || (order(a) < order(b) ? -1 : 1);
}

export function formatPodGcPlan(plan: PodGcPlan): string {
  const lines = Object.entries(plan).flatMap(([why, pods]: [string, readonly Pod[]]) =>
    pods.map(({ metadata }) => `${why} ${metadata.name}`),
  );
  return lines.join('\n') || 'nothing';
}
