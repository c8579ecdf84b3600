import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareElements,
  difference,
  emptySet,
  equalSets,
  inOrder,
  intersection,
  isSubset,
  pathsOf,
  recursiveDifference,
  setOfPath,
  union,
  type FieldSet,
} from './field-set.ts';

function setOf(...paths: readonly string[]): FieldSet {
  return paths.map((path) => setOfPath(path.split('/').map((name) => `f:${name}`))).reduce(union, emptySet);
}

function list(set: FieldSet): string[] {
  return [...pathsOf(set)].map((path) => path.map((element) => element.slice(2)).join('/'));
}

test('a member that has members below it is marked', () => {
  expect(setOf('a', 'a/b')).toEqual({ 'f:a': { '.': {}, 'f:b': {} } });
  expect(setOf('a/b')).toEqual({ 'f:a': { 'f:b': {} } });
  expect(list(setOf('a/b', 'a', 'c'))).toEqual(['a', 'c', 'a/b']);
});

describe('differences', () => {
  test.each([
    [['a', 'a/b'], ['a'], ['a/b']],
    [['a', 'a/b'], ['a/b'], ['a']],
    [['a/b'], ['a'], ['a/b']],
    [['a/b', 'a/c'], ['a/b'], ['a/c']],
    [['a'], ['a/b'], ['a']],
  ])('%j without %j', (from, without, left) => {
    expect(list(difference(setOf(...from), setOf(...without)))).toEqual(left);
  });

  test('a recursive one takes what lies below, too', () => {
    expect(list(recursiveDifference(setOf('a', 'a/b/c', 'd/e'), setOf('a/b', 'd')))).toEqual(['a']);
  });
});

describe('elements are ordered as upstream orders them', () => {
  test.each([
    ['f:b', 'k:{"a":1}', -1],
    ['f:a', 'f:b', -1],
    ['k:{"port":80}', 'k:{"port":443}', -1],
    ['k:{"name":"a"}', 'k:{"name":"b"}', -1],
    ['k:{"a":1}', 'k:{"b":0}', -1],
    ['v:2', 'v:10', -1],
    ['i:0', 'v:"x"', 1],
  ])('%s and %s', (a, b, order) => {
    expect(Math.sign(compareElements(a, b))).toBe(order);
    expect(Math.sign(compareElements(b, a))).toBe(-order);
  });

  test('and an ordered set keeps its members', () => {
    const set = { 'k:{"port":443}': {}, 'f:b': { 'f:z': {}, '.': {}, 'f:a': {} }, 'k:{"port":80}': {} };
    expect(JSON.stringify(inOrder(set))).toBe('{"f:b":{".":{},"f:a":{},"f:z":{}},"k:{\\"port\\":80}":{},"k:{\\"port\\":443}":{}}');
  });
});

describe('sets behave as sets', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
  const paths = fc.uniqueArray(path, { maxLength: 8 });
  const model = (...values: readonly string[]): string[] => values.toSorted();

  test('union, intersection and difference agree with sets of paths', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        const [left, right] = [setOf(...a), setOf(...b)];
        expect(list(union(left, right)).toSorted()).toEqual(model(...new Set([...a, ...b])));
        expect(list(intersection(left, right)).toSorted()).toEqual(model(...a.filter((one) => b.includes(one))));
        expect(list(difference(left, right)).toSorted()).toEqual(model(...a.filter((one) => !b.includes(one))));
        expect(isSubset(left, right)).toBe(a.every((one) => b.includes(one)));
        expect(equalSets(left, right)).toBe(model(...a).join() === model(...b).join());
      }),
    );
  });

  test('a recursive difference leaves what is neither a member nor below one', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        const below = (one: string): boolean => b.some((other) => one === other || one.startsWith(`${other}/`));
        expect(list(recursiveDifference(setOf(...a), setOf(...b))).toSorted()).toEqual(model(...a.filter((one) => !below(one))));
      }),
    );
  });
});
