import { expect, test } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { BodyDeadlines } from './body-deadlines.ts';

test('a body that does not come in a minute is given up', async () => {
  const clock = new VirtualClock();
  const deadlines = new BodyDeadlines(clock, 60_000);
  const failed: string[] = [];
  deadlines.begin(({ message }) => failed.push(message));
  const quick = deadlines.begin(() => failed.push('quick'));
  await clock.advance(30_000);
  deadlines.begin(() => failed.push('later'));
  deadlines.end(quick);
  await clock.advance(40_000);
  expect(failed).toEqual(['Timeout: the body of the request did not come in time']);
  await clock.advance(30_000);
  expect(failed).toHaveLength(2);
  expect(clock.timers).toBe(0);
});
