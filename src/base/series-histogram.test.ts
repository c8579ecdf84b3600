import { describe, expect, test } from 'vitest';
import { Histogram, Registry } from './metrics.ts';
import { SeriesHistogram } from './series-histogram.ts';

const about = { name: 'taken_seconds', help: 'How long it took.' };
const buckets = [0.1, 1, 5];

describe('a histogram of kept series', () => {
  test('tells what the library tells of the same observations', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const histogram = new SeriesHistogram<'verb' | 'scope'>({ ...about, buckets, registers: [ours] });
    const library = new Histogram({ ...about, buckets, labelNames: ['verb', 'scope'], registers: [theirs] });
    const observed = [
      [{ verb: 'GET', scope: '' }, 0.05],
      [{ verb: 'GET', scope: '' }, 0.1],
      [{ verb: 'GET', scope: '' }, 7],
      [{ verb: 'LIST', scope: 'a "quoted"\nname' }, 3],
    ] as const;
    for (const [labels, value] of observed) {
      histogram.series(labels).observe(value);
      library.observe(labels, value);
    }
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  test('a series is one for equal labels, and is told from its first observation on', async () => {
    const registry = new Registry();
    const histogram = new SeriesHistogram<'verb'>({ ...about, buckets, registers: [registry] });
    expect(histogram.series({ verb: 'GET' })).toBe(histogram.series({ verb: 'GET' }));
    expect(await registry.metrics()).not.toContain('GET');
    histogram.series({ verb: 'GET' }).observe(2);
    expect(await registry.metrics()).toContain('taken_seconds_count{verb="GET"} 1');
  });

  test('two metrics of one name are refused', () => {
    const registry = new Registry();
    const make = (): unknown => new SeriesHistogram({ ...about, buckets, registers: [registry] });
    make();
    expect(make).toThrow('already been registered');
  });
});
