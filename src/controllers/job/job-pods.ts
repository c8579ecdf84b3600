/**
 * A pod as a Job sees it: the finalizer that holds it until it is counted, the index that it does, the failures before it, and when it
 * ended. Pure.
 * @source pkg/controller/job/{tracking_utils,indexed_job_utils,backoff_utils}.go, v1.35
 */
import { type batchv1, type corev1, getCondition, isPodTerminal, isPodTerminating } from '../../api/index.ts';
import { isIndexed, replacesOnlyEnded } from './job-state.ts';

type Pod = corev1.Pod;

/** Keeps a pod until the Job's status has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** Annotation and label. */
export const indexKey = 'batch.kubernetes.io/job-completion-index';
export const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';

const maxInt32 = 2_147_483_647;

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) === true;
}

/** Undefined when it has none, or one that nobody can read. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexKey];
  return text !== undefined && /^\+?\d+$/.test(text) ? Number(text) : undefined;
}

/** The index when it is one of the Job's; a Job that grew smaller has pods beyond. */
export function validIndexOf(pod: Pod, { spec }: batchv1.Job): number | undefined {
  const index = indexOf(pod);
  return index !== undefined && index < (spec.completions ?? 0) ? index : undefined;
}

/** Whether it can count for the Job at all: every pod of a Job without indexes, those with an index of it otherwise. */
export function hasPlace(pod: Pod, job: batchv1.Job): boolean {
  return !isIndexed(job) || validIndexOf(pod, job) !== undefined;
}

/** Failures of the index that counted, before this pod. */
export function failuresBefore(pod: Pod): number {
  return countOf(pod, failureCountKey);
}

export function ignoredFailuresBefore(pod: Pod): number {
  return countOf(pod, ignoredFailureCountKey);
}

function countOf({ metadata }: Pod, key: string): number {
  const text = metadata.annotations?.[key];
  const count = text !== undefined && /^\+?\d+$/.test(text) ? Number(text) : 0;
  return count > maxInt32 ? 0 : count;
}

/** A pod that is being deleted has failed too, unless the Job waits for its end: nobody may be left to end it. */
export function hasFailed(pod: Pod, job: batchv1.Job): boolean {
  if (pod.status.phase === 'Failed') return true;
  return !replacesOnlyEnded(job) && isPodTerminating(pod) && pod.status.phase !== 'Succeeded';
}

/** On its way out, and not there yet. */
export function isGoing(pod: Pod): boolean {
  return isPodTerminating(pod) && !isPodTerminal(pod);
}

/** When it ended, as well as can be told: by its containers, by its readiness, by its deletion, by its birth. */
export function endedAtMs(pod: Pod): number {
  return byContainers(pod) ?? byReadiness(pod) ?? byDeletion(pod) ?? Date.parse(pod.metadata.creationTimestamp ?? '');
}

function byContainers({ status }: Pod): number | undefined {
  const ends = (status.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt);
  if (ends.length === 0 || ends.includes(undefined)) return undefined;
  return Math.max(...ends.map((end) => Date.parse(end!)));
}

function byReadiness({ status }: Pod): number | undefined {
  const ready = getCondition(status.conditions, 'Ready');
  return ready?.status === 'False' && ready.lastTransitionTime !== undefined ? Date.parse(ready.lastTransitionTime) : undefined;
}

function byDeletion({ metadata }: Pod): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  return deletionTimestamp === undefined ? undefined : Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
}
