import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger, systemClock } from '../../base/index.ts';
import type { Store, StoreEvent } from '../store.ts';
import { openLmdbStore } from './index.ts';

const writer = fileURLToPath(new URL('testdata/writer.ts', import.meta.url));
const hasStrace = spawnSync('strace', ['-V']).status === 0;

let scratch: string;
let directory: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'knarr-store-faults-'));
  directory = join(scratch, 'store');
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const openStore = (): Promise<Store> => openLmdbStore({ directory, clock: systemClock, log: silentLogger });

/** Every change that the store still knows, by revision. */
async function history(store: Store): Promise<Map<number, StoreEvent>> {
  const known = new Map<number, StoreEvent>();
  const newest = await store.revision();
  await new Promise<void>((resolve, reject) => {
    if (newest === 0) resolve();
    const onEvents = (events: readonly StoreEvent[], revision: number): void => {
      for (const event of events) known.set(event.type === 'put' ? event.kv.modRevision : event.modRevision, event);
      if (revision === newest) resolve();
    };
    void store
      .compactedRevision()
      .then((compacted) => store.watch({ prefix: '/', fromRevision: compacted + 1, onEvents, onError: reject }));
  });
  return known;
}

/** Kills the child once it has said `lines` lines; returns all that it said until it was gone. */
async function killAfter(child: ChildProcess, lines: number): Promise<string[]> {
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    said.push(line);
    if (said.length === lines) child.kill('SIGKILL');
  }
  return said;
}

describe('killed at any moment', () => {
  test('a writer has lost nothing that it was told was written, and its history has no holes', async () => {
    let newest = 0;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [writer, directory, 'Infinity', '16'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const said = await killAfter(child, 100 + Math.floor(Math.random() * 2000));
      const store = await openStore();
      const known = await history(store);
      const compacted = await store.compactedRevision();
      const revision = await store.revision();
      for (const line of said) {
        const [, told, key] = line.split(' ');
        newest = Math.max(newest, Number(told));
        if (Number(told) <= compacted) continue;
        const event = known.get(Number(told));
        if (!event) throw new Error(`lost: ${line}`);
        if (key) expect(event.type === 'put' && event.kv.key).toBe(key);
      }
      expect(revision).toBeGreaterThanOrEqual(newest);
      expect([...known.keys()]).toEqual(Array.from({ length: revision - compacted }, (_, i) => compacted + 1 + i));
      await checkChains(known);
      await store.close();
    }
    expect(newest).toBeGreaterThan(200);
  });

  /** Each client's value names the revision before it, so a lost or invented change breaks the chain. */
  async function checkChains(known: ReadonlyMap<number, StoreEvent>): Promise<void> {
    const newest = new Map<string, number>();
    for (const event of known.values()) {
      if (event.type !== 'put') throw new Error('the writer deletes nothing');
      const before = newest.get(event.kv.key) ?? 0;
      newest.set(event.kv.key, event.kv.modRevision);
      // What stood before the first of a key is known when it is the first of all.
      if (before === 0 && event.kv.version > 1) continue;
      expect(Buffer.from(event.kv.value).toString().trimEnd()).toBe(`${event.kv.key} after ${before}`);
    }
  }
});

describe.skipIf(!hasStrace)('with a disk that strace slows down or breaks (skipped where strace is missing)', () => {
  beforeEach(async () => {
    // The files exist already, so that the first fdatasync of the child belongs to its first write.
    const store = await openStore();
    await store.txn({ key: '/before', expectModRevision: 0, op: { type: 'put', value: Buffer.from('kept') } });
    await store.close();
  });

  /** Runs the writer under strace with the fault; returns what it did, in order of completion. */
  async function trace(
    faults: readonly string[],
    writes: number,
  ): Promise<{ steps: string[]; said: string[]; signal: string | null; stderr: string }> {
    const traced = join(scratch, 'trace');
    const args = ['-f', '-o', traced, '-e', 'trace=fdatasync,pwrite64,write', ...faults.flatMap((fault) => ['-e', `inject=${fault}`])];
    const child = spawn('strace', [...args, process.execPath, writer, directory, String(writes), '1'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // strace counts calls by thread: with one in the pool, all commits count together.
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    });
    const output: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => (output[name] += chunk.toString()));
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    const said = output.stdout.split('\n').filter((line) => line !== '');
    return { steps: stepsOf(readFileSync(traced, 'utf8')), said, signal, stderr: output.stderr };
  }

  /** The lines of a trace that matter here: the data is on the disk, the meta page is, a line was said. */
  function stepsOf(text: string): string[] {
    return text.split('\n').flatMap((line) => {
      const said = /write\(1, "((?:event|ack) \d+)/.exec(line)?.[1];
      if (said) return [said];
      if (/fdatasync(\(| resumed>).* = 0/.test(line)) return ['data'];
      // Whole pages are data, which counts from fdatasync on; the meta page is written in part, through a descriptor with O_DSYNC.
      const bytes = Number(/pwrite64(?:\(| resumed>).* = (\d+)/.exec(line)?.[1] ?? 0);
      return bytes % 4096 === 0 ? [] : ['meta'];
    });
  }

  test('no event and no answer leaves before the data and then the meta page are on the disk', async () => {
    const startMs = performance.now();
    const { steps, signal } = await trace(['fdatasync:delay_enter=150000', 'pwrite64:delay_exit=50000'], 3);
    expect(signal).toBeNull();
    expect(steps).toEqual([2, 3, 4].flatMap((revision) => ['data', 'meta', `event ${revision}`, `ack ${revision}`]));
    // The delays did happen: this test can fail.
    expect(performance.now() - startMs).toBeGreaterThan(3 * 200);
  });

  test.each([
    ['the data cannot be synced', 'fdatasync:error=EIO:when=2+'],
    ['the meta page cannot be written', 'pwrite64:error=EIO:when=2+'],
  ])('when %s, nothing is told or answered any more and the process ends', async (_, fault) => {
    const { said, signal, stderr } = await trace([fault], 5);
    expect(said).toEqual(['event 2', 'ack 2 /client/0']);
    expect(signal).toBe('SIGABRT');
    expect(stderr).toContain('store commit failed: ending the process');
    expect(stderr).toContain('Input/output error');
    const store = await openStore();
    expect(await store.revision()).toBeGreaterThanOrEqual(2);
    expect((await store.get('/client/0'))?.createRevision).toBe(2);
    expect(await store.get('/before')).toBeDefined();
    await store.close();
  });
});
