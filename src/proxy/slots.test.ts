import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignSlots } from './slots.ts';

test.each<[string, string[], string[], boolean, string[]]>([
  ['the first endpoints take slots in order', [], ['a', 'b'], false, ['a', 'b']],
  ['a new one comes last', ['a', 'b'], ['a', 'b', 'c'], false, ['a', 'b', 'c']],
  ['one that left is replaced by the last', ['a', 'b', 'c'], ['b', 'c'], false, ['c', 'b']],
  ['a replacement takes the free slot', ['a', 'b', 'c'], ['a', 'c', 'd'], false, ['a', 'd', 'c']],
  ['no endpoint, no slot', ['a'], [], false, []],
  ['with affinity a lost endpoint leaves its slot to another', ['a', 'b', 'c'], ['a', 'c'], true, ['a', 'c', 'c']],
  ['with affinity a new endpoint takes back the filled-in slot', ['a', 'c', 'c'], ['a', 'c', 'd'], true, ['a', 'c', 'd']],
  ['with affinity slots survive a time without endpoints', ['a', 'b'], [], true, ['a', 'b']],
])('%s', (_name, before, wanted, sticky, after) => {
  expect(assignSlots(before, wanted, sticky)).toEqual(after);
});

test('whatever comes and goes, every endpoint has a slot and no slot leads nowhere', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(fc.array(names, { maxLength: 8 }), fc.boolean(), (steps, sticky) => {
      let slots: string[] = [];
      for (const wanted of steps) {
        const before = slots;
        slots = assignSlots(slots, wanted, sticky);
        if (wanted.length === 0) continue;
        expect(new Set(slots)).toEqual(new Set(wanted));
        if (sticky) {
          expect(slots.length).toBeGreaterThanOrEqual(before.length);
          // Whoever lives keeps at least one of its slots.
          for (const name of wanted)
            if (before.includes(name)) expect(slots.some((each, at) => each === name && before[at] === name)).toBe(true);
        } else expect(slots).toHaveLength(wanted.length);
      }
    }),
  );
});
