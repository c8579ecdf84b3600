import { describe, expect, it } from 'vitest';
import { withoutRequests } from '../../../src/testing/index.ts';
import { scenarios } from './scenarios.ts';
import { crash, type CrashOptions } from './world.ts';

const count = process.env['KNARR_TEST_LONG'] === '1' ? 2_000 : 200;
/** Runs that once ended badly. */
const remembered: readonly (CrashOptions & { readonly seed: number })[] = [
  { seed: 3, scenario: 'daemonset', firstDeath: { of: 'manager', write: 1, sent: false } },
  { seed: 242, scenario: 'failing job', firstDeath: { of: 'manager', write: 14, sent: false } },
  { seed: 251, scenario: 'failing job', firstDeath: { of: 'manager', write: 14, sent: true } },
  { seed: 6292, scenario: 'statefulset', firstDeath: { of: 'scheduler', write: 20, sent: true } },
];
const seeds = Array.from({ length: count - remembered.length }, (_, seed) => seed);

describe('controllers and a scheduler that are killed between their writes', () => {
  it.each(seeds)('do no harm, and make the world what was asked for: seed %i', async (seed) => {
    const { faults, story, scenario } = await crash(seed);
    expect(faults, `${scenario}\n${story.join('\n')}`).toEqual([]);
  });

  it.each(remembered)('do no more harm where they once did: seed $seed, $scenario', async ({ seed, ...options }) => {
    const { faults, story } = await crash(seed, options);
    expect(faults, `${options.scenario}\n${story.join('\n')}`).toEqual([]);
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
