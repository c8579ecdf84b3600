/** What the kubelet remembers of one pod beside the engine's view: all of it can be lost and found again, or only shows. */
import { type corev1, isPodPhaseTerminal } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { WaitingReason } from '../status/container-statuses.ts';
import { podStatus, type PodVerdict, rejectedStatus } from '../status/pod-status.ts';
import type { Allocation, ResizePending } from './allocation.ts';
import type { PodServices } from './pod-services.ts';
import type { PodView } from './pod-view.ts';

export interface PodRecord {
  /** The newest object, with the resources that the pod was given. */
  pod: corev1.Pod;
  /** A resize that was asked for and not given. */
  resizePending: ResizePending | undefined;
  /** Why containers do not run, by name. */
  readonly waiting: Map<string, WaitingReason>;
  /** Termination messages by container id. */
  readonly messages: Map<string, string>;
  /** RFC 3339. */
  readonly startTime: string;
  /** Ends the pod whatever its containers say. */
  verdict: PodVerdict | undefined;
  /** When this kubelet first saw the pod, until its containers run; then undefined. */
  firstSeenMs: number | undefined;
}

export function newRecord({ pod, pending }: Allocation, nowMs: number): PodRecord {
  return {
    pod,
    resizePending: pending,
    waiting: new Map(),
    messages: new Map(),
    startTime: formatTime(nowMs),
    verdict: undefined,
    firstSeenMs: pod.status.startTime === undefined ? nowMs : undefined,
  };
}

/** Limits of one message, and of all of a pod's together. @source pkg/kubelet/container MaxContainerTerminationMessageLength */
const maxMessageBytes = 4096;
const maxAllMessagesBytes = 12 * 1024;
const logTail = { maxBytes: 2048, maxLines: 80 };

/** Reads the termination messages of containers that ended since the last time. */
export async function readMessages(record: PodRecord, view: PodView, { host, logs }: PodServices): Promise<void> {
  const limit = Math.min(
    maxMessageBytes,
    Math.floor(maxAllMessagesBytes / Math.max(1, new Set(view.containers.map(({ name }) => name)).size)),
  );
  for (const container of view.containers) {
    if (container.state !== 'exited' || record.messages.has(container.id)) continue;
    let message = '';
    if (container.terminationMessageFile !== undefined) {
      message = await host.files.readTerminationMessage(container.terminationMessageFile, limit);
    }
    if (message === '' && container.terminationMessagePolicy === 'FallbackToLogsOnError' && container.exitCode !== 0) {
      message = await logs.tail(container.logPath, logTail);
    }
    record.messages.set(container.id, message);
  }
}

/**
 * Computes the pod's status from `view` and hands it to the status manager. A pod is not shown as ended while something of it runs.
 * @returns whether the pod has ended, or will as soon as what runs is stopped
 */
export function publishStatus(record: PodRecord, view: PodView, ended: boolean, services: PodServices): boolean {
  const { pod, verdict } = record;
  if (verdict?.rejected && view.containers.length === 0) {
    services.statuses.set(pod, rejectedStatus(pod, verdict, record.startTime));
    return true;
  }
  const previous = services.statuses.get(pod.metadata.uid) ?? pod.status;
  const status = podStatus({
    pod,
    view,
    previous,
    waiting: record.waiting,
    messages: record.messages,
    probes: (containerId) => services.prober.result(containerId),
    runtimeName: services.runtimeName(),
    hostIps: services.hostIps(),
    ended,
    verdict,
    resizePending: record.resizePending,
    startTime: record.startTime,
  });
  const terminal = isPodPhaseTerminal(status.phase);
  const running = !ended && view.containers.some(({ state }) => state === 'running');
  if (terminal && running && !isPodPhaseTerminal(previous?.phase)) {
    const { reason: _reason, message: _message, ...rest } = status;
    services.statuses.set(pod, { ...rest, phase: previous?.phase ?? 'Running' });
  } else services.statuses.set(pod, status);
  return terminal;
}
