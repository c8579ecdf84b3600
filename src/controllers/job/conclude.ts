/**
 * What a Job's status says after its pods were made or deleted: numbers, start, suspension, and whether the Job ends now. Pure.
 * @source pkg/controller/job/job_controller.go syncJob, v1.35
 */
import type { batchv1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { Findings } from './assess.ts';
import { isSuspended, type JobCondition, newCondition, withCondition } from './job-state.ts';
import type { PodsPlan } from './plan.ts';

type Job = batchv1.Job;

/** What became of the plan. */
export interface PodsOutcome {
  readonly created: number;
  readonly removed: number;
  /** Of those, the ones that were ready. */
  readonly removedReady: number;
}

export interface Conclusion {
  readonly status: Pick<batchv1.JobStatus, 'active' | 'ready' | 'terminating' | 'startTime' | 'conditions'> & {
    readonly end?: JobCondition;
  };
  /** The event of a Job that was suspended or resumed. */
  readonly suspension?: 'Suspended' | 'Resumed';
}

export interface ConcludeInput {
  readonly job: Job;
  readonly findings: Findings;
  readonly plan: PodsPlan;
  readonly outcome: PodsOutcome;
  readonly settled: boolean;
  readonly nowMs: number;
}

export function conclude(input: ConcludeInput): Conclusion {
  const { job, findings, plan, outcome, nowMs } = input;
  const active = findings.active.length + outcome.created - outcome.removed;
  const end = endNow(input, active);
  const suspension = end || plan.type === 'hold' || plan.type === 'end' ? undefined : suspensionOf(job, nowMs);
  const isStart = job.status.startTime === undefined ? !isSuspended(job) : suspension?.event === 'Resumed';
  const startTime = isStart ? formatTime(nowMs) : job.status.startTime;
  return {
    status: {
      active,
      ready: findings.ready - outcome.removedReady,
      terminating: findings.terminating + outcome.removed,
      ...(startTime !== undefined && { startTime }),
      conditions: suspension?.conditions ?? job.status.conditions ?? [],
      ...(end && { end }),
    },
    ...(suspension && { suspension: suspension.event }),
  };
}

function endNow({ job, findings, plan, outcome, settled, nowMs }: ConcludeInput, active: number): JobCondition | undefined {
  if (plan.type === 'end') {
    // While a pod could not be deleted, or the cache may not show one, there is no saying that all are counted.
    return outcome.removed === plan.remove.length && settled ? findings.end : undefined;
  }
  const { completions } = job.spec;
  const isComplete = active === 0 && (completions === undefined ? findings.succeeded > 0 : findings.succeeded >= completions);
  if (!isComplete) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return newCondition({ type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message }, nowMs);
}

interface Suspension {
  readonly event: 'Suspended' | 'Resumed';
  readonly conditions: readonly JobCondition[];
}

/** Undefined when the condition says so already. */
function suspensionOf(job: Job, nowMs: number): Suspension | undefined {
  const suspended = isSuspended(job);
  const condition = suspended
    ? newCondition({ type: 'Suspended', reason: 'JobSuspended', message: 'Job suspended' }, nowMs)
    : newCondition({ type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }, nowMs);
  const before = job.status.conditions ?? [];
  const conditions = withCondition(before, condition);
  return conditions === before ? undefined : { event: suspended ? 'Suspended' : 'Resumed', conditions };
}
