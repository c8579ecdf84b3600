import { describe, expect, it } from 'vitest';
import { withoutRequests } from '../../../src/testing/index.ts';
import { scenarios } from './scenarios.ts';
import { crash } from './world.ts';

const count = process.env['KNARR_TEST_LONG'] === '1' ? 2_000 : 200;
/** Seeds that once ended badly. */
const remembered: readonly number[] = [3, 242, 251, 6292];
const seeds = [...new Set([...remembered, ...Array.from({ length: count }, (_, seed) => seed)])].slice(0, count);

describe('controllers and a scheduler that are killed between their writes', () => {
  it.each(seeds)('do no harm, and make the world what was asked for: seed %i', async (seed) => {
    const { faults, story, scenario } = await crash(seed);
    expect(faults, `${scenario}\n${story.join('\n')}`).toEqual([]);
  });

  it('die at the same writes with the same seed, and wait for nothing but their clock', async () => {
    const [first, second] = [await withoutRequests(() => crash(7)), await withoutRequests(() => crash(7))];
    expect(second.story).toEqual(first.story);
    expect(first.story.some((line) => line.includes('manager dies'))).toBe(true);
  });

  it('are tried with every kind of workload', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    expect(count).toBeGreaterThan(scenarios.length);
  });
});
