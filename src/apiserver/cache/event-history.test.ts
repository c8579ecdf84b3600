import { expect, test } from 'vitest';
import { type CacheEvent, EventHistory, type HistoryLimits } from './event-history.ts';
import type { StoredObject } from './stored-object.ts';

const limits: HistoryLimits = { minEvents: 2, maxEvents: 5, maxBytes: 100, maxAgeMs: 1_000 };

function history(events: readonly (readonly [revision: number, atMs: number, bytes?: number])[]): EventHistory {
  const made = new EventHistory(10, limits);
  for (const [revision, atMs, bytes = 0] of events) {
    // Only the size of what was replaced matters here.
    const previous = { text: { length: bytes } } as StoredObject;
    const event: CacheEvent = { revision, current: undefined, previous };
    made.push(event, atMs);
  }
  return made;
}

const since = (made: EventHistory, revision: number): number[] | undefined => made.since(revision)?.map((event) => event.revision);

test('gives the events after a revision', () => {
  const made = history([
    [11, 0],
    [13, 0],
    [17, 0],
  ]);
  expect(since(made, 10)).toEqual([11, 13, 17]);
  expect(since(made, 12)).toEqual([13, 17]);
  expect(since(made, 13)).toEqual([17]);
  expect(since(made, 99)).toEqual([]);
});

test('knows nothing from before it began', () => {
  expect(since(history([[11, 0]]), 9)).toBeUndefined();
});

test('forgets old events beyond the few that it always keeps', () => {
  const made = history([
    [11, 0],
    [12, 0],
    [13, 500],
    [14, 2_000],
  ]);
  expect(since(made, 11)).toBeUndefined();
  expect(since(made, 12)).toEqual([13, 14]);
  expect(made.oldestStart).toBe(12);
});

test('forgets the oldest when there are too many, or too many bytes', () => {
  expect(
    history([
      [11, 0],
      [12, 0],
      [13, 0],
      [14, 0],
      [15, 0],
      [16, 0],
    ]).oldestStart,
  ).toBe(11);
  expect(
    history([
      [11, 0, 60],
      [12, 0, 60],
    ]).oldestStart,
  ).toBe(11);
});

test('stays exact over many thousands of events', () => {
  const made = new EventHistory(0, { ...limits, maxEvents: 100, minEvents: 100 });
  for (let revision = 1; revision <= 10_000; revision++) made.push({ revision, current: undefined, previous: undefined }, 0);
  expect(made.size).toBe(100);
  expect(since(made, 9_990)).toHaveLength(10);
  expect(made.oldestStart).toBe(9_900);
});
