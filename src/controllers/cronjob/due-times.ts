/**
 * When a CronJob was last due, whether it missed times before that, and when to look again. Pure.
 * @source pkg/controller/cronjob/utils.go mostRecentScheduleTime, nextScheduleTimeDuration, v1.35
 */
import { type batchv1, CronError, type CronSchedule, isTimeZone, parseCronSchedule } from '../../api/index.ts';
import { nextTime } from './next-time.ts';
import { TimeZone } from './zoned-time.ts';

type CronJob = batchv1.CronJob;

/** A schedule with the clock that it is read by. */
export interface Timetable {
  readonly schedule: CronSchedule;
  readonly zone: TimeZone;
}

/** Where a CronJob cannot be scheduled: as its event says it. */
export interface TimetableFault {
  readonly reason: 'UnknownTimeZone' | 'UnparseableSchedule';
  readonly message: string;
}

/** Looked at this long after a due time, so that it has surely come. */
const afterDueMs = 100;
const manyMissed = 100;

/** @param localZone where the manager runs: for a CronJob that names no zone */
export function timetableOf({ spec }: CronJob, localZone: string): Timetable | TimetableFault {
  const { schedule: text, timeZone } = spec;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    return { reason: 'UnknownTimeZone', message };
  }
  try {
    const schedule = parseCronSchedule(text);
    const own = text.includes('TZ') ? schedule.timeZone : timeZone;
    return { schedule, zone: new TimeZone(own === undefined || own === 'Local' ? localZone : own || 'UTC') };
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    return { reason: 'UnparseableSchedule', message: `unparseable schedule: ${JSON.stringify(text)} : ${error.message}` };
  }
}

export type Due =
  | {
      readonly type: 'due';
      /** From which on times count: the last one that was met, or the making of the CronJob. */
      readonly earliestMs: number;
      /** The last time that has come; undefined: none since. */
      readonly recentMs?: number;
      readonly missed: 'none' | 'few' | 'many';
    }
  /** The schedule is one by its form only. */
  | { readonly type: 'invalid'; readonly message: string };

/** @param options.withinDeadline leaves out what is too late to start */
export function lastDue(
  { metadata, spec, status }: CronJob,
  { schedule, zone }: Timetable,
  { nowMs, withinDeadline }: { readonly nowMs: number; readonly withinDeadline: boolean },
): Due {
  let earliestMs = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp ?? '');
  if (withinDeadline && spec.startingDeadlineSeconds !== undefined) {
    earliestMs = Math.max(earliestMs, nowMs - spec.startingDeadlineSeconds * 1000);
  }
  const first = nextTime(schedule, earliestMs, zone);
  const second = first === undefined ? undefined : nextTime(schedule, first, zone);
  if (first !== undefined && nowMs < first) return { type: 'due', earliestMs, missed: 'none' };
  if (second !== undefined && nowMs < second) return { type: 'due', earliestMs, recentMs: first!, missed: 'none' };
  if (first === undefined || second === undefined) {
    return { type: 'invalid', message: 'time difference between two schedules is less than 1 second' };
  }
  // Counted roughly, by the first gap: to walk over every missed time could take for ever.
  const gapMs = second - first;
  const count = Math.floor((nowMs - first) / gapMs) + 1;
  const recentMs = lastIn({ schedule, zone }, first + (count - 2) * gapMs, nowMs);
  return { type: 'due', earliestMs, ...(recentMs !== undefined && { recentMs }), missed: count > manyMissed ? 'many' : 'few' };
}

/**
 * The last time after `startMs` and not after `nowMs`. Found by halves: a schedule of every minute of some months has very many in the
 * gap that it was counted by.
 */
function lastIn({ schedule, zone }: Timetable, startMs: number, nowMs: number): number | undefined {
  const after = (ms: number): number | undefined => {
    const next = nextTime(schedule, ms, zone);
    return next !== undefined && next <= nowMs ? next : undefined;
  };
  let last = after(startMs);
  for (let beyondMs = nowMs; last !== undefined;) {
    const next = after(last);
    if (next === undefined) return last;
    // Times of an interval are counted from where one starts: there are but a few, and no halves.
    const middleMs = schedule.type === 'every' ? last : Math.floor((next + beyondMs) / 2);
    const later = after(middleMs);
    if (later === undefined) beyondMs = middleMs;
    last = later ?? next;
  }
  return undefined;
}

/** Milliseconds until the next time is due, and a little more. */
export function untilNextMs(cronJob: CronJob, timetable: Timetable, nowMs: number): number | undefined {
  const due = lastDue(cronJob, timetable, { nowMs, withinDeadline: false });
  const fromMs = due.type === 'invalid' ? nowMs : (due.recentMs ?? (due.missed === 'none' ? due.earliestMs : nowMs));
  const next = nextTime(timetable.schedule, fromMs, timetable.zone);
  return next === undefined ? undefined : next + afterDueMs - nowMs;
}
