import { expect, test } from 'vitest';
import type { JsonObject } from '../object.ts';
import { type FieldSet, setOfPath } from './field-set.ts';
import { intern, internedTree } from './interned-sets.ts';

const tree = (set: FieldSet): JsonObject => JSON.parse(JSON.stringify(set)) as JsonObject;

test('equal sets become the same one, in the order in which they are written', () => {
  const set = intern({ 'k:{"a":1}': {}, 'f:b': {}, 'f:a': { 'f:c': {}, '.': {} } });
  expect(JSON.stringify(set)).toBe('{"f:a":{".":{},"f:c":{}},"f:b":{},"k:{\\"a\\":1}":{}}');
  expect(intern({ 'f:a': { '.': {}, 'f:c': {} }, 'f:b': {}, 'k:{"a":1}': {} })).toBe(set);
  expect(intern(set)).toBe(set);
});

test('a tree that says an interned set is found by what it says', () => {
  const set = intern(setOfPath(['f:found']));
  expect(internedTree(tree(set))).toBe(set);
  expect(internedTree(tree(setOfPath(['f:unheard'])))).toBeUndefined();
  // Refused later, where it is checked.
  expect(internedTree({ nonsense: {} })).toBeUndefined();
});

test('long sets are not kept, and what is kept has a limit', () => {
  const long = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f:a-long-name-${i}`, {}]));
  expect(intern(tree(long) as unknown as FieldSet)).not.toBe(intern(tree(long) as unknown as FieldSet));
  const first = intern(setOfPath(['f:first']));
  for (let i = 0; i < 500; i++) intern(setOfPath([`f:${i}`, 'f:x'.repeat(1300)]));
  expect(intern(tree(first) as unknown as FieldSet)).not.toBe(first);
});
