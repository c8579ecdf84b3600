import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deepEqual } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { applyMergePatch } from './merge-patch.ts';

test('a patch nested without end is refused', () => {
  let deep: JsonValue = 1;
  for (let i = 0; i < 10_000; i++) deep = { a: deep };
  expect(() => applyMergePatch({}, deep)).toThrow('exceeded max depth');
});

describe('the examples of the specification', () => {
  const cases: readonly (readonly [JsonValue, JsonValue, JsonValue])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  test.each(cases)('%j with %j', (document, patch, result) => {
    expect(applyMergePatch(document, patch)).toEqual(result);
  });
});

test('lists are put without the nulls in their objects, except over an object', () => {
  const list = [null, { a: null, b: [{ c: null, d: 1 }] }];
  const pruned = [null, { b: [{ d: 1 }] }];
  expect(applyMergePatch({ old: [1], text: 'x', object: {} }, { old: list, text: list, object: list, fresh: list })).toEqual({
    old: pruned,
    text: pruned,
    object: list,
    fresh: pruned,
  });
});

/** The patch that makes `from` into `to`, for objects without nulls. */
function difference(from: JsonObject, to: JsonObject): JsonObject {
  const patch: Record<string, JsonValue> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [a, b] = [from[key], to[key]];
    if (b === undefined) patch[key] = null;
    else if (!deepEqual(a, b)) patch[key] = isObject(a) && isObject(b) ? difference(a, b) : b;
  }
  return patch;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('the difference of two objects makes the one into the other, and changes neither', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
  const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(leaf, fc.dictionary(fc.constantFrom('a', 'b'), leaf)));
  fc.assert(
    fc.property(object, object, (from, to) => {
      const before = JSON.stringify([from, to]);
      const patch = difference(from, to);
      expect(applyMergePatch(from, patch)).toEqual({ ...to });
      expect(JSON.stringify([from, to])).toBe(before);
    }),
  );
});
