/** What is counted of autoscalers. @source pkg/controller/podautoscaler/monitor/metrics.go, v1.35 */
import { Counter, Gauge, Histogram, type Registry } from '../../base/index.ts';

export type Action = 'scale_up' | 'scale_down' | 'none';
export type Fault = 'spec' | 'internal' | 'none';

export interface AutoscalerMetrics {
  reconciled(action: Action, error: Fault, seconds: number): void;
  computed(action: Action, error: Fault, options: { readonly metricType: string; readonly seconds: number }): void;
  /** @param desired undefined: it is gone */
  desired(autoscaler: { readonly namespace: string; readonly name: string }, desired: number | undefined): void;
  count(autoscalers: number): void;
}

const prefix = 'horizontal_pod_autoscaler_controller';
const buckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

const made = new WeakMap<Registry, AutoscalerMetrics>();

/** The same for all who count on one registry. */
export function autoscalerMetrics(registry: Registry): AutoscalerMetrics {
  let metrics = made.get(registry);
  if (!metrics) made.set(registry, (metrics = makeMetrics(registry)));
  return metrics;
}

function makeMetrics(registry: Registry): AutoscalerMetrics {
  const registers = [registry];
  const byResult = ['action', 'error'] as const;
  const byMetric = ['action', 'error', 'metric_type'] as const;
  const reconciliations = new Counter({
    name: `${prefix}_reconciliations_total`,
    help: 'Reconciliations of autoscalers by what they did and where they failed.',
    labelNames: byResult,
    registers,
  });
  const durations = new Histogram({
    name: `${prefix}_reconciliation_duration_seconds`,
    help: 'How long reconciliations of autoscalers took.',
    labelNames: byResult,
    buckets,
    registers,
  });
  const computations = new Counter({
    name: `${prefix}_metric_computation_total`,
    help: 'Computations of single metrics.',
    labelNames: byMetric,
    registers,
  });
  const computationDurations = new Histogram({
    name: `${prefix}_metric_computation_duration_seconds`,
    help: 'How long computations of single metrics took.',
    labelNames: byMetric,
    buckets,
    registers,
  });
  const autoscalers = new Gauge({ name: `${prefix}_num_horizontal_pod_autoscalers`, help: 'Autoscalers that there are.', registers });
  const desiredReplicas = new Gauge({
    name: `${prefix}_desired_replicas`,
    help: 'Replicas that an autoscaler wants.',
    labelNames: ['namespace', 'hpa_name'] as const,
    registers,
  });
  return {
    reconciled: (action, error, seconds) => {
      reconciliations.inc({ action, error });
      durations.observe({ action, error }, seconds);
    },
    computed: (action, error, { metricType, seconds }) => {
      computations.inc({ action, error, metric_type: metricType });
      computationDurations.observe({ action, error, metric_type: metricType }, seconds);
    },
    desired: ({ namespace, name }, desired) => {
      if (desired === undefined) desiredReplicas.remove({ namespace, hpa_name: name });
      else desiredReplicas.set({ namespace, hpa_name: name }, desired);
    },
    count: (count) => autoscalers.set(count),
  };
}
