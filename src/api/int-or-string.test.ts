import { expect, test } from 'vitest';
import { IntOrStringError, percentOf, scaledValue } from './int-or-string.ts';

test.each([
  [3, 10, 3, 3],
  ['25%', 10, 3, 2],
  ['25%', 3, 1, 0],
  ['0%', 10, 0, 0],
  ['100%', 7, 7, 7],
  ['150%', 3, 5, 4],
])('%s of %d is %d rounded up and %d rounded down', (value, total, up, down) => {
  expect(scaledValue(value, { total, round: 'up' })).toBe(up);
  expect(scaledValue(value, { total, round: 'down' })).toBe(down);
});

test('a string that is no percentage', () => {
  expect(() => scaledValue('3', { total: 1, round: 'up' })).toThrow(
    new IntOrStringError('invalid value for IntOrString: invalid type: string is not a percentage'),
  );
  expect(() => scaledValue('x%', { total: 1, round: 'up' })).toThrow(IntOrStringError);
  expect(percentOf('30%')).toBe(30);
  expect(percentOf(30)).toBeUndefined();
});
