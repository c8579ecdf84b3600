/** One of the processes of `npm run simulate`: runs the seeds that it is sent and tells how each ended. */
import { keepAlive } from '../../src/base/index.ts';
import { crash } from '../../test/simulation/crash/world.ts';
import type { SeedResult } from './main.ts';

const alive = keepAlive();
process.once('disconnect', () => alive[Symbol.dispose]());
process.on('message', (seeds: readonly number[]) => {
  void run(seeds);
});

async function run(seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    const { scenario, faults } = await crash(seed).catch((error: unknown) => ({ scenario: '?', faults: [`it threw: ${String(error)}`] }));
    process.send!({ seed, scenario, faults } satisfies SeedResult);
  }
}
