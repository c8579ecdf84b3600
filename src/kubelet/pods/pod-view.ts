/**
 * A pod as the engine shows it: its sandboxes and containers, newest first, in the kubelet's words. It is rebuilt from the engine at
 * any time, so a kubelet that starts anew finds its pods again; nothing else is remembered about what runs.
 */
import type { CallOptions, EngineContainerStatus, LinuxResources, PodSandboxStatus, RuntimeService } from '../runtime/runtime.ts';
import { isRuntimeError } from '../runtime/runtime.ts';
import { containerFacts, podLabels } from './labels.ts';

export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly restartCount: number;
  /** Of the container's spec at its making; see `containerHash`. */
  readonly hash: string;
  readonly createdAt: bigint;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  readonly logPath: string;
  /** Path on the node of the file that is bound at the container's termination message path. */
  readonly terminationMessageFile: string | undefined;
  readonly terminationMessagePolicy: string;
  /** Seconds, as the pod said when the container was made. */
  readonly graceSeconds: number | undefined;
  readonly resources: LinuxResources | undefined;
  readonly user: EngineContainerStatus['user'];
  readonly stopSignal: string | undefined;
}

export interface PodView {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly sandboxes: readonly PodSandboxStatus[];
  readonly containers: readonly ContainerView[];
}

export function emptyView(pod: { readonly uid: string; readonly name: string; readonly namespace: string }): PodView {
  return { uid: pod.uid, name: pod.name, namespace: pod.namespace, sandboxes: [], containers: [] };
}

/** Asks the engine for everything it holds of one pod. */
export async function observePod(
  runtime: RuntimeService,
  pod: { readonly uid: string; readonly name: string; readonly namespace: string },
  options: CallOptions,
): Promise<PodView> {
  const labels = { [podLabels.uid]: pod.uid };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes({ labels }, options),
    runtime.listContainers({ labels }, options),
  ]);
  const [sandboxStatuses, containerStatuses] = await Promise.all([
    Promise.all(sandboxes.map(({ id }) => orGone(runtime.podSandboxStatus(id, options)))),
    Promise.all(
      containers.map(({ id, sandboxId }) => orGone(runtime.containerStatus(id, options).then((status) => ({ status, sandboxId })))),
    ),
  ]);
  return {
    ...pod,
    sandboxes: sandboxStatuses.filter((status) => status !== undefined).sort(newestFirst),
    containers: containerStatuses
      .filter((found) => found !== undefined)
      .map(({ status, sandboxId }) => containerView(status, sandboxId))
      .sort(newestFirst),
  };
}

/** What was removed between listing and asking is gone, which is what the view shall say. */
async function orGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isRuntimeError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function newestFirst(a: { readonly createdAt: bigint }, b: { readonly createdAt: bigint }): number {
  return a.createdAt === b.createdAt ? 0 : a.createdAt > b.createdAt ? -1 : 1;
}

function containerView(status: EngineContainerStatus, sandboxId: string): ContainerView {
  const facts = containerFacts(status.labels, status.annotations);
  const messageMount = facts.terminationMessagePath
    ? status.mounts.find(({ containerPath }) => containerPath === facts.terminationMessagePath)
    : undefined;
  return {
    id: status.id,
    name: facts.name || status.metadata.name,
    sandboxId,
    state: status.state,
    restartCount: facts.restartCount,
    hash: facts.hash,
    createdAt: status.createdAt,
    startedAt: status.startedAt,
    finishedAt: status.finishedAt,
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image,
    imageRef: status.imageRef,
    logPath: status.logPath,
    terminationMessageFile: messageMount?.hostPath,
    terminationMessagePolicy: facts.terminationMessagePolicy,
    graceSeconds: facts.graceSeconds,
    resources: status.resources,
    user: status.user,
    stopSignal: status.stopSignal,
  };
}

/** The newest instance of a container. */
export function newestContainer(view: PodView, name: string): ContainerView | undefined {
  return view.containers.find((container) => container.name === name);
}

export function readySandbox(view: PodView): PodSandboxStatus | undefined {
  return view.sandboxes.find(({ state }) => state === 'ready');
}

/** The pod's addresses: those of its newest sandbox. Empty on the node's network. */
export function viewIps(view: PodView): readonly string[] {
  const newest = view.sandboxes[0];
  return newest?.state === 'ready' ? newest.ips : [];
}
