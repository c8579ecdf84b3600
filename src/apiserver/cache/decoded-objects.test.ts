import { expect, test } from 'vitest';
import { type Decoded, DecodedObjects } from './decoded-objects.ts';

function item(byteLength = 1): Decoded & { forgotten: boolean } {
  const made = {
    recentlyRead: false,
    decodedPlace: -1,
    byteLength,
    forgotten: false,
    forgetDecoded: () => {
      made.forgotten = true;
    },
  };
  return made;
}

test('forgets the oldest beyond the limit', () => {
  const decoded = new DecodedObjects({ objects: 2, bytes: 1_000 });
  const items = [item(), item(), item()];
  for (const each of items) decoded.hold(each);
  expect(items.map(({ forgotten }) => forgotten)).toEqual([true, false, false]);
  expect(decoded.size).toBe(2);
});

test('spares what was read since the last round', () => {
  const decoded = new DecodedObjects({ objects: 2, bytes: 1_000 });
  const items = [item(), item(), item()];
  items[0]!.recentlyRead = true;
  for (const each of items) decoded.hold(each);
  expect(items.map(({ forgotten }) => forgotten)).toEqual([false, true, false]);
  expect(items[0]!.recentlyRead).toBe(false);
});

test('has room again for what was released', () => {
  const decoded = new DecodedObjects({ objects: 1, bytes: 1_000 });
  const first = item();
  decoded.hold(first);
  decoded.release(first);
  decoded.hold(item());
  expect(first.forgotten).toBe(false);
});

test('holds an object once, however often it is told to', () => {
  const decoded = new DecodedObjects({ objects: 2, bytes: 1_000 });
  const first = item();
  for (let i = 0; i < 5; i++) decoded.hold(first);
  expect(decoded.size).toBe(1);
  decoded.release(first);
  decoded.release(first);
  expect(decoded.size).toBe(0);
});

test('forgets as many as a large one needs, and keeps one that is larger than all that is kept', () => {
  const decoded = new DecodedObjects({ objects: 10, bytes: 100 });
  const items = [item(40), item(40), item(10), item(80), item(500), item(1)];
  const forgotten = items.map((each) => {
    decoded.hold(each);
    return items.flatMap((one, i) => (one.forgotten ? [i] : []));
  });
  expect(forgotten).toEqual([[], [], [], [0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]]);
  expect(decoded.size).toBe(1);
});
