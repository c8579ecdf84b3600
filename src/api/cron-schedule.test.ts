import { describe, expect, test } from 'vitest';
import { CronError, isTimeZone, parseCronSchedule } from './cron-schedule.ts';

function values(text: string, field: 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek'): number[] {
  const schedule = parseCronSchedule(text);
  if (schedule.type !== 'calendar') throw new Error(`${text} has no fields`);
  return [...schedule[field].values].sort((a, b) => a - b);
}

describe('a schedule', () => {
  test.each<[string, Parameters<typeof values>[1], number[]]>([
    ['*/20 * * * *', 'minute', [0, 20, 40]],
    ['5/20 * * * *', 'minute', [5, 25, 45]],
    ['10-14/2,59 * * * *', 'minute', [10, 12, 14, 59]],
    ['0 0 1 * ?', 'dayOfMonth', [1]],
    ['0 0 * JAN,mar-may *', 'month', [1, 3, 4, 5]],
    ['0 0 * * Mon-Fri', 'dayOfWeek', [1, 2, 3, 4, 5]],
    ['@weekly', 'dayOfWeek', [0]],
    ['@hourly', 'minute', [0]],
    ['  1   2 3 4 5 ', 'hour', [2]],
  ])('%s', (text, field, expected) => {
    expect(values(text, field)).toEqual(expected);
  });

  test('knows a star from all values', () => {
    expect(parseCronSchedule('0 0 1 * *')).toMatchObject({ dayOfMonth: { any: false }, dayOfWeek: { any: true } });
    expect(parseCronSchedule('0 0 */2 * 0-6')).toMatchObject({ dayOfMonth: { any: false }, dayOfWeek: { any: false } });
  });

  test('may be an interval, or name its time zone', () => {
    expect(parseCronSchedule('@every 1h30m')).toEqual({ type: 'every', everyMs: 5_400_000 });
    expect(parseCronSchedule('@every 10ms')).toEqual({ type: 'every', everyMs: 1000 });
    expect(parseCronSchedule('CRON_TZ=Europe/Berlin 0 1 * * *')).toMatchObject({ type: 'calendar', timeZone: 'Europe/Berlin' });
  });

  test.each([
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['* * * * * *', 'expected exactly 5 fields, found 6: [* * * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['error * * * *', 'failed to parse int from error: strconv.Atoi: parsing "error": invalid syntax'],
    ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ['@never', 'unrecognized descriptor: @never'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['TZ=Nowhere 0 0 * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
    ['TZ=UTC', 'provided bad location UTC: unknown time zone UTC'],
  ])('%j is refused', (text, message) => {
    expect(() => parseCronSchedule(text)).toThrow(new CronError(message));
  });
});

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['US/Eastern', true],
  ['Etc/GMT+1', true],
  ['europe/berlin', false],
  ['Mars/Phobos', false],
])('the time zone %s: %s', (name, known) => {
  expect(isTimeZone(name)).toBe(known);
});
