import { expect, test } from 'vitest';
import { VirtualClock } from '../../../base/index.ts';
import { allowed, type Verdict } from '../authorizer.ts';
import { VerdictCache } from './verdict-cache.ts';

test('a verdict is known for as long as it was said to be', async () => {
  const clock = new VirtualClock();
  const cache = new VerdictCache(clock);
  cache.set('a', allowed, 1_000);
  cache.set('never', allowed, 0);
  expect([cache.get('a'), cache.get('never')]).toEqual([allowed, undefined]);
  await clock.advance(1_001);
  expect(cache.get('a')).toBeUndefined();
  expect(cache.size).toBe(0);
});

test('what was not wanted for the longest time makes room', () => {
  const cache = new VerdictCache(new VirtualClock());
  for (let i = 0; i < 8_192; i++) cache.set(`question ${i}`, allowed, 60_000);
  cache.get('question 0');
  cache.set('one more', allowed, 60_000);
  expect([cache.get('question 0'), cache.get('question 1'), cache.size]).toEqual([allowed, undefined, 8_192]);
});

test('long questions and reasons fill no memory', () => {
  const cache = new VerdictCache(new VirtualClock());
  const wordy: Verdict = { decision: 'deny', reason: 'x'.repeat(9_000) };
  cache.set('x'.repeat(10_001), allowed, 60_000);
  cache.set('why', { ...wordy, reason: 'x'.repeat(10_001) }, 60_000);
  expect(cache.size).toBe(0);
  for (let i = 0; i < 4_000; i++) cache.set(`${i}${'x'.repeat(9_000)}`, wordy, 60_000);
  expect(cache.size).toBeGreaterThan(900);
  expect(cache.size * 18_000).toBeLessThanOrEqual(16 * 1024 * 1024);
});
