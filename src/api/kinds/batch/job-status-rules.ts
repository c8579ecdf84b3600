/**
 * Validation of what a controller writes about a Job, since anybody may manage one. Most rules look only at what a write changes: a
 * status that was wrong before does not stand in the way of others.
 * @source pkg/apis/batch/validation/validation.go ValidateJobStatusUpdate, pkg/registry/batch/job/strategy.go
 *   getStatusValidationOptions, v1.35
 */
import { isConditionTrue } from '../../conditions.ts';
import type { FieldError } from '../../errors.ts';
import { duplicate, invalidUnshown, invalidValue, required } from '../../field-errors.ts';
import type { Job, JobStatus } from '../../gen/batch-v1.ts';
import { nonNegativeErrors } from '../apps/pod-template-rules.ts';
import { sameJson } from '../immutable.ts';
import { countIndexes, overlapError } from './job-indexes.ts';

type Change = { readonly job: Job; readonly old: Job };

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const change = { job, old };
  return [
    ...countErrors(job.status),
    ...endErrors(change),
    ...finishedErrors(change),
    ...indexErrors(change),
    ...podErrors(change),
    ...successErrors(job),
    ...transitionErrors(change),
  ];
}

const has = ({ status }: Job, type: string): boolean => isConditionTrue(status.conditions, type);
const isFinished = (job: Job): boolean => has(job, 'Complete') || has(job, 'Failed');

/** Whether any of these conditions became or ceased to be true. */
function turned({ job, old }: Change, ...types: readonly string[]): boolean {
  return types.some((type) => has(job, type) !== has(old, type));
}

/** Whether any of these fields is another one now. */
function changed({ job, old }: Change, ...fields: readonly (keyof JobStatus)[]): boolean {
  return fields.some((field) => !sameJson(job.status[field], old.status[field]));
}

function conditionsError(detail: string): FieldError {
  return invalidUnshown('status.conditions', detail);
}

function countErrors(status: JobStatus): FieldError[] {
  const errors = (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((count) =>
    nonNegativeErrors(`status.${count}`, status[count] ?? 0),
  );
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    for (const [i, uid] of (status.uncountedTerminatedPods?.[list] ?? []).entries()) {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') errors.push(invalidValue(path, uid, 'must not be empty'));
      else if (seen.has(uid)) errors.push(duplicate(path, uid));
      seen.add(uid);
    }
  }
  return errors;
}

/** How a Job ends: one way, at a time after its start. */
function endErrors(change: Change): FieldError[] {
  const { job } = change;
  const { startTime, completionTime } = job.status;
  const isComplete = has(job, 'Complete');
  const errors: FieldError[] = [];
  if (turned(change, 'Complete', 'Failed') && isComplete && has(job, 'Failed')) {
    errors.push(conditionsError('cannot set Complete=True and Failed=true conditions'));
  }
  if (turned(change, 'Complete', 'FailureTarget') && isComplete && has(job, 'FailureTarget')) {
    errors.push(conditionsError('cannot set Complete=True and FailureTarget=true conditions'));
  }
  if (turned(change, 'Complete') || changed(change, 'completionTime')) {
    if (completionTime !== undefined && !isComplete) {
      const detail = 'cannot set completionTime when there is no Complete=True condition';
      errors.push(invalidValue('status.completionTime', completionTime, detail));
    }
    if (completionTime === undefined && isComplete) {
      errors.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
    }
  }
  const isBackwards = startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime);
  if (isBackwards && changed(change, 'startTime', 'completionTime')) {
    errors.push(invalidValue('status.completionTime', completionTime, 'completionTime cannot be set before startTime'));
  }
  if (turned(change, 'Failed', 'FailureTarget') && has(job, 'Failed') && !has(job, 'FailureTarget')) {
    errors.push(conditionsError('cannot set Failed=True condition without the FailureTarget=true condition'));
  }
  if (turned(change, 'Complete', 'SuccessCriteriaMet') && isComplete && !has(job, 'SuccessCriteriaMet')) {
    errors.push(conditionsError('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
  return errors;
}

/** A Job that has ended has nothing left that runs. */
function finishedErrors(change: Change): FieldError[] {
  const { job, old } = change;
  if (!isFinished(job)) return [];
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = job.status;
  const ended = !isFinished(old);
  const errors: FieldError[] = [];
  if ((ended || changed(change, 'active')) && active > 0) {
    errors.push(invalidValue('status.active', active, 'active>0 is invalid for finished job'));
  }
  if ((ended || changed(change, 'startTime')) && startTime === undefined) {
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  }
  const hasUncounted = (uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length > 0;
  if ((ended || changed(change, 'uncountedTerminatedPods')) && hasUncounted) {
    const detail = 'uncountedTerminatedPods needs to be empty for finished job';
    errors.push(invalidValue('status.uncountedTerminatedPods', uncounted, detail));
  }
  return errors;
}

function indexErrors(change: Change): FieldError[] {
  const { spec, status } = change.job;
  const { completedIndexes = '', failedIndexes } = status;
  const [completedChanged, failedChanged] = [changed(change, 'completedIndexes'), !sameFailedIndexes(change)];
  const errors: FieldError[] = [];
  const check = (field: 'completedIndexes' | 'failedIndexes', text: string): void => {
    const { error } = countIndexes(text, spec.completions!);
    if (error !== undefined) errors.push(invalidValue(`status.${field}`, text, `error parsing ${field}: ${error}`));
  };
  if (completedChanged && spec.completions !== undefined) check('completedIndexes', completedIndexes);
  if (failedChanged && spec.completions !== undefined && spec.backoffLimitPerIndex !== undefined && failedIndexes !== undefined) {
    check('failedIndexes', failedIndexes);
  }
  if (completedChanged && completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.push(invalidValue('status.completedIndexes', completedIndexes, detail));
  }
  if (failedChanged && spec.backoffLimitPerIndex === undefined && failedIndexes !== undefined) {
    const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.push(invalidValue('status.failedIndexes', failedIndexes, detail));
  }
  if ((failedChanged || completedChanged) && spec.completions !== undefined && failedIndexes !== undefined) {
    const error = overlapError(completedIndexes, failedIndexes, spec.completions);
    if (error !== undefined) errors.push(invalidValue('status.failedIndexes', failedIndexes, error));
  }
  return errors;
}

/** An empty text is not the same as none. */
function sameFailedIndexes({ job, old }: Change): boolean {
  return job.status.failedIndexes === old.status.failedIndexes;
}

function podErrors(change: Change): FieldError[] {
  const { job, old } = change;
  const { ready, active = 0, terminating = 0 } = job.status;
  const errors: FieldError[] = [];
  if ((isFinished(job) !== isFinished(old) || changed(change, 'terminating')) && terminating > 0 && isFinished(job)) {
    errors.push(invalidValue('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
  if (changed(change, 'ready', 'active') && ready !== undefined && ready > active) {
    errors.push(invalidValue('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return errors;
}

function successErrors(job: Job): FieldError[] {
  const errors: FieldError[] = [];
  if (has(job, 'SuccessCriteriaMet')) {
    if (has(job, 'Failed')) errors.push(conditionsError('cannot set SuccessCriteriaMet=True and Failed=true conditions'));
    if (has(job, 'FailureTarget')) errors.push(conditionsError('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  } else if (job.spec.successPolicy && has(job, 'Complete')) {
    errors.push(conditionsError('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'));
  }
  return errors;
}

/** What never goes back. */
function transitionErrors({ job, old }: Change): FieldError[] {
  const [status, before] = [job.status, old.status];
  const errors = ['Failed', 'Complete', 'FailureTarget']
    .filter((type) => has(old, type) && !has(job, type))
    .map((type) => conditionsError(`cannot disable the terminal ${type}=True condition`));
  if ((status.failed ?? 0) < (before.failed ?? 0)) {
    errors.push(invalidValue('status.failed', status.failed ?? 0, 'cannot decrease the failed counter'));
  }
  const { completionMode, completions, parallelism } = job.spec;
  // An indexed Job that shrinks forgets indexes that had succeeded.
  const mayShrink = completionMode === 'Indexed' && completions === parallelism;
  if (!mayShrink && (status.succeeded ?? 0) < (before.succeeded ?? 0)) {
    errors.push(invalidValue('status.succeeded', status.succeeded ?? 0, 'cannot decrease the succeeded counter'));
  }
  const [ended, endedBefore] = [status.completionTime, before.completionTime];
  if (ended !== undefined && endedBefore !== undefined && ended !== endedBefore) {
    errors.push(invalidValue('status.completionTime', ended, 'completionTime cannot be mutated'));
  }
  // A Job that is resumed starts anew.
  const resumes = status.startTime !== undefined && has(old, 'Suspended') && !has(job, 'Suspended');
  if (before.startTime !== undefined && before.startTime !== status.startTime && job.spec.suspend !== true && !resumes) {
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
  if (has(old, 'SuccessCriteriaMet') && !has(job, 'SuccessCriteriaMet')) {
    errors.push(conditionsError('cannot disable the SuccessCriteriaMet=True condition'));
  }
  if (has(old, 'Complete') && !has(old, 'SuccessCriteriaMet') && has(job, 'SuccessCriteriaMet')) {
    errors.push(conditionsError('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  }
  return errors;
}
