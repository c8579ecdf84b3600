/** What the scheduler counts, under upstream's names. @source kube-scheduler metrics/metrics.go, v1.35 */
import { Counter, Gauge, type Registry, SeriesHistogram } from '../base/index.ts';
import type { ClusterCache } from './cluster/cluster-cache.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

const buckets = (start: number, factor: number, count: number): number[] => Array.from({ length: count }, (_, i) => start * factor ** i);

export class SchedulerMetrics {
  readonly #attempts: Counter<'profile' | 'result'>;
  readonly #attemptSeconds: SeriesHistogram<'profile' | 'result'>;
  readonly #algorithm: SeriesHistogram<never>;
  readonly #points: SeriesHistogram<'extension_point' | 'status' | 'profile'>;
  readonly #sli: SeriesHistogram<'attempts'>;
  readonly #podAttempts: SeriesHistogram<never>;
  readonly #incoming: Counter<'queue' | 'event'>;
  readonly #permitWait: SeriesHistogram<'result'>;
  readonly #gauges: readonly Gauge[];

  constructor(registry: Registry, parts: { readonly queue: () => SchedulingQueue; readonly cache: ClusterCache }) {
    const registers = [registry];
    const histogram = <Label extends string>(name: string, help: string, bounds: readonly number[]): SeriesHistogram<Label> =>
      new SeriesHistogram<Label>({ name: `scheduler_${name}`, help, buckets: bounds, registers });
    this.#attempts = new Counter({
      name: 'scheduler_schedule_attempts_total',
      help: 'Attempts to schedule pods, by result.',
      labelNames: ['profile', 'result'] as const,
      registers,
    });
    this.#incoming = new Counter({
      name: 'scheduler_queue_incoming_pods_total',
      help: 'Pods added to scheduling queues by event and queue type.',
      labelNames: ['queue', 'event'] as const,
      registers,
    });
    this.#attemptSeconds = histogram('scheduling_attempt_duration_seconds', 'Scheduling attempt latency.', buckets(0.001, 2, 15));
    this.#algorithm = histogram('scheduling_algorithm_duration_seconds', 'Scheduling algorithm latency.', buckets(0.001, 2, 15));
    this.#points = histogram('framework_extension_point_duration_seconds', 'Latency of an extension point.', buckets(0.0001, 2, 12));
    this.#sli = histogram(
      'pod_scheduling_sli_duration_seconds',
      'From the first entry into the queue to the binding.',
      buckets(0.01, 2, 20),
    );
    this.#podAttempts = histogram('pod_scheduling_attempts', 'Attempts to schedule a pod successfully.', buckets(1, 2, 5));
    this.#permitWait = histogram('permit_wait_duration_seconds', 'Duration of waiting on permit.', buckets(0.001, 2, 15));
    this.#gauges = liveGauges(registry, parts);
  }

  attempted(profile: string, result: AttemptResult, seconds: number): void {
    this.#attempts.inc({ profile, result });
    this.#attemptSeconds.series({ profile, result }).observe(seconds);
  }

  decided(seconds: number): void {
    this.#algorithm.series({}).observe(seconds);
  }

  /** A function that takes the time of one profile's extension points; it keeps the series. */
  pointTimer(profile: string): (point: string, seconds: number) => void {
    const series = new Map<string, { observe(value: number): void }>();
    return (point, seconds) => {
      let one = series.get(point);
      if (!one) series.set(point, (one = this.#points.series({ extension_point: point, status: 'Success', profile })));
      one.observe(seconds);
    };
  }

  bound(attempts: number, seconds: number | undefined): void {
    this.#podAttempts.series({}).observe(attempts);
    if (seconds !== undefined) this.#sli.series({ attempts: attempts >= 15 ? '15+' : String(attempts) }).observe(seconds);
  }

  waitedForPermit(result: string, seconds: number): void {
    this.#permitWait.series({ result }).observe(seconds);
  }

  incoming(queue: string, event: string): void {
    this.#incoming.inc({ queue, event });
  }

  /** Metrics that are read off when somebody asks. */
  get live(): readonly Gauge[] {
    return this.#gauges;
  }
}

function liveGauges(
  registry: Registry,
  { queue, cache }: { readonly queue: () => SchedulingQueue; readonly cache: ClusterCache },
): readonly Gauge[] {
  const registers = [registry];
  return [
    new Gauge({
      name: 'scheduler_pending_pods',
      help: 'Pending pods, by the queue they stand in.',
      labelNames: ['queue'],
      registers,
      collect() {
        for (const [name, count] of Object.entries(queue().depths)) this.set({ queue: name }, count);
      },
    }),
    new Gauge({
      name: 'scheduler_scheduler_cache_size',
      help: 'Nodes, pods and assumed pods in the scheduler cache.',
      labelNames: ['type'],
      registers,
      collect() {
        const { nodes, pods, assumedPods } = cache.sizes;
        this.set({ type: 'nodes' }, nodes);
        this.set({ type: 'pods' }, pods);
        this.set({ type: 'assumed_pods' }, assumedPods);
      },
    }),
    new Gauge({
      name: 'scheduler_inflight_events',
      help: 'Events kept for pods that are being tried.',
      registers,
      collect() {
        this.set(queue().inFlightEvents);
      },
    }),
    new Gauge({
      name: 'scheduler_unschedulable_pods',
      help: 'Unschedulable pods, by plugin that rejected them.',
      labelNames: ['plugin', 'profile'],
      registers,
      collect() {
        this.reset();
        for (const { info, rejectedBy, place } of queue().pending()) {
          if (place !== 'unschedulable') continue;
          for (const plugin of rejectedBy) this.inc({ plugin, profile: info.pod.spec.schedulerName ?? '' });
        }
      },
    }),
  ];
}
