import { expect, it } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { CrashBackoff } from './crash-backoff.ts';

const policy = { initialMs: 10_000, maxMs: 300_000 };

/** A container that ends `livedMs` after each start; returns the waits before its starts, in seconds. */
async function waits(rounds: number, livedMs: number): Promise<number[]> {
  const clock = new VirtualClock();
  const backoff = new CrashBackoff(policy, clock);
  const result: number[] = [];
  for (let i = 0; i < rounds; i++) {
    await clock.advance(livedMs);
    const endedMs = clock.now();
    const { leftMs } = backoff.remaining('pod/main', endedMs);
    result.push(leftMs / 1000);
    await clock.advance(leftMs);
    expect(backoff.remaining('pod/main', endedMs).leftMs).toBe(0);
    backoff.started('pod/main', endedMs);
  }
  return result;
}

it('starts at once, then waits twice as long each time, up to five minutes', async () => {
  expect(await waits(8, 1000)).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
});

it('begins anew after a container has lived for ten minutes', async () => {
  expect(await waits(3, 601_000)).toEqual([0, 0, 0]);
});

it('forgets the containers of a pod that is gone', async () => {
  const clock = new VirtualClock();
  const backoff = new CrashBackoff(policy, clock);
  backoff.started('pod/main', clock.now());
  expect(backoff.remaining('pod/main', clock.now())).toEqual({ leftMs: 10_000, delayMs: 10_000 });
  backoff.forget('pod/');
  expect(backoff.remaining('pod/main', clock.now())).toEqual({ leftMs: 0, delayMs: 0 });
});
