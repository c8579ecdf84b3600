/**
 * A pod's phase from its containers' states. Pure.
 * @source pkg/kubelet/kubelet_pods.go getPhase, v1.35
 */
import { containerStatusOf, type corev1, isSidecar } from '../../api/index.ts';

export type PodPhase = NonNullable<corev1.PodStatus['phase']>;

export interface PhaseInput {
  readonly pod: corev1.Pod;
  readonly initStatuses: readonly corev1.ContainerStatus[];
  readonly statuses: readonly corev1.ContainerStatus[];
  /** The kubelet has stopped the pod: nothing will be started again whatever the restart policy says. */
  readonly ended: boolean;
}

export function podPhase({ pod, initStatuses, statuses, ended }: PhaseInput): PodPhase {
  const { restartPolicy = 'Always' } = pod.spec;
  const init = countInit(pod, initStatuses);
  if (init.failed > 0 && restartPolicy === 'Never') return 'Failed';
  const counts = countRegular(pod, statuses);
  const started = counts.running + counts.stopped > 0;
  if (init.pending > 0 && !started) return ended && init.failed > 0 ? 'Failed' : 'Pending';
  if (counts.waiting > 0) return 'Pending';
  if (counts.running > 0 && counts.unknown === 0) return 'Running';
  if (counts.running > 0 || counts.stopped === 0 || counts.unknown > 0) return 'Pending';
  if (counts.stopped === counts.succeeded) return ended || restartPolicy !== 'Always' ? 'Succeeded' : 'Running';
  if (ended || restartPolicy === 'Never') return 'Failed';
  return 'Running';
}

function countInit(pod: corev1.Pod, statuses: readonly corev1.ContainerStatus[]): { readonly pending: number; readonly failed: number } {
  let pending = 0;
  let failed = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const status = containerStatusOf(statuses, container.name);
    const state = status?.state;
    if (isSidecar(container)) {
      if (!status?.started || !state?.running) pending++;
    } else if (state?.terminated) {
      if (state.terminated.exitCode !== 0) failed++;
    } else {
      pending++;
      if (state?.waiting && (status?.lastState?.terminated?.exitCode ?? 0) !== 0) failed++;
    }
  }
  return { pending: pending + failed, failed };
}

function countRegular(pod: corev1.Pod, statuses: readonly corev1.ContainerStatus[]) {
  const counts = { unknown: 0, running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const { name } of pod.spec.containers) {
    const status = containerStatusOf(statuses, name);
    const state = status?.state;
    if (state?.running) counts.running++;
    else if (state?.terminated) {
      counts.stopped++;
      if (state.terminated.exitCode === 0) counts.succeeded++;
    } else if (state?.waiting) {
      // It ran before and waits for its next start: it counts as what it was.
      if (status?.lastState?.terminated) counts.stopped++;
      else counts.waiting++;
    } else counts.unknown++;
  }
  return counts;
}
