/**
 * A histogram for what is observed on every request. The library's own looks its labels up and checks them anew at each observation, which
 * costs more than all else that is counted of a request; here whoever observes keeps the series, and it is two sums and a step in an array.
 * To a registry it is a metric like any other.
 */
import type { Metric, Registry } from 'prom-client';

export interface SeriesHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending; the last, infinity, goes without saying. */
  readonly buckets: readonly number[];
  readonly registers: readonly Registry[];
}

/** One sample, as a registry takes it. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class SeriesHistogram<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, { readonly labels: Readonly<Record<Label, string>>; readonly series: HistogramSeries }>();

  constructor({ name, help, buckets, registers }: SeriesHistogramOptions) {
    this.name = name;
    this.help = help;
    this.#buckets = buckets;
    // What a registry asks of a metric is a name and `get`; the library's type names its own four classes.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric);
  }

  /** The series of these labels, the same one every time: it is to be kept, since finding it is what costs. */
  series(labels: Readonly<Record<Label, string>>): HistogramSeries {
    const key = JSON.stringify(labels);
    let known = this.#series.get(key);
    if (!known) {
      known = { labels, series: new HistogramSeries(this.#buckets) };
      this.#series.set(key, known);
    }
    return known.series;
  }

  /** What registries ask for. */
  get(): Promise<{ readonly name: string; readonly help: string; readonly type: string; readonly values: readonly Sample[] }> {
    const { name, help, type } = this;
    const observed = [...this.#series.values()].filter(({ series }) => series.count > 0);
    const values = observed.flatMap(({ labels, series }) => this.#samples(labels, series));
    return Promise.resolve({ name, help, type, values });
  }

  #samples(labels: Readonly<Record<Label, string>>, { counts, count, sum }: HistogramSeries): Sample[] {
    const { name } = this;
    let below = 0;
    const samples: Sample[] = this.#buckets.map((le, i) => {
      below += counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
    });
    samples.push(
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    );
    return samples;
  }
}

/** What was observed under one set of labels. */
export class HistogramSeries {
  /** Observations by the first bucket that holds them. */
  readonly counts: number[];
  count = 0;
  sum = 0;
  readonly #buckets: readonly number[];

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.counts = buckets.map(() => 0);
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    const buckets = this.#buckets;
    // Most values lie in one of the first: looking at one after the other is fastest.
    for (let i = 0; i < buckets.length; i++) {
      if (value <= buckets[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }
}
