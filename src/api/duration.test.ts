import { expect, test } from 'vitest';
import { ageOf, DurationError, formatDuration, humanDuration, parseDuration } from './duration.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test.each([
  ['0', 0],
  ['5s', 5 * second],
  ['1h30m', 90 * minute],
  ['-1.5h', -90 * minute],
  ['.5s', 500],
  ['1m0.25s', minute + 250],
  ['300ms', 300],
  ['1us', 0.001],
  ['+2h', 2 * hour],
])('%s is read', (text, expected) => expect(parseDuration(text)).toBeCloseTo(expected, 9));

test.each([
  ['', 'time: invalid duration ""'],
  ['3', 'time: missing unit in duration "3"'],
  ['-', 'time: invalid duration "-"'],
  ['s', 'time: invalid duration "s"'],
  ['3d', 'time: unknown unit "d" in duration "3d"'],
  ['1h x', 'time: unknown unit "h x" in duration "1h x"'],
])('%s is refused', (text, message) => expect(() => parseDuration(text)).toThrow(new DurationError(message)));

test.each([
  [0, '0s'],
  [1, '1ms'],
  [1.5, '1.5ms'],
  [0.25, '250µs'],
  [0.000_001, '1ns'],
  [1500, '1.5s'],
  [minute, '1m0s'],
  [hour + 5 * second, '1h0m5s'],
  [-90 * minute, '-1h30m0s'],
  [hour + 0.000_001, '1h0m0.000000001s'],
])('%d ms is written %s', (ms, expected) => expect(formatDuration(ms)).toBe(expected));

test.each([
  [-5 * second, '<invalid>'],
  [-1 * second, '0s'],
  [0, '0s'],
  [119 * second, '119s'],
  [2 * minute, '2m'],
  [2 * minute + 5 * second, '2m5s'],
  [9 * minute + 59 * second, '9m59s'],
  [10 * minute + 5 * second, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [7 * hour + 59 * minute, '7h59m'],
  [8 * hour + 59 * minute, '8h'],
  [47 * hour, '47h'],
  [2 * day, '2d'],
  [2 * day + 3 * hour, '2d3h'],
  [8 * day + 3 * hour, '8d'],
  [729 * day, '729d'],
  [730 * day, '2y'],
  [800 * day, '2y70d'],
  [8 * 365 * day + day, '8y'],
])('an age of %d ms is %s', (ms, expected) => expect(humanDuration(ms)).toBe(expected));

test('the age of a timestamp', () => {
  expect(ageOf('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:00Z'))).toBe('60s');
  expect(ageOf(undefined, 0)).toBe('<unknown>');
});
