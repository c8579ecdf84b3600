/**
 * A pod's whole status from one view of the engine. Pure: called again after every change, it says what is true now; the status
 * manager decides what of it is news.
 * @source pkg/kubelet/kubelet_pods.go generateAPIPodStatus, v1.35
 */
import { type corev1, type Draft, getCondition, isPodPhaseTerminal, podQosClass } from '../../api/index.ts';
import { type PodView, readySandbox, viewIps } from '../pods/pod-view.ts';
import { sandboxNeed } from '../pods/plan.ts';
import type { ResizePending } from '../pods/allocation.ts';
import { podConditions } from './conditions.ts';
import { type ContainerStatusInput, containerStatuses, type WaitingReason } from './container-statuses.ts';
import { podPhase } from './phase.ts';

/** Ends a pod from outside its containers: admission, eviction, deadline. */
export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
  /** Refused before anything of it ran. */
  readonly rejected?: boolean;
  /** Such as `DisruptionTarget`. */
  readonly condition?: corev1.PodCondition;
}

export interface PodStatusInput {
  readonly pod: corev1.Pod;
  readonly view: PodView;
  /** What was last written or read. */
  readonly previous: corev1.PodStatus | undefined;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly messages: ReadonlyMap<string, string>;
  readonly probes: ContainerStatusInput['probes'];
  readonly runtimeName: string;
  readonly hostIps: readonly string[];
  /** Nothing of the pod will be started again. */
  readonly ended: boolean;
  readonly verdict: PodVerdict | undefined;
  readonly resizePending?: ResizePending | undefined;
  /** RFC 3339; when the kubelet first saw the pod. */
  readonly startTime: string;
}

export function podStatus(input: PodStatusInput): corev1.PodStatus {
  const { pod, view, previous, verdict, hostIps } = input;
  const shared = {
    pod,
    view,
    waiting: input.waiting,
    messages: input.messages,
    probes: input.probes,
    runtimeName: input.runtimeName,
    ended: input.ended,
  };
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  const initStatuses = containerStatuses({
    ...shared,
    containers: initContainers,
    previous: previous?.initContainerStatuses,
    isInit: true,
  });
  const statuses = containerStatuses({ ...shared, containers, previous: previous?.containerStatuses, isInit: false });
  const ephemeral = containerStatuses({
    ...shared,
    containers: ephemeralContainers,
    previous: previous?.ephemeralContainerStatuses,
    isInit: false,
  });
  const computed = podPhase({ pod, initStatuses, statuses, ended: input.ended });
  // What has ended stays ended, and as it ended.
  const terminal = previous && isPodPhaseTerminal(previous.phase) ? previous : undefined;
  // What was ended before it could begin or go on has failed.
  const ended = input.ended && !isPodPhaseTerminal(computed) ? 'Failed' : computed;
  const phase = verdict ? 'Failed' : (terminal?.phase ?? ended);
  const reason = verdict?.reason ?? terminal?.reason;
  const message = verdict?.message ?? terminal?.message;
  const conditions = podConditions({ pod, phase, initStatuses, statuses, sandboxReady: sandboxStands(pod, view) });
  const { generation: observedGeneration } = pod.metadata;
  if (input.resizePending) {
    conditions.push({
      type: 'PodResizePending',
      status: 'True',
      ...input.resizePending,
      ...(observedGeneration && { observedGeneration }),
    });
  }
  const disruption = verdict?.condition ?? getCondition(previous?.conditions, 'DisruptionTarget');
  if (disruption) conditions.push({ ...disruption });
  const status: Draft<corev1.PodStatus> = {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(message && { message }),
    ...(reason && { reason }),
    ...addresses(pod, view, previous, hostIps),
    startTime: previous?.startTime ?? input.startTime,
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses as Draft<corev1.ContainerStatus>[] }),
    containerStatuses: statuses as Draft<corev1.ContainerStatus>[],
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral as Draft<corev1.ContainerStatus>[] }),
    qosClass: podQosClass(pod),
  };
  return status;
}

function sandboxStands(pod: corev1.Pod, view: PodView): boolean {
  return readySandbox(view) !== undefined && !sandboxNeed(pod, view).create;
}

function addresses(
  pod: corev1.Pod,
  view: PodView,
  previous: corev1.PodStatus | undefined,
  hostIps: readonly string[],
): Pick<Draft<corev1.PodStatus>, 'hostIP' | 'hostIPs' | 'podIP' | 'podIPs'> {
  const seen = viewIps(view);
  // A pod that ended keeps showing the address it had.
  const ips = pod.spec.hostNetwork ? hostIps : seen.length > 0 ? seen : (previous?.podIPs ?? []).map(({ ip }) => ip);
  return {
    ...(hostIps[0] !== undefined && { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(ips[0] !== undefined && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
  };
}

/** The status of a pod that this node refused: no container was ever looked at. */
export function rejectedStatus(pod: corev1.Pod, verdict: PodVerdict, startTime: string): corev1.PodStatus {
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase: 'Failed',
    reason: verdict.reason,
    message: verdict.message,
    startTime,
    qosClass: podQosClass(pod),
    ...(pod.status?.conditions && { conditions: pod.status.conditions }),
  };
}
