/**
 * What the pods of a Job say about it: how many ran, succeeded and failed, which indexes are done, and whether that ends the Job. Pure;
 * nothing is decided here about pods to make or delete.
 * @source pkg/controller/job/job_controller.go syncJob, v1.35
 */
import { type batchv1, type corev1, isPodActive, isPodReady } from '../../api/index.ts';
import { type BackOff, nextBackOff } from './back-off.ts';
import { Indexes } from './indexes.ts';
import {
  endedAtMs,
  failuresBefore,
  hasFailed,
  hasPlace,
  ignoredFailuresBefore,
  indexOf,
  isGoing,
  isTracked,
  validIndexOf,
} from './job-pods.ts';
import { isIndexed, isPerIndex, isSuspended, type JobCondition, newCondition, trueCondition } from './job-state.ts';
import { matchFailurePolicy } from './pod-failure-policy.ts';
import { matchSuccessPolicy } from './success-policy.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;

export interface JobView {
  readonly job: Job;
  /** All that it controls. */
  readonly pods: readonly Pod[];
  /** Uids of pods whose finalizer is gone already, though the cache may show it. */
  readonly released: ReadonlySet<string>;
  readonly backOff?: BackOff | undefined;
  readonly nowMs: number;
}

export interface IndexFindings {
  /** Those that the status names. */
  readonly counted: Indexes;
  /** Those, and the ones of pods that have succeeded since. */
  readonly succeeded: Indexes;
  /** Only where failures are counted by index. */
  readonly failed?: Indexes;
  /** The failed pod of an index that waits for the next one, which takes over its count of failures; only by index. */
  readonly toReplace: ReadonlyMap<number, Pod>;
}

export interface Findings {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Successes and failures, counted in the status or not. */
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes?: IndexFindings;
  readonly backOff: BackOff | undefined;
  /** What ends the Job: the interim condition, or `Failed` when the status has the interim one already. */
  readonly end?: JobCondition;
  /** Until the active deadline. */
  readonly deadlineInMs?: number;
}

export function assess(view: JobView): Findings {
  const { job, pods, nowMs } = view;
  const { succeeded: uncountedSuccesses = [], failed: uncountedFailures = [] } = job.status.uncountedTerminatedPods ?? {};
  const active = pods.filter(isPodActive);
  const isNew = (pod: Pod): boolean => isTracked(pod) && !view.released.has(pod.metadata.uid) && hasPlace(pod, job);
  const uncountedSucceeded = new Set(uncountedSuccesses);
  const newSucceeded = pods.filter((pod) => isNew(pod) && pod.status.phase === 'Succeeded' && !uncountedSucceeded.has(pod.metadata.uid));
  const uncountedFailed = new Set(uncountedFailures);
  const newFailed = pods.filter((pod) => isNew(pod) && hasFailed(pod, job) && !uncountedFailed.has(pod.metadata.uid));
  const failuresThatCount = newFailed.filter((pod) => matchFailurePolicy(job.spec.podFailurePolicy, pod).counts);
  const failed = (job.status.failed ?? 0) + failuresThatCount.length + uncountedFailures.length;
  const indexes = isIndexed(job) ? assessIndexes(view, { active, isNew }) : undefined;
  const succeeded = indexes?.succeeded.total ?? (job.status.succeeded ?? 0) + newSucceeded.length + uncountedSuccesses.length;
  const end = endByNow(view, failed) ?? (indexes && endByIndexes(view, indexes));
  const deadlineInMs = end ? undefined : deadlineLeftMs(job, nowMs);
  return {
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isGoing).length,
    succeeded,
    failed,
    ...(indexes && { indexes }),
    backOff: nextBackOff(view.backOff, { succeeded: newSucceeded, failed: newFailed }),
    ...(end && { end }),
    ...(deadlineInMs !== undefined && { deadlineInMs }),
  };
}

function endByNow({ job, pods, nowMs }: JobView, failed: number): JobCondition | undefined {
  const met = trueCondition(job, 'SuccessCriteriaMet');
  if (met) return met;
  const target = trueCondition(job, 'FailureTarget');
  if (target) return newCondition({ type: 'Failed', reason: target.reason ?? '', message: target.message ?? '' }, nowMs);
  const fails = (reason: string, message: string): JobCondition => newCondition({ type: 'FailureTarget', reason, message }, nowMs);
  const message = failJobMessage(job, pods);
  if (message !== undefined) return fails('PodFailurePolicy', message);
  if (failed > (job.spec.backoffLimit ?? 0) || isPastRestarts(job, pods)) {
    return fails('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const leftMs = deadlineLeftMs(job, nowMs);
  return leftMs !== undefined && leftMs <= 0 ? fails('DeadlineExceeded', 'Job was active longer than specified deadline') : undefined;
}

function endByIndexes({ job, nowMs }: JobView, { succeeded, failed }: IndexFindings): JobCondition | undefined {
  const { maxFailedIndexes, completions = 0, successPolicy } = job.spec;
  const fails = (reason: string, message: string): JobCondition => newCondition({ type: 'FailureTarget', reason, message }, nowMs);
  if (failed && maxFailedIndexes !== undefined && failed.total > maxFailedIndexes) {
    return fails('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  if (failed && failed.total > 0 && failed.total + succeeded.total >= completions) return fails('FailedIndexes', 'Job has failed indexes');
  const message = matchSuccessPolicy(successPolicy, { indexes: succeeded, completions });
  return message === undefined ? undefined : newCondition({ type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message }, nowMs);
}

function failJobMessage(job: Job, pods: readonly Pod[]): string | undefined {
  if (!job.spec.podFailurePolicy) return undefined;
  for (const pod of pods) {
    const message = hasFailed(pod, job) ? matchFailurePolicy(job.spec.podFailurePolicy, pod).failJobMessage : undefined;
    if (message !== undefined) return message;
  }
  return undefined;
}

/** With restarts in place no pod fails: the restarts of those that live are the failures. */
function isPastRestarts({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const living = pods.filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending');
  const statuses = living.flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]);
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const limit = spec.backoffLimit ?? 0;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds until the active deadline, 0 or less when it has passed; undefined without one. */
function deadlineLeftMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || isSuspended(job)) return undefined;
  // A Job that is being resumed has its time before it: the start in its status is that of an earlier run.
  const { startTime } = job.status;
  const startMs = startTime === undefined || trueCondition(job, 'Suspended') ? nowMs : Date.parse(startTime);
  return startMs + activeDeadlineSeconds * 1000 - nowMs;
}

function assessIndexes(
  { job, pods }: JobView,
  { active, isNew }: { readonly active: readonly Pod[]; readonly isNew: (pod: Pod) => boolean },
): IndexFindings {
  const completions = job.spec.completions ?? 0;
  const tracked = pods.filter((pod) => isTracked(pod) && validIndexOf(pod, job) !== undefined);
  const indexesOf = (some: readonly Pod[]): Indexes => Indexes.of(some.map((pod) => indexOf(pod)!));
  const counted = Indexes.parse(job.status.completedIndexes ?? '', completions);
  const succeeded = counted.union(indexesOf(tracked.filter(({ status }) => status.phase === 'Succeeded')));
  if (!isPerIndex(job)) return { counted, succeeded, toReplace: new Map() };
  const failed = Indexes.parse(job.status.failedIndexes ?? '', completions).union(
    indexesOf(tracked.filter((pod) => hasIndexFailed(job, pod))),
  );
  const activeIndexes = new Set(active.map(indexOf));
  const toReplace = new Map<number, Pod>();
  for (const pod of pods) {
    if (!isNew(pod) || !hasFailed(pod, job)) continue;
    const index = indexOf(pod)!;
    if (succeeded.has(index) || failed.has(index) || activeIndexes.has(index)) continue;
    const known = toReplace.get(index);
    if (!known || isLaterFailure(pod, known)) toReplace.set(index, pod);
  }
  return { counted, succeeded, failed, toReplace };
}

function hasIndexFailed(job: Job, pod: Pod): boolean {
  if (!hasFailed(pod, job)) return false;
  const { action, counts } = matchFailurePolicy(job.spec.podFailurePolicy, pod);
  return action === 'FailIndex' || (counts && failuresBefore(pod) >= (job.spec.backoffLimitPerIndex ?? 0));
}

function isLaterFailure(pod: Pod, known: Pod): boolean {
  const failures = (of: Pod): number => failuresBefore(of) + ignoredFailuresBefore(of);
  return failures(known) <= failures(pod) && endedAtMs(pod) >= endedAtMs(known);
}
