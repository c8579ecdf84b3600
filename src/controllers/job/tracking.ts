/**
 * How a Job's status counts pods so that none is lost and none is counted twice, whenever its controller dies. A pod that ended keeps a
 * finalizer. Its uid is first written into the status as uncounted, then the finalizer goes, then the status counts it and drops the
 * uid, in one write. Found after a crash, each step says what the next one is. Pure: the writes are the controller's.
 * @source pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers, v1.35
 */
import type { batchv1, corev1 } from '../../api/index.ts';
import { omitZero } from '../semantic-equal.ts';
import type { Findings } from './assess.ts';
import type { Conclusion } from './conclude.ts';
import type { Indexes } from './indexes.ts';
import { hasFailed, hasPlace, indexOf, isTracked, validIndexOf } from './job-pods.ts';
import { isIndexed, type JobCondition, newCondition, withCondition } from './job-state.ts';
import { matchFailurePolicy } from './pod-failure-policy.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;
type JobStatus = batchv1.JobStatus;

/** Most uids in the status, which keeps them below 20 KB; the rest has its turn at the next look. */
export const maxUncounted = 500;

export interface TrackingInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly released: ReadonlySet<string>;
  readonly findings: Findings;
  readonly conclusion: Conclusion;
  readonly nowMs: number;
}

export interface Tracking {
  /** To be written before any finalizer is taken off. */
  readonly status: JobStatus;
  /** Pods whose finalizer goes once that is written. */
  readonly release: readonly Pod[];
  /** Uids of pods that have their finalizer still. */
  readonly held: ReadonlySet<string>;
  /** The last condition, for when every pod is counted and gone. */
  readonly end?: JobCondition;
  /** There were more pods than the status holds. */
  readonly isCut: boolean;
  /** Failures by the action of the rule of the failure policy that matched. */
  readonly failuresByAction: ReadonlyMap<string, number>;
}

export function track(input: TrackingInput): Tracking {
  const { job, released, findings, conclusion, nowMs } = input;
  const { end, ...changes } = conclusion.status;
  const isHeld = (pod: Pod): boolean => isTracked(pod) && !released.has(pod.metadata.uid);
  const pods = isIndexed(job) ? input.pods.toSorted((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : input.pods;
  const held = new Set(pods.filter(isHeld).map(({ metadata }) => metadata.uid));
  const before = countReleased({ ...job.status, ...changes }, held);
  const counting = new Counting(input, before);
  for (const pod of pods) {
    if (isHeld(pod) && mayRelease(pod, job, { findings, end })) counting.add(pod);
    if (counting.isFull) break;
  }
  const indexes = findings.indexes && {
    completedIndexes: findings.indexes.succeeded.toString(),
    succeeded: findings.indexes.succeeded.total,
  };
  const { failedIndexes: _, ...rest } = before;
  const failedIndexes = findings.indexes?.failed?.toString();
  return {
    status: withoutZeros({
      ...rest,
      ...indexes,
      ...(failedIndexes !== undefined && { failedIndexes }),
      uncountedTerminatedPods: counting.uncounted(),
      conditions: end && end.type !== 'Failed' ? withCondition(before.conditions, end) : (before.conditions ?? []),
    }),
    release: counting.release,
    held,
    ...(end && { end: lastCondition(end, nowMs) }),
    isCut: counting.isFull,
    failuresByAction: counting.failuresByAction,
  };
}

/** What the interim condition leads to, with its reason and message. */
function lastCondition(end: JobCondition, nowMs: number): JobCondition {
  const { reason = '', message = '' } = end;
  return newCondition({ type: end.type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed', reason, message }, nowMs);
}

/** As it is stored: what is nothing is left out, save where upstream's type tells nothing from unknown. */
function withoutZeros(status: JobStatus): JobStatus {
  const { active, succeeded, failed, completedIndexes, conditions, ...rest } = status;
  return {
    ...rest,
    ...omitZero({ active, succeeded, failed }),
    ...(completedIndexes && { completedIndexes }),
    ...(conditions && conditions.length > 0 && { conditions }),
  };
}

/** Fills the status with pods that ended, up to its limit. */
class Counting {
  readonly release: Pod[] = [];
  readonly failuresByAction = new Map<string, number>();
  readonly #job: Job;
  readonly #end: JobCondition | undefined;
  readonly #counted: Indexes | undefined;
  readonly #succeeded: string[];
  readonly #failed: string[];
  #newIndexes = 0;

  constructor({ job, findings, conclusion }: TrackingInput, status: JobStatus) {
    this.#job = job;
    this.#end = conclusion.status.end;
    this.#counted = findings.indexes?.counted;
    this.#succeeded = [...(status.uncountedTerminatedPods?.succeeded ?? [])];
    this.#failed = [...(status.uncountedTerminatedPods?.failed ?? [])];
  }

  get isFull(): boolean {
    return this.#newIndexes + this.#succeeded.length + this.#failed.length >= maxUncounted;
  }

  uncounted(): NonNullable<JobStatus['uncountedTerminatedPods']> {
    return {
      ...(this.#succeeded.length > 0 && { succeeded: this.#succeeded }),
      ...(this.#failed.length > 0 && { failed: this.#failed }),
    };
  }

  add(pod: Pod): void {
    const { uid } = pod.metadata;
    this.release.push(pod);
    if (this.#failed.includes(uid)) return;
    if (pod.status.phase === 'Succeeded') this.#addSuccess(pod);
    // When the Job has failed, whatever of it still runs fails with it.
    else if (hasFailed(pod, this.#job) || (this.#end && this.#end.type !== 'SuccessCriteriaMet')) this.#addFailure(pod);
  }

  #addSuccess(pod: Pod): void {
    const { uid } = pod.metadata;
    if (this.#counted) {
      // The index in the status is enough to know it again.
      const index = validIndexOf(pod, this.#job);
      if (index !== undefined && !this.#counted.has(index)) this.#newIndexes++;
    } else if (!this.#succeeded.includes(uid)) this.#succeeded.push(uid);
  }

  #addFailure(pod: Pod): void {
    if (!hasPlace(pod, this.#job)) return;
    const { action, counts } = matchFailurePolicy(this.#job.spec.podFailurePolicy, pod);
    if (action !== undefined) this.failuresByAction.set(action, (this.failuresByAction.get(action) ?? 0) + 1);
    if (counts) this.#failed.push(pod.metadata.uid);
  }
}

/** A pod of an index that is tried again keeps its finalizer until the next one has taken over its count of failures. */
function mayRelease(
  pod: Pod,
  job: Job,
  { findings, end }: { readonly findings: Findings; readonly end: JobCondition | undefined },
): boolean {
  if (job.metadata.deletionTimestamp !== undefined || end || pod.status.phase === 'Succeeded') return true;
  if (!hasFailed(pod, job)) return false;
  const index = indexOf(pod);
  return index === undefined || findings.indexes?.toReplace.get(index)?.metadata.uid !== pod.metadata.uid;
}

/** Counts the uncounted pods that no longer have their finalizer. */
export function countReleased(status: JobStatus, held: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const [stillSucceeded, stillFailed] = [succeeded, failed].map((uids) => uids.filter((uid) => held.has(uid))) as [string[], string[]];
  const sum = (count: number | undefined, more: number): number => (count ?? 0) + more;
  return {
    ...status,
    ...(stillSucceeded.length < succeeded.length && { succeeded: sum(status.succeeded, succeeded.length - stillSucceeded.length) }),
    ...(stillFailed.length < failed.length && { failed: sum(status.failed, failed.length - stillFailed.length) }),
    uncountedTerminatedPods: {
      ...(stillSucceeded.length > 0 && { succeeded: stillSucceeded }),
      ...(stillFailed.length > 0 && { failed: stillFailed }),
    },
  };
}

/** The status of the Job that has ended, or undefined while a pod is not counted or still on its way out. */
export function endedStatus(status: JobStatus, { end, isCut }: Tracking): JobStatus | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (!end || isCut || succeeded.length + failed.length > 0 || (status.terminating ?? 0) > 0) return undefined;
  return {
    ...status,
    conditions: withCondition(status.conditions, end),
    ...(end.type === 'Complete' && end.lastTransitionTime !== undefined && { completionTime: end.lastTransitionTime }),
  };
}
