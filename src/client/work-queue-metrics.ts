/** The `workqueue_*` metrics, as client-go's users know them: one set a registry, one label value a queue. */
import { Counter, Gauge, Histogram, type Registry } from '../base/index.ts';

/** What a queue tells about itself when metrics are read. */
export interface ObservedQueue {
  readonly name: string;
  readonly depth: number;
  /** For each key in work: how long, in seconds. */
  workSeconds(): readonly number[];
}

export interface WorkQueueMetrics {
  readonly added: (queue: string) => void;
  readonly retried: (queue: string) => void;
  readonly waited: (queue: string, seconds: number) => void;
  readonly worked: (queue: string, seconds: number) => void;
  /** Watches a queue until the function returned is called. */
  readonly observe: (queue: ObservedQueue) => () => void;
}

const made = new WeakMap<Registry, WorkQueueMetrics>();
const labelNames = ['name'] as const;
/** From a microsecond to ten seconds, as client-go has them. */
const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];

export function workQueueMetrics(registry: Registry): WorkQueueMetrics {
  const known = made.get(registry);
  if (known) return known;
  const queues = new Set<ObservedQueue>();
  const gauge = (name: string, help: string, read: (queue: ObservedQueue) => number): void => {
    const collect = (): void => {
      made.reset();
      for (const queue of queues) made.inc({ name: queue.name }, read(queue));
    };
    const made = new Gauge({ name, help, labelNames, registers: [registry], collect });
  };
  gauge('workqueue_depth', 'Keys waiting in the queue.', (queue) => queue.depth);
  gauge('workqueue_unfinished_work_seconds', 'Seconds of work under way that was not counted yet.', (queue) =>
    queue.workSeconds().reduce((sum, seconds) => sum + seconds, 0),
  );
  gauge('workqueue_longest_running_processor_seconds', 'Seconds that the longest work under way has taken.', (queue) =>
    Math.max(0, ...queue.workSeconds()),
  );
  const registers = [registry];
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added to the queue.', labelNames, registers });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Keys added again after a failure.', labelNames, registers });
  const waits = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waited before its work began.',
    labelNames,
    buckets,
    registers,
  });
  const works = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long the work on a key took.',
    labelNames,
    buckets,
    registers,
  });
  const metrics: WorkQueueMetrics = {
    added: (name) => adds.inc({ name }),
    retried: (name) => retries.inc({ name }),
    waited: (name, seconds) => waits.observe({ name }, seconds),
    worked: (name, seconds) => works.observe({ name }, seconds),
    observe: (queue) => {
      queues.add(queue);
      return () => queues.delete(queue);
    },
  };
  made.set(registry, metrics);
  return metrics;
}
