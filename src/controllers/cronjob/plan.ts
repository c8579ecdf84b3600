/**
 * What a CronJob needs now: old Jobs deleted, its list of active ones set right, one Job started. Pure; whether listed Jobs still exist
 * has been asked of the server before.
 * @source pkg/controller/cronjob/cronjob_controllerv2.go, v1.35
 */
import type { batchv1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { RecordedEvent } from '../../client/index.ts';
import { endOf, isJobFinished } from '../job/job-state.ts';
import { lastDue, timetableOf, untilNextMs } from './due-times.ts';

type CronJob = batchv1.CronJob;
type Job = batchv1.Job;

export interface CronJobView {
  readonly cronJob: CronJob;
  /** All that it controls. */
  readonly jobs: readonly Job[];
  /** Uids in the list of active Jobs of which there is no Job any more. */
  readonly gone: ReadonlySet<string>;
  readonly nowMs: number;
  readonly localZone: string;
}

/** A Job as it is named in the list of active ones. */
export interface JobName {
  readonly name: string;
  readonly uid: string;
}

export interface CronJobPlan {
  /** Ended Jobs beyond the limits of history, oldest first. */
  readonly forget: readonly JobName[];
  /** Of what was found, in order. */
  readonly events: readonly RecordedEvent[];
  /** As it is before anything is deleted or started. */
  readonly status: batchv1.CronJobStatus;
  /** Running Jobs that make way for the next. */
  readonly replace: readonly JobName[];
  /** When the Job to be started was due. */
  readonly startMs?: number;
  readonly nextLookMs?: number;
}

export function planCronJob(view: CronJobView): CronJobPlan {
  const forget = beyondHistory(view);
  const forgotten = new Set(forget.map(({ uid }) => uid));
  const { status, events } = settleActive(view, forgotten);
  const base = { forget, events, status, replace: [] };
  const { cronJob } = view;
  if (cronJob.metadata.deletionTimestamp !== undefined) return base;
  return { ...base, ...planStart({ ...view, cronJob: { ...cronJob, status } }, events) };
}

type Start = Pick<CronJobPlan, 'events' | 'nextLookMs' | 'startMs'> & Partial<Pick<CronJobPlan, 'replace'>>;

function planStart({ cronJob, nowMs, localZone }: CronJobView, found: readonly RecordedEvent[]): Start {
  const { metadata, spec, status } = cronJob;
  const timetable = timetableOf(cronJob, localZone);
  const warning = (reason: string, message: string): RecordedEvent => ({ type: 'Warning', reason, message });
  const isFault = 'reason' in timetable;
  if (isFault && timetable.reason === 'UnknownTimeZone') return { events: [...found, warning(timetable.reason, timetable.message)] };
  if (spec.suspend) return { events: found };
  const events = [...found];
  if (spec.schedule.includes('TZ')) {
    const see = 'see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';
    const text = `CRON_TZ or TZ used in schedule ${JSON.stringify(spec.schedule)} is not officially supported, ${see}`;
    events.push(warning('UnsupportedSchedule', text));
  }
  if (isFault) return { events: [...events, warning(timetable.reason, timetable.message)] };
  const due = lastDue(cronJob, timetable, { nowMs, withinDeadline: true });
  if (due.type === 'invalid') {
    return { events: [...events, warning('InvalidSchedule', `invalid schedule: ${spec.schedule} : ${due.message}`)] };
  }
  const nextLookMs = untilNextMs(cronJob, timetable, nowMs);
  const later = { events, ...(nextLookMs !== undefined && { nextLookMs }) };
  const { recentMs } = due;
  if (recentMs === undefined) return later;
  if (due.missed === 'many') {
    const text = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    events.push(warning('TooManyMissedTimes', text));
  }
  if (spec.startingDeadlineSeconds !== undefined && recentMs + spec.startingDeadlineSeconds * 1000 < nowMs) {
    events.push(warning('MissSchedule', `Missed scheduled time to start a job: ${formatRfc1123(recentMs)}`));
    return later;
  }
  const active = status.active ?? [];
  const name = jobName(metadata.name, recentMs);
  if (active.some((job) => job.name === name) || status.lastScheduleTime === formatTime(recentMs)) return later;
  if (spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    events.push({ type: 'Normal', reason: 'JobAlreadyActive', message });
    return later;
  }
  const replace = spec.concurrencyPolicy === 'Replace' ? active.map((job) => ({ name: job.name ?? '', uid: job.uid ?? '' })) : [];
  return { ...later, startMs: recentMs, replace };
}

/** The same for every try to start what is due at one time: the name is the lock that keeps it from being started twice. */
export function jobName(cronJob: string, dueMs: number): string {
  return `${cronJob}-${Math.floor(dueMs / 60_000)}`;
}

/** Sets the list of active Jobs and the time of the last success right by what the Jobs say. */
function settleActive(
  { cronJob, jobs, gone }: CronJobView,
  forgotten: ReadonlySet<string>,
): { readonly status: batchv1.CronJobStatus; readonly events: readonly RecordedEvent[] } {
  const events: RecordedEvent[] = [];
  let active = (cronJob.status.active ?? []).filter(({ uid }) => !forgotten.has(uid ?? ''));
  let { lastSuccessfulTime } = cronJob.status;
  for (const job of jobs) {
    const { name, uid } = job.metadata;
    const isListed = active.some((one) => one.uid === uid);
    if (!isListed && !isJobFinished(job)) {
      events.push({ type: 'Warning', reason: 'UnexpectedJob', message: `Saw a job that the controller did not create or forgot: ${name}` });
    } else if (isListed && isJobFinished(job)) {
      active = active.filter((one) => one.uid !== uid);
      events.push({ type: 'Normal', reason: 'SawCompletedJob', message: `Saw completed job: ${name}, condition: ${endOf(job)}` });
    }
    const { completionTime } = job.status;
    const isLater = lastSuccessfulTime === undefined || (completionTime !== undefined && completionTime > lastSuccessfulTime);
    if (endOf(job) === 'Complete' && completionTime !== undefined && isLater) lastSuccessfulTime = completionTime;
  }
  for (const { name, uid } of active.filter((one) => gone.has(one.uid ?? ''))) {
    events.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` });
    active = active.filter((one) => one.uid !== uid);
  }
  const { active: _, lastSuccessfulTime: __, ...rest } = cronJob.status;
  return {
    status: { ...rest, ...(active.length > 0 && { active }), ...(lastSuccessfulTime !== undefined && { lastSuccessfulTime }) },
    events,
  };
}

function beyondHistory({ cronJob, jobs }: CronJobView): JobName[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined): Job[] => {
    const ended = jobs.filter((job) => endOf(job) === end);
    return limit === undefined ? [] : ended.toSorted(byStartTime).slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)]
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata: { name, uid } }) => ({ name, uid }));
}

/** Those that never started last; of one time by name. */
function byStartTime(a: Job, b: Job): number {
  const [startA = '~', startB = '~'] = [a.status.startTime, b.status.startTime];
  if (startA !== startB) return startA < startB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** `Mon, 02 Jan 2006 15:04:05 +0000`. */
function formatRfc1123(epochMs: number): string {
  return new Date(epochMs).toUTCString().replace('GMT', '+0000');
}

export function formatCronJobPlan(cronJob: string, { forget, events, replace, startMs, nextLookMs }: CronJobPlan): string {
  return [
    ...forget.map(({ name }) => `forget ${name}`),
    ...events.map(({ reason, message }) => `${reason}: ${message}`),
    ...replace.map(({ name }) => `replace ${name}`),
    ...(startMs === undefined ? [] : [`start ${jobName(cronJob, startMs)} due ${formatTime(startMs)}`]),
    nextLookMs === undefined ? 'wait for a change' : `look again in ${nextLookMs / 1000} s`,
  ].join('\n');
}
