/**
 * Events of the queue itself, and what a change of a waiting pod is to the plugins.
 * @source kube-scheduler framework/events.go, v1.35
 */
import { type corev1, podRequests } from '../../api/index.ts';
import { Action, type ClusterEvent } from '../framework/index.ts';

export const queueEvents = {
  unscheduledPodAdd: { resource: 'Pod', actions: Action.Add, label: 'UnschedulablePodAdd' },
  scheduleAttemptFailure: { resource: '*', actions: 0, label: 'ScheduleAttemptFailure' },
  backoffComplete: { resource: '*', actions: 0, label: 'BackoffComplete' },
  forceActivate: { resource: '*', actions: 0, label: 'ForceActivate' },
  unschedulableTimeout: { resource: '*', actions: Action.All, label: 'UnschedulableTimeout' },
} as const satisfies Readonly<Record<string, ClusterEvent>>;

const named: readonly (readonly [number, string])[] = [
  [Action.UpdatePodLabel, 'UpdatePodLabel'],
  [Action.UpdatePodScaleDown, 'UpdatePodScaleDown'],
  [Action.UpdatePodToleration, 'UpdatePodToleration'],
  [Action.UpdatePodSchedulingGatesEliminated, 'UpdatePodSchedulingGatesEliminated'],
  [Action.UpdatePodGeneratedResourceClaim, 'UpdatePodGeneratedResourceClaim'],
];

/** Whatever else of the pod may matter to a plugin that asks for every event. */
const otherUpdate = 1 << 13;

/** Each thing about the pod that changed and that plugins may ask to hear of; none when only its status did. */
export function podChanges(old: corev1.Pod, pod: corev1.Pod): ClusterEvent[] {
  let actions = 0;
  if (differ(old.metadata.labels, pod.metadata.labels)) actions |= Action.UpdatePodLabel;
  if (someRequestShrank(old, pod)) actions |= Action.UpdatePodScaleDown;
  if (differ(old.spec.tolerations, pod.spec.tolerations)) actions |= Action.UpdatePodToleration;
  if ((old.spec.schedulingGates?.length ?? 0) > 0 && (pod.spec.schedulingGates?.length ?? 0) === 0)
    actions |= Action.UpdatePodSchedulingGatesEliminated;
  if (differ(old.status.resourceClaimStatuses, pod.status.resourceClaimStatuses)) actions |= Action.UpdatePodGeneratedResourceClaim;
  if (actions === 0) {
    const isOther = differ(old.metadata.annotations, pod.metadata.annotations) || differ(old.spec, pod.spec);
    return isOther ? [{ resource: 'Pod', actions: otherUpdate, label: 'PodUpdate' }] : [];
  }
  return named.flatMap(([action, name]): ClusterEvent[] =>
    (actions & action) === 0 ? [] : [{ resource: 'Pod', actions: action, label: `Pod${name}` }],
  );
}

function someRequestShrank(old: corev1.Pod, pod: corev1.Pod): boolean {
  if (old.spec === pod.spec && old.status.containerStatuses === pod.status.containerStatuses) return false;
  const after = podRequests(pod, { useStatusResources: true });
  for (const [name, before] of podRequests(old, { useStatusResources: true })) {
    const now = after.get(name);
    if (!now || now.compare(before) < 0) return true;
  }
  return false;
}

function differ(a: unknown, b: unknown): boolean {
  return a !== b && JSON.stringify(a) !== JSON.stringify(b);
}
