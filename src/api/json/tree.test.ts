import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deepCopy, deepEqual, NotJsonError } from './tree.ts';

test('a copy is equal, shares nothing, and any change to it shows', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = deepCopy(value);
      expect(deepEqual(copy, value)).toBe(true);
      expect(deepEqual([copy, 1], [value, 2])).toBe(false);
      expect(typeof value === 'object' && value !== null && copy === value).toBe(false);
    }),
  );
});

describe('equality of trees', () => {
  test.each([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [null, {}, false],
    [5n, 5, true],
    [5, 5n, true],
    [5.5, 5n, false],
    ['5', 5, false],
    [JSON.parse('{"__proto__":1}'), {}, false],
    [{}, JSON.parse('{"__proto__":1}'), false],
  ])('%o %o', (a, b, equal) => {
    expect(deepEqual(a, b)).toBe(equal);
  });
});

test('undefined properties are left out of a copy', () => {
  expect(Object.keys(deepCopy({ a: undefined, b: 1 }))).toEqual(['b']);
});

describe('what JSON cannot say is not copied', () => {
  test.each([[Number.NaN], [undefined], [() => 1], [new Date(0)], [[undefined]], [Symbol('x')]])('%s', (value) => {
    expect(() => deepCopy(value)).toThrow(NotJsonError);
  });
});
