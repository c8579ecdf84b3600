import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignSlots, stickyIds } from './slots.ts';

test.each<[string, string[], string[], string[]]>([
  ['the first endpoints take slots in order', [], ['a', 'b'], ['a', 'b']],
  ['a new one comes last', ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c']],
  ['one that left is replaced by the last', ['a', 'b', 'c'], ['b', 'c'], ['c', 'b']],
  ['a replacement takes the free slot', ['a', 'b', 'c'], ['a', 'c', 'd'], ['a', 'd', 'c']],
  ['no endpoint, no slot', ['a'], [], []],
])('%s', (_name, before, wanted, after) => {
  expect(assignSlots(before, wanted)).toEqual(after);
});

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));

test('whatever comes and goes, every endpoint has one slot and no slot leads nowhere', () => {
  fc.assert(
    fc.property(fc.array(names, { maxLength: 8 }), (steps) => {
      let slots: string[] = [];
      for (const wanted of steps) {
        slots = assignSlots(slots, wanted);
        expect(slots.toSorted()).toEqual(wanted.toSorted());
      }
    }),
  );
});

test('the number of an endpoint does not depend on its slot, and no two have one', () => {
  fc.assert(
    fc.property(names, (backends) => {
      const ids = stickyIds(backends);
      expect(stickyIds(backends.toReversed())).toEqual(new Map(ids));
      expect(new Set(ids.values()).size).toBe(backends.length);
    }),
  );
  expect(Math.min(...stickyIds(Array.from({ length: 1000 }, (_, at) => `10.0.0.${at} . 80`)).values())).toBeGreaterThan(0);
});
