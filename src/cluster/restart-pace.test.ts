import { expect, test } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { RestartPace } from './restart-pace.ts';

test('restarts wait 0.1 s at first, 10 s at most, and 0.1 s again after a minute of life', async () => {
  const clock = new VirtualClock();
  const pace = new RestartPace(clock);
  expect(Array.from({ length: 9 }, () => pace.next())).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  await clock.advance(61_000);
  expect(pace.next()).toBe(100);
});
