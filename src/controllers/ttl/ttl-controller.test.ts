import { expect, test } from 'vitest';
import { nextStep, ttlOf } from './ttl-controller.ts';

test.each<[number, number, number]>([
  [0, 0, 0],
  [0, 100, 0],
  [0, 101, 15],
  [15, 95, 15],
  [15, 89, 0],
  [15, 501, 30],
  [30, 460, 30],
  [30, 449, 15],
  [60, 900, 60],
  [60, 2_001, 300],
  [300, 1_799, 60],
  [0, 5_000, 300],
  [300, 3, 0],
])('kept for %i s, with %i nodes kept for %i s', (before, nodes, after) => {
  const step = [0, 15, 30, 60, 300].indexOf(before);
  expect(ttlOf(nextStep(step, nodes))).toBe(after);
});
