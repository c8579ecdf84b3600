/**
 * Questions about a Job that do not depend on its pods: has it ended, is it suspended, who manages it, and its conditions.
 * @source pkg/controller/job/job_controller.go, pkg/controller/job/util/utils.go, v1.35
 */
import { type batchv1, isConditionTrue } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';

type Job = batchv1.Job;
export type JobCondition = batchv1.JobCondition;

/** The value of `spec.managedBy` that means this controller, as leaving it out does. */
const ownName = 'kubernetes.io/job-controller';

/** The condition that ended the Job for good, if any. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const end = status.conditions?.find(({ type, status: value }) => (type === 'Complete' || type === 'Failed') && value === 'True');
  return end?.type as 'Complete' | 'Failed' | undefined;
}

export function isJobFinished(job: Job): boolean {
  return endOf(job) !== undefined;
}

export function isSuspended({ spec }: Job): boolean {
  return spec.suspend === true;
}

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed';
}

/** Failures are counted and backed off from index by index. */
export function isPerIndex({ spec }: Job): boolean {
  return spec.backoffLimitPerIndex !== undefined;
}

/** The name of the controller that does this one's work for the Job, if it is another. */
export function managedByOther({ spec }: Job): string | undefined {
  return spec.managedBy !== undefined && spec.managedBy !== ownName ? spec.managedBy : undefined;
}

/** A pod is replaced when it has ended, not already when it is being deleted. */
export function replacesOnlyEnded({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

export function trueCondition({ status }: Job, type: string): JobCondition | undefined {
  return isConditionTrue(status.conditions, type) ? status.conditions!.find((condition) => condition.type === type) : undefined;
}

/** A condition that became true (or `status`) now. */
export function newCondition(
  condition: { readonly type: JobCondition['type']; readonly status?: 'True' | 'False'; readonly reason: string; readonly message: string },
  nowMs: number,
): JobCondition {
  const time = formatTime(nowMs);
  const { type, status = 'True', reason, message } = condition;
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/**
 * The list with the condition in it, or the same list when it says so already. A condition that is false and was never true is left
 * out.
 */
export function withCondition(list: readonly JobCondition[] | undefined, condition: JobCondition): readonly JobCondition[] {
  const conditions = list ?? [];
  const old = conditions.find(({ type }) => type === condition.type);
  if (!old) return condition.status === 'False' ? conditions : [...conditions, condition];
  const isSame = old.status === condition.status && old.reason === condition.reason && old.message === condition.message;
  return isSame ? conditions : conditions.map((one) => (one === old ? condition : one));
}
