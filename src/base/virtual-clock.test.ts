import { describe, expect, it } from 'vitest';
import { formatMicroTime, formatTime } from './clock.ts';
import { seededRandom } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('a virtual clock', () => {
  it('fires timers by their time, and those of one time in the order of their setting', async () => {
    const clock = new VirtualClock(0);
    const random = seededRandom(1);
    const set = Array.from({ length: 500 }, (_, order) => ({ order, dueMs: Math.floor(random.next() * 50) }));
    const fired: typeof set = [];
    for (const timer of set) clock.setTimer(timer.dueMs, () => fired.push(timer));
    await clock.advance(50);
    expect(fired).toEqual(set.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order));
    expect(clock.timers).toBe(0);
  });

  it('forgets timers that are cancelled, also between others and twice', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const timers = Array.from({ length: 100 }, (_, i) => clock.setTimer(i, () => fired.push(i)));
    for (const [i, timer] of timers.entries()) if (i % 3 !== 0) timer.cancel();
    timers[1]!.cancel();
    expect(clock.timers).toBe(34);
    await clock.advance(100);
    timers[0]!.cancel();
    expect(fired).toEqual(Array.from({ length: 34 }, (_, i) => i * 3));
    expect(clock.timers).toBe(0);
  });

  it('lets what a timer sets off run before the next timer, also when both are due', async () => {
    const clock = new VirtualClock(0);
    const story: string[] = [];
    clock.setTimer(5, () => {
      story.push('first');
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => story.push('what the first set off'));
      clock.setTimer(0, () => story.push('third'));
    });
    clock.setTimer(5, () => story.push('second'));
    await clock.advance(5);
    expect(story).toEqual(['first', 'what the first set off', 'second', 'third']);
  });

  it('steps from timer to timer, and over nothing for as long as it may', async () => {
    const clock = new VirtualClock(0);
    clock.setTimer(10, () => {});
    expect(await clock.step(4)).toBe(false);
    expect(clock.now()).toBe(4);
    expect(await clock.step()).toBe(true);
    expect(clock.now()).toBe(10);
    expect(await clock.step()).toBe(false);
    expect(clock.now()).toBe(10);
  });

  it('never goes back when two turn it at the same time', async () => {
    const clock = new VirtualClock(0);
    const far = clock.advance(100);
    await clock.advance(10);
    await far;
    expect(clock.now()).toBe(100);
  });

  it('says when what is waited for does not come', async () => {
    const clock = new VirtualClock(0);
    clock.setTimer(10, () => {});
    await expect(clock.advanceUntil(() => false, 20)).rejects.toThrow('condition not reached in 20 ms of virtual time');
  });
});

describe('times as Kubernetes writes them', () => {
  it('have whole seconds, or six decimals', () => {
    const atMs = Date.UTC(2026, 1, 3, 4, 5, 6, 7);
    expect(formatTime(atMs)).toBe('2026-02-03T04:05:06Z');
    expect(formatMicroTime(atMs)).toBe('2026-02-03T04:05:06.007000Z');
    expect(formatMicroTime(atMs + 0.25)).toBe('2026-02-03T04:05:06.007250Z');
  });
});
