/** What preemption counts, under upstream's names: once for each registry, whatever the number of profiles. @source kube-scheduler v1.35 metrics/metrics.go */
import { Counter, type Registry, SeriesHistogram } from '../../base/index.ts';

const powersOf = (base: number, start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start * base ** i);

export class PreemptionMetrics {
  readonly attempts: Counter;
  readonly victims: SeriesHistogram<never>;
  readonly #executions: Counter<'result'>;
  readonly #seconds: SeriesHistogram<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.attempts = new Counter({
      name: 'scheduler_preemption_attempts_total',
      help: 'Total preemption attempts in the cluster till now',
      registers,
    });
    this.victims = new SeriesHistogram<never>({
      name: 'scheduler_preemption_victims',
      help: 'Number of selected preemption victims',
      buckets: powersOf(2, 1, 7),
      registers,
    });
    this.#executions = new Counter({
      name: 'scheduler_preemption_goroutines_execution_total',
      help: 'Number of preemption goroutines executed.',
      labelNames: ['result'] as const,
      registers,
    });
    this.#seconds = new SeriesHistogram<'result'>({
      name: 'scheduler_preemption_goroutines_duration_seconds',
      help: 'Duration in seconds for running goroutines for the preemption.',
      buckets: powersOf(2, 0.01, 20),
      registers,
    });
  }

  finished(result: 'success' | 'error', seconds: number): void {
    this.#executions.inc({ result });
    this.#seconds.series({ result }).observe(seconds);
  }
}

const ofRegistry = new WeakMap<Registry, PreemptionMetrics>();

export function preemptionMetrics(registry: Registry): PreemptionMetrics {
  const known = ofRegistry.get(registry);
  if (known) return known;
  const made = new PreemptionMetrics(registry);
  ofRegistry.set(registry, made);
  return made;
}
