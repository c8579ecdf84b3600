import { expect, test } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { createWakeUp } from './wake-up.ts';

const { signal } = new AbortController();

test('a sleeper wakes when its time is up', async () => {
  const clock = new VirtualClock();
  let woke = false;
  const sleep = createWakeUp(clock)
    .next(1000, signal)
    .then(() => (woke = true));
  await clock.advance(999);
  expect(woke).toBe(false);
  await clock.advance(1);
  await sleep;
});

test('it wakes at once when it is woken, and what rang before it slept counts', async () => {
  const clock = new VirtualClock();
  const bell = createWakeUp(clock);
  const sleep = bell.next(1000, signal);
  bell.wake();
  await sleep;
  bell.wake();
  bell.wake();
  await bell.next(1000, signal);
  // Rung often, it wakes once.
  let woke = false;
  const last = bell.next(1000, signal).then(() => (woke = true));
  await clock.advance(500);
  expect(woke).toBe(false);
  await clock.advance(500);
  await last;
});

test('an abort ends the sleep with its reason, before it and in it', async () => {
  const clock = new VirtualClock();
  const bell = createWakeUp(clock);
  await expect(bell.next(1000, AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
  const stop = new AbortController();
  const sleep = bell.next(1000, stop.signal);
  stop.abort(new Error('late'));
  await expect(sleep).rejects.toThrow('late');
});
