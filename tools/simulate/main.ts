/**
 * `npm run simulate -- --seeds N [--from SEED] [--workers N]`: kills controllers and scheduler between their writes, seed after seed, on all
 * cores, and tells which seeds ended badly. `--seed SEED` runs one and tells its story.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keepAlive } from '../../src/base/index.ts';
import { crash, type CrashOutcome } from '../../test/simulation/crash/world.ts';

/** What a worker tells of a seed. */
export interface SeedResult extends Pick<CrashOutcome, 'scenario' | 'faults'> {
  readonly seed: number;
}

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
const shownFaultLength = 600;
const progressEveryMs = 10_000;
/** Seeds that a worker is given at a time. */
const portion = 20;

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, workers: { type: 'string' }, seed: { type: 'string' } },
});
process.exitCode = values.seed === undefined ? await runAll() : await runOne(Number(values.seed));

async function runOne(seed: number): Promise<number> {
  using _alive = keepAlive();
  const { scenario, story, faults } = await crash(seed);
  console.log([`seed ${seed}: ${scenario}`, ...story, ...faults.map((fault) => `WRONG ${fault}`)].join('\n'));
  return faults.length === 0 ? 0 : 1;
}

async function runAll(): Promise<number> {
  const { seeds = '1000', from = '0', workers = String(availableParallelism()) } = values;
  const endSeed = Number(from) + Number(seeds);
  let next = Number(from);
  let done = 0;
  const bad: SeedResult[] = [];
  const startMs = performance.now();
  const seconds = (): string => ((performance.now() - startMs) / 1000).toFixed(0);
  const progress = setInterval(() => console.error(`${done} of ${seeds} seeds, ${bad.length} bad, ${seconds()} s`), progressEveryMs);
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(worker, { stdio: 'inherit' });
      let left = 0;
      const give = (): void => {
        const portionSeeds = Array.from({ length: Math.min(portion, endSeed - next) }, () => next++);
        left = portionSeeds.length;
        if (left === 0) child.disconnect();
        else child.send(portionSeeds);
      };
      child.on('message', (result: SeedResult) => {
        done++;
        if (result.faults.length > 0) {
          bad.push(result);
          console.log(`seed ${result.seed}, ${result.scenario}: ${result.faults[0]!.slice(0, shownFaultLength)}`);
        }
        if (--left === 0) give();
      });
      child.once('error', reject);
      child.once('exit', (code) => (code === 0 && left === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
      give();
    });
  try {
    await Promise.all(Array.from({ length: Number(workers) }, work));
  } finally {
    clearInterval(progress);
  }
  console.log(`${done} seeds in ${seconds()} s, ${bad.length} bad${bad.length > 0 ? `: ${bad.map(({ seed }) => seed).join(', ')}` : ''}`);
  return bad.length === 0 ? 0 : 1;
}
