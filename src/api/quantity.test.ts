import { describe, expect, test } from 'vitest';
import { milliQuantityOf, parseQuantity, quantityOf, QuantityError, tryParseQuantity } from './quantity.ts';

describe('the canonical text of a quantity', () => {
  const check = (text: string | number, expected: string): void => expect(parseQuantity(text).toString()).toBe(expected);

  test.each([
    ['0', '0'],
    ['0.0', '0'],
    ['-0', '0'],
    ['00012', '12'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['5.', '5'],
    ['+3', '3'],
    ['-3Ki', '-3Ki'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1Ki', '1Ki'],
    ['1023', '1023'],
    ['1024', '1024'],
    ['1000', '1k'],
    ['1000Ki', '1000Ki'],
    ['0.5Ki', '512'],
    ['0.0005Ki', '512m'],
    ['100k', '100k'],
    ['1000k', '1M'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['1200e-3', '1200e-3'],
    ['12e6', '12e6'],
    ['1E', '1E'],
    ['2.5E', '2500P'],
    ['100n', '100n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1u', '1u'],
    ['16Ei', '9223372036854775807'],
  ])('%s is written %s', check);

  test('a JSON number is read as its text', () => check(2.5, '2500m'));
});

describe('what is no quantity', () => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  test.each([
    ['', format],
    ['abc', format],
    ['1 Gi', format],
    ['1.2.3', format],
    ['1Gx', format],
    ['1Gii', "unable to parse quantity's suffix"],
    ['1mi', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    [`1e${'9'.repeat(9)}`, "unable to parse quantity's suffix"],
    ['9'.repeat(1000), 'unable to parse numeric part of quantity'],
  ])('%s is refused', (text, message) => {
    expect(() => parseQuantity(text)).toThrow(new QuantityError(message));
    expect(tryParseQuantity(text)).toBeUndefined();
  });
});

describe('arithmetic', () => {
  const check = (actual: { toString(): string }, expected: string): void => expect(actual.toString()).toBe(expected);

  test('a sum keeps the format of the first, or of the second when the first is zero', () => {
    check(parseQuantity('1Gi').add(parseQuantity('512Mi')), '1536Mi');
    check(parseQuantity('1').add(parseQuantity('1Ki')), '1025');
    check(parseQuantity('0').add(parseQuantity('1Ki')), '1Ki');
    check(parseQuantity('100m').add(parseQuantity('900m')), '1');
  });

  test('a difference may be negative', () => check(parseQuantity('1').subtract(parseQuantity('1500m')), '-500m'));

  test.each([
    ['1', '1000m', 0],
    ['1Gi', '1G', 1],
    ['1n', '0', 1],
    ['-1', '0', -1],
    ['1e3', '1k', 0],
  ])('%s compared with %s', (a, b, expected) => {
    expect(parseQuantity(a).compare(parseQuantity(b))).toBe(expected);
    expect(parseQuantity(a).equals(parseQuantity(b))).toBe(expected === 0);
  });

  test.each([
    ['1', 1000, 1],
    ['1n', 1, 1],
    ['1500m', 1500, 2],
    ['-1500m', -1500, -2],
    ['1Ki', 1_024_000, 1024],
    ['0', 0, 0],
  ])('%s in thousandths and in whole units, rounded away from zero', (text, millis, whole) => {
    expect(parseQuantity(text).milliValue()).toBe(millis);
    expect(parseQuantity(text).value()).toBe(whole);
  });

  test('rounding up to thousandths', () => {
    check(parseQuantity('1u').roundUp(-3), '1m');
    check(parseQuantity('1.0001').roundUp(-3), '1001m');
    check(parseQuantity('5').roundUp(-3), '5');
  });

  test('quantities from numbers', () => {
    check(quantityOf(2048, 'BinarySI'), '2Ki');
    check(milliQuantityOf(250), '250m');
    expect(parseQuantity('250m').toNumber()).toBe(0.25);
  });
});
