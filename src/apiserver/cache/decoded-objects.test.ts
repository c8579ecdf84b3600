import { expect, test } from 'vitest';
import { type Decoded, DecodedObjects } from './decoded-objects.ts';

function item(): Decoded & { forgotten: boolean } {
  const made = {
    recentlyRead: false,
    decodedPlace: -1,
    forgotten: false,
    forgetDecoded: () => {
      made.forgotten = true;
    },
  };
  return made;
}

test('forgets the oldest beyond the limit', () => {
  const decoded = new DecodedObjects(2);
  const items = [item(), item(), item()];
  for (const each of items) decoded.hold(each);
  expect(items.map(({ forgotten }) => forgotten)).toEqual([true, false, false]);
  expect(decoded.size).toBe(2);
});

test('spares what was read since the last round', () => {
  const decoded = new DecodedObjects(2);
  const items = [item(), item(), item()];
  items[0]!.recentlyRead = true;
  for (const each of items) decoded.hold(each);
  expect(items.map(({ forgotten }) => forgotten)).toEqual([false, true, false]);
  expect(items[0]!.recentlyRead).toBe(false);
});

test('has room again for what was released', () => {
  const decoded = new DecodedObjects(1);
  const first = item();
  decoded.hold(first);
  decoded.release(first);
  decoded.hold(item());
  expect(first.forgotten).toBe(false);
});

test('holds an object once, however often it is told to', () => {
  const decoded = new DecodedObjects(2);
  const first = item();
  for (let i = 0; i < 5; i++) decoded.hold(first);
  expect(decoded.size).toBe(1);
  decoded.release(first);
  decoded.release(first);
  expect(decoded.size).toBe(0);
});
