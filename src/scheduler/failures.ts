/**
 * What becomes of a pod that was tried in vain: back into the queue as it is now, with an event and a condition that say why.
 * @source kube-scheduler schedule_one.go (handleSchedulingFailure), v1.35
 */
import type { Attempt, Failure } from './attempt.ts';
import { patchPodStatus, podStatusPatch } from './pod-status.ts';
import type { SchedulerParts } from './scheduler-parts.ts';

/** Longest text of an event. @source apis/core/validation NoteLengthLimit */
const maxNoteBytes = 1024;
const cutOff = ' ...';

export function handleFailure(parts: SchedulerParts, { entry, pod, active, startedMs }: Attempt, failure: Failure): void {
  const { context, cache, queue, metrics, log, pods } = parts;
  const { reason, message, rejectedBy, pendingBy, nominatedNode } = failure;
  const { namespace = '', name } = pod.pod.metadata;
  const result = reason === 'Unschedulable' ? 'unschedulable' : 'error';
  metrics.attempted(active.profile.schedulerName, result, (context.clock.monotonic() - startedMs) / 1000);
  log[reason === 'Unschedulable' ? 'debug' : 'warn']('pod not scheduled', { pod: `${namespace}/${name}`, why: message });
  const current = pods.get({ namespace, name });
  // Gone, another of its name, or placed by somebody else (or by us, in an answer that was lost).
  if (!current || current.metadata.uid !== pod.uid || current.spec.nodeName) queue.done(pod.uid);
  else {
    const info = cache.podInfo(current);
    queue.failed(entry, { info, rejectedBy, pendingBy });
    // Before the watch says so, or the room that was made would be given away meanwhile.
    queue.nominated.nominate(info, nominatedNode ?? current.status.nominatedNodeName ?? '');
  }
  context.recorder.event(pod.pod, { type: 'Warning', reason: 'FailedScheduling', message: truncated(message), action: 'Scheduling' });
  const body = podStatusPatch(current ?? pod.pod, { condition: { reason, message }, nominatedNode }, context.clock.now());
  if (body) parts.statusWrites.put(pod.uid, (signal) => patchPodStatus(context.client, pod.pod, body, signal));
}

function truncated(message: string): string {
  if (Buffer.byteLength(message) <= maxNoteBytes) return message;
  return `${Buffer.from(message)
    .subarray(0, maxNoteBytes - cutOff.length)
    .toString()}${cutOff}`;
}
