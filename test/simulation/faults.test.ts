import { describe, expect, it } from 'vitest';
import { storm } from './storm.ts';

const seeds = process.env['KNARR_TEST_LONG'] === '1' ? 300 : 20;

describe('a rollout in a storm of faults', () => {
  it.each(Array.from({ length: seeds }, (_, i) => i + 1))('ends as it was asked for: seed %i', async (seed) => {
    await storm(seed);
  });

  it('is the same storm with the same seed', async () => {
    const [first, second_] = [await storm(5), await storm(5)];
    expect(second_.story).toEqual(first.story);
    expect(second_.transcript.lines.find((line, i) => line !== first.transcript.lines[i])).toBeUndefined();
  });
});
