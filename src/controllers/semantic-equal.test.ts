import { describe, expect, it } from 'vitest';
import { omitZero, semanticEqual } from './semantic-equal.ts';

const rows: [unknown, unknown, boolean][] = [
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1, b: [] }, { a: 1 }, true],
  [{ a: {} }, { a: null }, true],
  [{ a: '' }, {}, false],
  [{ a: 0 }, {}, false],
  [{ a: [1, 2] }, { a: [2, 1] }, false],
  [{ a: [1] }, { a: [1, 2] }, false],
  [[], undefined, true],
  ['a', 'a', true],
  [{ a: { b: { c: [] } } }, { a: { b: {} } }, true],
  [{ constructor: 1 }, {}, false],
];

describe('semantic equality', () => {
  for (const [a, b, expected] of rows) {
    it(`of ${JSON.stringify(a)} and ${JSON.stringify(b)} is ${expected}`, () => {
      expect([semanticEqual(a, b), semanticEqual(b, a)]).toEqual([expected, expected]);
    });
  }
});

it('zeros are left out of a status', () => {
  expect(omitZero({ a: 0, b: 2, c: undefined })).toEqual({ b: 2 });
});
