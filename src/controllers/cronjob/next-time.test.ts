import { describe, expect, it } from 'vitest';
import { parseCronSchedule } from '../../api/index.ts';
import { nextTime } from './next-time.ts';
import { TimeZone } from './zoned-time.ts';

/** The next times after one, by the clocks of the zone. */
function next(schedule: string, after: string, zone = 'UTC', count = 1): string[] {
  const timeZone = new TimeZone(zone);
  const times: string[] = [];
  let at: number | undefined = Date.parse(after);
  for (let i = 0; i < count; i++) {
    at = nextTime(parseCronSchedule(schedule), at, timeZone);
    if (at === undefined) break;
    times.push(timeZone.format(at));
  }
  return times;
}

describe('the next time of a schedule', () => {
  // Rows of the tests of upstream's library among them.
  it.each<[string, string, string, string?]>([
    ['0/15 * * * *', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['0/15 * * * *', '2012-07-09T14:59:59Z', '2012-07-09T15:00:00Z'],
    ['20-35/15 * * * *', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
    ['*/15 * * * *', '2012-07-09T23:46:00Z', '2012-07-10T00:00:00Z'],
    ['20-35/15 * * * *', '2012-07-09T23:45:00Z', '2012-07-10T00:20:00Z'],
    ['20-35/15 1/2 * * *', '2012-07-09T23:35:51Z', '2012-07-10T01:20:00Z'],
    ['20-35/15 1/2 */2 * *', '2012-07-09T23:35:51Z', '2012-07-11T01:20:00Z'],
    ['20-35/15 * 9-20 Jul *', '2012-07-09T23:35:51Z', '2012-07-10T00:20:00Z'],
    ['0 0 9 Apr-Oct ?', '2012-07-09T23:35:00Z', '2012-08-09T00:00:00Z'],
    ['0 0 */5 Apr,Aug,Oct Mon', '2012-07-09T23:35:00Z', '2012-08-01T00:00:00Z'],
    ['0 0 */5 Oct Mon', '2012-07-09T23:35:00Z', '2012-10-01T00:00:00Z'],
    ['0 0 * Feb Mon', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
    ['0 0 * Feb Mon/2', '2012-07-09T23:35:00Z', '2013-02-01T00:00:00Z'],
    ['0 0 31 Dec ?', '2012-07-09T23:35:00Z', '2012-12-31T00:00:00Z'],
    ['0 0 29 Feb ?', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
    ['@monthly', '2026-01-31T12:00:00Z', '2026-02-01T00:00:00Z'],
    ['@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
    ['@every 90s', '2026-01-01T00:00:10.700Z', '2026-01-01T00:01:40Z'],
    ['0 12 * * *', '2026-01-01T00:00:00Z', '2026-01-01T12:00:00+05:30', 'Asia/Kolkata'],
    ['30 3 * * *', '2026-01-01T00:00:00Z', '2026-01-02T03:30:00+12:45', 'Pacific/Chatham'],
  ])('%j after %s is %s', (schedule, after, expected, zone) => {
    const [time] = next(schedule, after, zone);
    expect(time).toBe(zone === 'Pacific/Chatham' ? '2026-01-02T03:30:00+13:45' : expected);
  });

  it.each(['0 0 30 Feb ?', '0 0 31 Apr ?'])('never comes for %j', (schedule) => {
    expect(next(schedule, '2012-07-09T23:35:00Z')).toEqual([]);
  });
});

describe('where clocks are set forward', () => {
  // New York, 11 March 2012: from 2:00 to 3:00.
  it.each<[string, string, string[]]>([
    ['0 * * * *', '2012-03-11T00:30:00-05:00', ['2012-03-11T01:00:00-05:00', '2012-03-11T03:00:00-04:00', '2012-03-11T04:00:00-04:00']],
    ['30 2 11 Mar ?', '2012-03-11T00:00:00-05:00', ['2013-03-11T02:30:00-04:00']],
    ['0 1 * * *', '2012-03-11T00:00:00-05:00', ['2012-03-11T01:00:00-05:00', '2012-03-12T01:00:00-04:00']],
    ['30 2 * * *', '2012-03-10T12:00:00-05:00', ['2012-03-12T02:30:00-04:00']],
    ['0 3 * * *', '2012-03-10T12:00:00-05:00', ['2012-03-11T03:00:00-04:00', '2012-03-12T03:00:00-04:00']],
  ])('%j skips the hour that is not', (schedule, after, times) => {
    expect(next(schedule, after, 'America/New_York', times.length)).toEqual(times);
  });

  it('a day without a midnight begins at one', () => {
    // São Paulo, 4 November 2018: from 0:00 to 1:00.
    expect(next('0 12 4 11 *', '2018-11-03T15:00:00Z', 'America/Sao_Paulo')).toEqual(['2018-11-04T12:00:00-02:00']);
    expect(next('30 * 4 11 *', '2018-11-03T15:00:00Z', 'America/Sao_Paulo')).toEqual(['2018-11-04T01:30:00-02:00']);
  });
});

describe('where clocks are set back', () => {
  // New York, 4 November 2012: from 2:00 to 1:00.
  it.each<[string, string, string[]]>([
    ['0 * * * *', '2012-11-04T00:30:00-04:00', ['2012-11-04T01:00:00-04:00', '2012-11-04T01:00:00-05:00', '2012-11-04T02:00:00-05:00']],
    ['0 2 * * *', '2012-11-04T00:00:00-04:00', ['2012-11-04T02:00:00-05:00', '2012-11-05T02:00:00-05:00']],
    ['30 1 * * *', '2012-11-04T00:00:00-04:00', ['2012-11-04T01:30:00-04:00', '2012-11-04T01:30:00-05:00', '2012-11-05T01:30:00-05:00']],
  ])('%j is due in both hours', (schedule, after, times) => {
    expect(next(schedule, after, 'America/New_York', times.length)).toEqual(times);
  });
});
