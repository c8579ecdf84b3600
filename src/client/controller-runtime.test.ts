import { describe, expect, it } from 'vitest';
import { assert, Registry, seededRandom, silentLogger, TaskGroup, VirtualClock } from '../base/index.ts';
import { runControllers } from './controller-runtime.ts';
import { type Controller, type ControllerContext, done, type InformerFactory } from './lister.ts';

interface Run {
  readonly clock: VirtualClock;
  readonly registry: Registry;
  readonly synced: () => void;
  readonly enqueue: (key: string, delayMs?: number) => void;
  readonly stop: () => Promise<void>;
}

/** Runs one controller without a server: it reads no cache. */
function run(reconcile: Controller['reconcile'], workers = 1): Run {
  const clock = new VirtualClock();
  const registry = new Registry();
  const group = new TaskGroup({ log: silentLogger });
  const { promise, resolve } = Promise.withResolvers<void>();
  const informers = { start: () => {}, whenSynced: () => promise } as unknown as InformerFactory;
  const context = { informers, clock, random: seededRandom(1), registry } as unknown as ControllerContext;
  let enqueue: Run['enqueue'] = () => {};
  const setup: Controller['setup'] = (add) => void (enqueue = add);
  runControllers({ controllers: [{ name: 'test', reconcile, setup, workers }], context, group });
  return { clock, registry, synced: resolve, enqueue, stop: () => group.close() };
}

describe('the controller runtime', () => {
  it('waits for the caches, then works on what was asked for meanwhile', async () => {
    const seen: string[] = [];
    const { clock, enqueue, synced, stop } = run(async (key) => (seen.push(key), done));
    enqueue('a');
    enqueue('b');
    enqueue('a');
    await clock.advance(1_000);
    expect(seen).toEqual([]);
    synced();
    await clock.advance(0);
    expect(seen).toEqual(['a', 'b']);
    await stop();
    enqueue('c');
    await clock.advance(1_000);
    expect(seen).toEqual(['a', 'b']);
  });

  it('looks again when asked to, and tries failures again with growing waits', async () => {
    const seen: number[] = [];
    let failures = 0;
    const { clock, enqueue, synced, stop } = run(async (key) => {
      seen.push(clock.now() - startMs);
      if (key === 'again') return { type: 'retryAfter', delayMs: 30_000 };
      if (++failures < 4) throw new Error('not yet');
      return done;
    });
    const startMs = clock.now();
    synced();
    enqueue('fails');
    await clock.advance(1_000);
    expect(seen.splice(0)).toEqual([0, 5, 15, 35]);
    enqueue('again');
    await clock.advance(60_000);
    expect(seen).toEqual([1_000, 31_000, 61_000]);
    await stop();
  });

  it('counts outcomes, and bugs apart', async () => {
    const { clock, registry, enqueue, synced, stop } = run(async (key) => {
      assert(key !== 'bug', 'never');
      if (key === 'error') throw new Error('refused');
      return done;
    });
    synced();
    for (const key of ['ok', 'error', 'bug']) enqueue(key);
    await clock.advance(0);
    const text = await registry.metrics();
    expect(text).toContain('knarr_reconcile_total{controller="test",result="success"} 1');
    expect(text).toContain('knarr_reconcile_total{controller="test",result="error"} 2');
    expect(text).toContain('knarr_reconcile_panics_total{controller="test"} 1');
    await stop();
  });

  it('never works on one key twice at once', async () => {
    let running = 0;
    let most = 0;
    const { clock, enqueue, synced, stop } = run(async (_, { signal }) => {
      most = Math.max(most, ++running);
      await clock.sleep(100, signal);
      running--;
      return done;
    }, 4);
    synced();
    enqueue('a');
    await clock.advance(10);
    enqueue('a');
    await clock.advance(500);
    expect(most).toBe(1);
    for (const key of ['a', 'b', 'c', 'd', 'e']) enqueue(key);
    await clock.advance(1_000);
    expect(most).toBe(4);
    await stop();
  });
});
