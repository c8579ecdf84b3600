/**
 * The container statuses of a pod from one view of the engine, what was stored before, and why starts failed. Pure.
 * @source pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses, v1.35
 */
import { containerStatusOf, type corev1, type Draft, isSidecar } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { shouldRestart } from '../pods/restart-rules.ts';
import type { ContainerView, PodView } from '../pods/pod-view.ts';
import type { AnyContainer } from '../seams.ts';

/** Why a container does not run, such as `ImagePullBackOff`, with its message. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

export interface ContainerStatusInput {
  readonly pod: corev1.Pod;
  readonly view: PodView;
  readonly containers: readonly AnyContainer[];
  readonly previous: readonly corev1.ContainerStatus[] | undefined;
  readonly isInit: boolean;
  /** By container name; what the last try to start it ended with. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Termination messages by container id. */
  readonly messages: ReadonlyMap<string, string>;
  readonly probes: (containerId: string) => { readonly started: boolean; readonly ready: boolean };
  /** Nothing of the pod will be started again. */
  readonly ended: boolean;
  /** Such as `containerd`; container ids are `containerd://ID`. */
  readonly runtimeName: string;
}

type StatusDraft = Draft<corev1.ContainerStatus>;

export function containerStatuses(input: ContainerStatusInput): corev1.ContainerStatus[] {
  return input.containers.map((container) => oneStatus(container, input));
}

function oneStatus(container: AnyContainer, input: ContainerStatusInput): corev1.ContainerStatus {
  const instances = input.view.containers.filter(({ name }) => name === container.name);
  const [newest, before] = instances;
  const previous = containerStatusOf(input.previous, container.name);
  const status = newest ? fromView(container, newest, input) : withoutInstance(container, previous, input);
  if (newest) {
    if (before) status.lastState = stateOf(before, input);
    else if (previous?.lastState && previous.containerID === status.containerID) {
      // The engine's record of the instance before was collected; what was stored about it stays true.
      status.lastState = previous.lastState;
    }
  }
  const waiting = input.waiting.get(container.name);
  if (waiting && waitsForStart(container, newest, input)) {
    if (status.state?.terminated) status.lastState = status.state;
    status.state = { waiting: { ...(waiting.message && { message: waiting.message }), reason: waiting.reason } };
  }
  if (input.ended && hasBegun(input) && !status.state?.terminated) {
    const message = 'The container could not be located when the pod was terminated';
    status.state = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } };
  }
  return withProbes(container, newest, status, input);
}

/** Initialization ended once: a regular container has left a trace. */
function hasBegun({ pod, view, isInit }: ContainerStatusInput): boolean {
  return !isInit && pod.spec.containers.some(({ name }) => view.containers.some((container) => container.name === name));
}

/** A container that will be tried again shows why it waits; one that has ended for good shows its end. */
function waitsForStart(container: AnyContainer, newest: ContainerView | undefined, { pod, view, isInit }: ContainerStatusInput): boolean {
  const spec = container as corev1.Container;
  if (isInit && !isSidecar(spec) && newest?.state === 'exited' && newest.exitCode === 0) return false;
  return shouldRestart(pod, spec, view);
}

function fromView(container: AnyContainer, view: ContainerView, input: ContainerStatusInput): StatusDraft {
  const requests = container.resources?.requests;
  const user = view.user;
  return {
    name: container.name,
    state: stateOf(view, input),
    lastState: {},
    ready: false,
    restartCount: view.restartCount,
    image: view.image,
    imageID: view.imageRef,
    containerID: `${input.runtimeName}://${view.id}`,
    started: false,
    ...(requests && Object.keys(requests).length > 0 && { allocatedResources: { ...requests } }),
    resources: structuredClone(container.resources ?? {}) as NonNullable<StatusDraft['resources']>,
    ...mountStatuses(container),
    ...(user && { user: { linux: { gid: user.gid, supplementalGroups: [...user.supplementalGroups], uid: user.uid } } }),
    ...(view.stopSignal && { stopSignal: view.stopSignal as NonNullable<StatusDraft['stopSignal']> }),
  };
}

function mountStatuses(container: AnyContainer): { volumeMounts?: NonNullable<StatusDraft['volumeMounts']> } {
  const { volumeMounts } = container;
  if (!volumeMounts || volumeMounts.length === 0) return {};
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({
      mountPath,
      name,
      ...(readOnly && { readOnly: true, recursiveReadOnly: recursiveReadOnly === 'Enabled' ? 'Enabled' : 'Disabled' }),
    })),
  };
}

function stateOf(view: ContainerView, { messages, runtimeName }: ContainerStatusInput): NonNullable<StatusDraft['state']> {
  switch (view.state) {
    case 'running':
      return { running: { startedAt: timeOf(view.startedAt) } };
    case 'exited': {
      const message = messages.get(view.id) ?? view.message;
      return {
        terminated: {
          exitCode: view.exitCode,
          ...(view.reason && { reason: view.reason }),
          ...(message && { message }),
          // The epoch for a container that never started, as upstream shows it.
          startedAt: timeOf(view.startedAt),
          finishedAt: timeOf(view.finishedAt),
          containerID: `${runtimeName}://${view.id}`,
        },
      };
    }
    case 'created':
    case 'unknown':
      return { waiting: {} };
  }
  return { waiting: {} };
}

function timeOf(nanoseconds: bigint): string {
  return formatTime(Number(nanoseconds / 1_000_000n));
}

/** The status of a container that the engine knows nothing of. */
function withoutInstance(
  container: AnyContainer,
  previous: corev1.ContainerStatus | undefined,
  { pod, isInit, runtimeName }: ContainerStatusInput,
): StatusDraft {
  const hasInit = (pod.spec.initContainers?.length ?? 0) > 0;
  const reason = isInit || hasInit ? 'PodInitializing' : 'ContainerCreating';
  const fresh: StatusDraft = {
    name: container.name,
    state: { waiting: { reason } },
    lastState: {},
    ready: false,
    restartCount: previous?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    started: false,
    ...mountStatuses(container),
  };
  if (!previous) return fresh;
  if (previous.state?.terminated) return { ...(previous as StatusDraft), started: false };
  if (previous.state?.running) {
    // It ran and the engine has lost it: all that can be said is that it ended.
    fresh.lastState = {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was deleted.  The container used to be Running',
        ...(previous.containerID?.startsWith(runtimeName) && { containerID: previous.containerID }),
      },
    };
    fresh.restartCount = previous.restartCount + 1;
  } else if (previous.lastState) fresh.lastState = previous.lastState;
  return fresh;
}

function withProbes(
  container: AnyContainer,
  newest: ContainerView | undefined,
  status: StatusDraft,
  { isInit, probes }: ContainerStatusInput,
): StatusDraft {
  const sidecar = isInit && isSidecar(container);
  if (isInit && !sidecar) {
    status.ready = status.state?.terminated?.exitCode === 0;
    status.started = status.state?.running !== undefined;
    return status;
  }
  if (newest && status.state?.running) {
    const { started, ready } = probes(newest.id);
    status.started = started;
    status.ready = started && ready;
  }
  return status;
}
