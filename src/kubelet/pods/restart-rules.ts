/**
 * Whether a container that ended is started again: the pod's restart policy, a container's own policy and its rules on exit codes.
 * Pure.
 * @source pkg/kubelet/container/helpers.go ShouldContainerBeRestarted, KEP-5307 container restart rules, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { newestContainer, type PodView } from './pod-view.ts';

type Restartable = Pick<corev1.Container, 'name' | 'restartPolicy' | 'restartPolicyRules'>;

/** The policy of one container after `exitCode`: rules first, then its own policy, then the pod's. */
export function restartsAfter(pod: corev1.Pod, container: Restartable, exitCode: number): boolean {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    if (exitCodes && (exitCodes.operator === 'In' ? listed : !listed)) return action === 'Restart';
  }
  switch (container.restartPolicy ?? pod.spec.restartPolicy) {
    case 'Never':
      return false;
    case 'OnFailure':
      return exitCode !== 0;
    default:
      return true;
  }
}

/** True when the container is to be started (again) at the next chance. */
export function shouldRestart(pod: corev1.Pod, container: Restartable, view: PodView): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const newest = newestContainer(view, container.name);
  if (!newest) return true;
  if (newest.state === 'running') return false;
  // A container that was created but never started failed to start; an unknown one has to be made anew.
  if (newest.state === 'created' || newest.state === 'unknown') return true;
  return restartsAfter(pod, container, newest.exitCode);
}

/** Init containers are tried again unless the pod's policy, or their own, is Never. */
export function initRestartsOnFailure(pod: corev1.Pod, container: Restartable, exitCode: number): boolean {
  if (container.restartPolicy === undefined && !container.restartPolicyRules) return pod.spec.restartPolicy !== 'Never';
  return restartsAfter(pod, container, exitCode);
}
