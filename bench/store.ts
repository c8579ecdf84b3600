/**
 * The embedded store by itself: durable creates, updates and reads, with what each costs in CPU. `node bench/store.ts`; the figures
 * say how much of the API server's budget for a write the store takes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../src/base/index.ts';
import { openLmdbStore, type Store } from '../src/store/index.ts';

const objectBytes = 1500;
const value = (): Uint8Array => new Uint8Array(objectBytes).fill(120);

export interface StoreFigure {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the whole process, and of the main thread alone, for one operation. */
  readonly cpuMicros: number;
  readonly mainCpuMicros: number;
}

/** Runs `act` `total` times with `inFlight` at once. */
async function measure(name: string, total: number, inFlight: number, act: (i: number) => Promise<unknown>): Promise<StoreFigure> {
  const latencies: number[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < total) {
      const start = performance.now();
      await act(next++);
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage();
  await Promise.all(Array.from({ length: inFlight }, client));
  const elapsedMs = performance.now() - start;
  const used = process.cpuUsage(cpu);
  const usedByThread = process.threadCpuUsage(thread);
  latencies.sort((a, b) => a - b);
  return {
    name,
    perSecond: Math.round((total / elapsedMs) * 1000),
    p50Ms: latencies[Math.floor(total * 0.5)]!,
    p99Ms: latencies[Math.floor(total * 0.99)]!,
    cpuMicros: (used.user + used.system) / total,
    mainCpuMicros: (usedByThread.user + usedByThread.system) / total,
  };
}

const keyOf = (i: number): string => `/registry/configmaps/default/name-${(i * 7919) % 1_000_003}`;

/** All figures of a store in a directory of its own, which is removed. */
export async function benchStore(): Promise<StoreFigure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-bench-store-'));
  const store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger });
  try {
    return await run(store);
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

async function run(store: Store): Promise<StoreFigure[]> {
  const revisions = new Map<string, number>();
  const write = async (i: number): Promise<void> => {
    const key = keyOf(i);
    const result = await store.txn({ key, expectModRevision: revisions.get(key) ?? 0, op: { type: 'put', value: value() } });
    if (!result.ok) throw new Error(`write ${i} was refused`);
    revisions.set(key, result.revision);
  };
  let heard = 0;
  for (let i = 0; i < 100; i++) {
    await store.watch({
      prefix: i === 0 ? '/registry/' : `/registry/other${i}/`,
      onEvents: (events) => (heard += events.length),
      onError: () => {},
    });
  }
  const figures = [
    await measure('durable create, 1 in flight', 2000, 1, write),
    await measure('durable create, 32 in flight', 40_000, 32, (i) => write(2000 + i)),
    await measure('durable update, 32 in flight', 20_000, 32, write),
    await measure('get', 100_000, 1, (i) => store.get(keyOf(i % 40_000))),
    await measure('range of 500', 200, 1, (i) => store.range('/registry/configmaps/', { limit: 500, after: keyOf(i) })),
  ];
  if (heard !== 62_000) throw new Error(`the watch heard ${heard} of 62000 events`);
  return figures;
}

if (import.meta.main) {
  for (const { name, perSecond, p50Ms, p99Ms, cpuMicros, mainCpuMicros } of await benchStore()) {
    console.log(
      `${name.padEnd(30)} ${String(perSecond).padStart(7)}/s  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ` +
        `CPU ${cpuMicros.toFixed(1)} µs (main thread ${mainCpuMicros.toFixed(1)})`,
    );
  }
}
