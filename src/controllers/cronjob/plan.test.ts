import { describe, expect, it } from 'vitest';
import type { batchv1 } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { formatCronJobPlan, planCronJob } from './plan.ts';
import { TimeZone } from './zoned-time.ts';

type CronJob = batchv1.CronJob;
type Job = batchv1.Job;

const dayMs = Date.UTC(2026, 0, 1);
/** `09:30` of the first of January. */
const clock = (text: string): number => dayMs + Date.parse(`1970-01-01T${text.length === 5 ? `${text}:00` : text}Z`);
const due = (text: string): string => `nightly-${clock(text) / 60_000}`;

function cronJob(spec: Partial<batchv1.CronJobSpec> = {}, status: batchv1.CronJobStatus = {}, metadata: object = {}): CronJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'default', uid: 'cj', resourceVersion: '1', creationTimestamp: formatTime(dayMs), ...metadata },
    spec: {
      schedule: '0 * * * *',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: {},
      ...spec,
    },
    status,
  };
}

function job(name: string, end?: 'Complete' | 'Failed', at = '09:00'): Job {
  const conditions = end ? [{ type: end, status: 'True' }] : [];
  const times = { startTime: formatTime(clock(at)), ...(end === 'Complete' && { completionTime: formatTime(clock(at) + 60_000) }) };
  return { metadata: { name, uid: name }, status: { conditions, ...times } } as unknown as Job;
}

interface World {
  readonly of: CronJob;
  readonly jobs?: readonly Job[];
  readonly gone?: readonly string[];
  readonly now?: string;
}

const planOf = ({ of, jobs = [], gone = [], now = '09:30' }: World): ReturnType<typeof planCronJob> =>
  planCronJob({ cronJob: of, jobs, gone: new Set(gone), nowMs: clock(now), localZone: 'UTC' });

const active = (...names: string[]): batchv1.CronJobStatus => ({ active: names.map((name) => ({ name, uid: name })) });
const last = (at: string): batchv1.CronJobStatus => ({ lastScheduleTime: formatTime(clock(at)) });

describe('what a CronJob does', () => {
  it.each<[string, World, string[]]>([
    [
      'starts what is due',
      { of: cronJob({}, last('08:00')), now: '09:00:00' },
      [`start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 3600.1 s'],
    ],
    ['does nothing in between', { of: cronJob({}, last('09:00')) }, ['look again in 1800.1 s']],
    ['starts nothing that was due before it was made', { of: cronJob({ schedule: '59 23 * * *' }) }, ['look again in 52140.1 s']],
    [
      'starts the last of several that it missed',
      { of: cronJob({}, last('05:00')) },
      [`start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 1800.1 s'],
    ],
    [
      'says when it missed very many',
      { of: cronJob({ schedule: '* * * * *' }, last('01:00')) },
      [
        'TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
        `start ${due('09:30')} due 2026-01-01T09:30:00Z`,
        'look again in 60.1 s',
      ],
    ],
    ['passes over what is too late', { of: cronJob({ startingDeadlineSeconds: 600 }, last('08:00')) }, ['look again in 1800.1 s']],
    [
      'starts what is just not too late',
      { of: cronJob({ startingDeadlineSeconds: 1900 }, last('08:00')) },
      [`start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 1800.1 s'],
    ],
    ['does nothing while it is suspended', { of: cronJob({ suspend: true }, last('08:00')) }, ['wait for a change']],
    [
      'does nothing while it is being deleted',
      { of: cronJob({}, last('08:00'), { deletionTimestamp: formatTime(dayMs) }) },
      ['wait for a change'],
    ],
    [
      'starts another beside one that runs',
      { of: cronJob({}, { ...last('08:00'), ...active('a') }), jobs: [job('a')] },
      [`start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 1800.1 s'],
    ],
    [
      'or waits for its end',
      { of: cronJob({ concurrencyPolicy: 'Forbid' }, { ...last('08:00'), ...active('a') }), jobs: [job('a')] },
      ['JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid', 'look again in 1800.1 s'],
    ],
    [
      'or replaces it',
      { of: cronJob({ concurrencyPolicy: 'Replace' }, { ...last('08:00'), ...active('a') }), jobs: [job('a')] },
      ['replace a', `start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 1800.1 s'],
    ],
    [
      'does not start what is listed already',
      { of: cronJob({}, { ...last('08:00'), ...active(due('09:00')) }), jobs: [job(due('09:00'))] },
      ['look again in 1800.1 s'],
    ],
    [
      'takes what has ended off its list',
      { of: cronJob({}, { ...last('09:00'), ...active('a', 'b') }), jobs: [job('a', 'Complete'), job('b', 'Failed')] },
      [
        'SawCompletedJob: Saw completed job: a, condition: Complete',
        'SawCompletedJob: Saw completed job: b, condition: Failed',
        'look again in 1800.1 s',
      ],
    ],
    [
      'misses what is gone',
      { of: cronJob({}, { ...last('09:00'), ...active('a') }), gone: ['a'] },
      ['MissingJob: Active job went missing: a', 'look again in 1800.1 s'],
    ],
    [
      'is surprised by what it does not know',
      { of: cronJob({}, last('09:00')), jobs: [job('x')] },
      ['UnexpectedJob: Saw a job that the controller did not create or forgot: x', 'look again in 1800.1 s'],
    ],
    [
      'forgets the oldest',
      {
        of: cronJob({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 0 }, last('09:00')),
        jobs: [job('c', 'Complete', '03:00'), job('a', 'Complete', '01:00'), job('b', 'Complete', '02:00'), job('d', 'Failed')],
      },
      ['forget a', 'forget d', 'look again in 1800.1 s'],
    ],
    [
      'knows no such zone',
      { of: cronJob({ timeZone: 'Moon/Crater' }) },
      ['UnknownTimeZone: invalid timeZone: "Moon/Crater": unknown time zone Moon/Crater', 'wait for a change'],
    ],
    [
      'cannot read its schedule',
      { of: cronJob({ schedule: 'soon' }) },
      ['UnparseableSchedule: unparseable schedule: "soon" : expected exactly 5 fields, found 1: [soon]', 'wait for a change'],
    ],
    [
      'is never due',
      { of: cronJob({ schedule: '59 23 31 2 *' }) },
      [
        'InvalidSchedule: invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second',
        'wait for a change',
      ],
    ],
    [
      'reads an old zone in its schedule, and warns of it',
      { of: cronJob({ schedule: 'TZ=Asia/Tokyo 0 18 * * *' }) },
      [
        'UnsupportedSchedule: CRON_TZ or TZ used in schedule "TZ=Asia/Tokyo 0 18 * * *" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        `start ${due('09:00')} due 2026-01-01T09:00:00Z`,
        'look again in 84600.1 s',
      ],
    ],
    [
      'goes by the clocks of its zone',
      { of: cronJob({ schedule: '0 10 * * *', timeZone: 'Europe/Berlin' }) },
      [`start ${due('09:00')} due 2026-01-01T09:00:00Z`, 'look again in 84600.1 s'],
    ],
  ])('%s', (_, world, lines) => {
    expect(formatCronJobPlan('nightly', planOf(world)).split('\n')).toEqual(lines);
  });
});

describe('a CronJob that was left alone for long', () => {
  // Missed times are counted by the first gap and looked for in the last two: of what was due before that nobody knows.
  it.each<[string, string, string, string]>([
    ['* * * 1-11 *', '2025-11-30T23:59:00Z', '2026-02-10T08:00:30Z', '2026-02-10T08:00:00Z'],
    ['* * * 1,2 *', '2023-02-28T23:59:00Z', '2026-07-01T00:00:00Z', 'nothing'],
    ['0 3 * * 1-5', '2025-12-05T03:00:00Z', '2026-01-04T12:00:00Z', 'nothing'],
    ['30 6-16/4 * * 1-5', '2026-01-02T14:30:00Z', '2026-01-05T10:31:00Z', '2026-01-05T10:30:00Z'],
    ['@every 7m', '2026-01-01T00:03:00Z', '2026-01-01T05:00:00Z', '2026-01-01T04:57:00Z'],
  ])('%s from %s to %s starts %s', (schedule, from, now, expected) => {
    const of = cronJob({ schedule }, { lastScheduleTime: from });
    const { startMs } = planCronJob({ cronJob: of, jobs: [], gone: new Set(), nowMs: Date.parse(now), localZone: 'UTC' });
    expect(startMs === undefined ? 'nothing' : formatTime(startMs)).toBe(expected);
  });
});

describe('the status of a CronJob', () => {
  it('remembers the last success', () => {
    const jobs = [job('b', 'Complete', '02:00'), job('a', 'Complete', '01:00'), job('c', 'Failed', '03:00')];
    expect(planOf({ of: cronJob({}, last('09:00')), jobs }).status.lastSuccessfulTime).toBe('2026-01-01T02:01:00Z');
    const known = cronJob({}, { ...last('09:00'), lastSuccessfulTime: '2026-01-01T05:00:00Z' });
    expect(planOf({ of: known, jobs }).status.lastSuccessfulTime).toBe('2026-01-01T05:00:00Z');
  });

  it('lists what runs', () => {
    const of = cronJob({}, { ...last('09:00'), ...active('a', 'b', 'c') });
    expect(planOf({ of, jobs: [job('a'), job('b', 'Complete')], gone: ['c'] }).status.active).toEqual([{ name: 'a', uid: 'a' }]);
  });
});

/** Looks at a CronJob whenever it asks to be looked at. @returns the times that its Jobs were due, by the clocks of its zone */
function live(
  of: CronJob,
  { from, days }: { readonly from: string; readonly days: number },
): { readonly due: string[]; readonly looks: number } {
  const zone = new TimeZone(of.spec.timeZone ?? 'UTC');
  const due: string[] = [];
  let [nowMs, looks] = [Date.parse(from), 0];
  let { status } = of;
  for (const endMs = nowMs + days * 86_400_000; nowMs < endMs; looks++) {
    const view = { cronJob: { ...of, status }, jobs: [], gone: new Set<string>(), nowMs, localZone: 'UTC' };
    const { startMs, nextLookMs } = planCronJob(view);
    if (startMs !== undefined) {
      due.push(zone.format(startMs));
      status = { lastScheduleTime: formatTime(startMs) };
    }
    nowMs += nextLookMs!;
  }
  return { due, looks };
}

describe('a CronJob as weeks go by', () => {
  const made = (at: string): object => ({ creationTimestamp: at });

  it('at half past two, where the clocks are set forward on Sunday', () => {
    const from = '2026-03-26T12:00:00Z';
    const { due: times } = live(cronJob({ schedule: '30 2 * * *', timeZone: 'Europe/Berlin' }, {}, made(from)), { from, days: 7 });
    expect(times).toEqual([
      '2026-03-27T02:30:00+01:00',
      '2026-03-28T02:30:00+01:00',
      // There is no half past two on the 29th.
      '2026-03-30T02:30:00+02:00',
      '2026-03-31T02:30:00+02:00',
      '2026-04-01T02:30:00+02:00',
      '2026-04-02T02:30:00+02:00',
    ]);
  });

  it('and where they are set back', () => {
    const from = '2026-10-23T12:00:00Z';
    const { due: times } = live(cronJob({ schedule: '30 2 * * *', timeZone: 'Europe/Berlin' }, {}, made(from)), { from, days: 4 });
    expect(times).toEqual([
      '2026-10-24T02:30:00+02:00',
      '2026-10-25T02:30:00+02:00',
      '2026-10-25T02:30:00+01:00',
      '2026-10-26T02:30:00+01:00',
      '2026-10-27T02:30:00+01:00',
    ]);
  });

  it.each([
    ['* * * * *', 7 * 1_440],
    ['*/10 * * * *', 7 * 144],
    ['@hourly', 7 * 24],
    ['@every 90s', 7 * 960 - 1],
  ])('%s: %i Jobs in seven days, each looked at once', (schedule, count) => {
    const from = '2026-01-05T00:00:30Z';
    const { due: times, looks } = live(cronJob({ schedule }, {}, made(from)), { from, days: 7 });
    expect([times.length, new Set(times).size]).toEqual([count, count]);
    expect(looks).toBeLessThanOrEqual(count + 1);
  });
});
