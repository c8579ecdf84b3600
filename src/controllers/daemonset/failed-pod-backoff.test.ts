import { expect, it } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { FailedPodBackoff } from './failed-pod-backoff.ts';

it('doubles from a second to a quarter of an hour, and forgets after twice that', async () => {
  const clock = new VirtualClock();
  const backoff = new FailedPodBackoff(clock);
  expect(backoff.leftMs('node')).toBe(0);
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    backoff.failed('node');
    waits.push(backoff.leftMs('node') / 1000);
    await clock.advance(backoff.leftMs('node'));
    expect(backoff.leftMs('node')).toBe(0);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  expect(backoff.leftMs('another')).toBe(0);
  await clock.advance(31 * 60_000);
  backoff.failed('node');
  expect(backoff.leftMs('node')).toBe(1_000);
});
