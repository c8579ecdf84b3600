import { describe, expect, it } from 'vitest';
import { Registry, VirtualClock } from '../base/index.ts';
import { createWorkQueue } from './work-queue.ts';

const { signal } = new AbortController();

function setUp(): { clock: VirtualClock; registry: Registry; queue: ReturnType<typeof createWorkQueue<string>> } {
  const clock = new VirtualClock();
  const registry = new Registry();
  return { clock, registry, queue: createWorkQueue({ name: 'test', clock, registry }) };
}

describe('a work queue', () => {
  it('hands out keys in the order they came, each once', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
    expect([await queue.next(signal), await queue.next(signal), await queue.next(signal)]).toEqual(['a', 'b', 'c']);
    expect(queue.depth).toBe(0);
  });

  it('does not hand out a key that is in work, but does so again afterwards', async () => {
    const { queue } = setUp();
    queue.add('a');
    await queue.next(signal);
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(queue.depth).toBe(1);
    expect(await queue.next(signal)).toBe('a');
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  it('wakes who waits, and only one of them for one key', async () => {
    const { queue } = setUp();
    const abort = new AbortController();
    const first = queue.next(abort.signal);
    const second = queue.next(abort.signal);
    await Promise.resolve();
    queue.add('a');
    expect(await first).toBe('a');
    abort.abort(new Error('stop'));
    await expect(second).rejects.toThrow('stop');
  });

  it('takes the earlier of two delays', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 5000);
    await clock.advance(99);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
    expect(clock.timers).toBe(0);
  });

  it('waits 5 ms after the first failure, doubles to 1,000 s, and starts anew when forgotten', async () => {
    const { clock, queue } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      queue.addRateLimited('a');
      const startedMs = clock.now();
      const key = queue.next(signal);
      await clock.advanceUntil(() => queue.workSeconds().length === 1);
      waits.push(clock.now() - startedMs);
      queue.done(await key);
    }
    expect(waits.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(waits.slice(-2)).toEqual([1_000_000, 1_000_000]);
    expect(queue.failures('a')).toBe(20);
    queue.forget('a');
    expect(queue.failures('a')).toBe(0);
  });

  it('drops everything when closed', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    queue.addAfter('b', 100);
    queue.close();
    queue.add('c');
    expect([queue.depth, clock.timers]).toEqual([0, 0]);
  });

  it('counts adds, retries and work under the names of client-go', async () => {
    const { clock, registry, queue } = setUp();
    queue.add('a');
    await queue.next(signal);
    await clock.advance(3000);
    const text = await registry.metrics();
    expect(text).toContain('workqueue_adds_total{name="test"} 1');
    expect(text).toContain('workqueue_depth{name="test"} 0');
    expect(text).toContain('workqueue_longest_running_processor_seconds{name="test"} 3');
    queue.done('a');
    queue.addRateLimited('a');
    const after = await registry.metrics();
    expect(after).toContain('workqueue_retries_total{name="test"} 1');
    expect(after).toContain('workqueue_work_duration_seconds_sum{name="test"} 3');
    expect(after).toContain('workqueue_unfinished_work_seconds{name="test"} 0');
  });
});
