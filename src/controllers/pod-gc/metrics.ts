/** What was ended by force, under upstream's names. @source pkg/controller/podgc/metrics, v1.35 */
import { Counter, Registry } from '../../base/index.ts';

export type PodGcReason = 'terminated' | 'out-of-service' | 'orphaned' | 'unscheduled';

export interface PodGcMetrics {
  tried(namespace: string, reason: PodGcReason): void;
  failed(namespace: string, reason: PodGcReason): void;
}

const labelNames = ['namespace', 'reason'] as const;
const made = new WeakMap<Registry, PodGcMetrics>();

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function podGcMetrics(registry = new Registry()): PodGcMetrics {
  const known = made.get(registry);
  if (known) return known;
  const metric = (name: string, help: string) => ({ name: `pod_gc_collector_${name}`, help, labelNames, registers: [registry] });
  const tries = new Counter(metric('force_delete_pods_total', 'Pods that were to be deleted by force.'));
  const failures = new Counter(metric('force_delete_pod_errors_total', 'Pods that could not be deleted by force.'));
  const metrics: PodGcMetrics = {
    tried: (namespace, reason) => tries.inc({ namespace, reason }),
    failed: (namespace, reason) => failures.inc({ namespace, reason }),
  };
  made.set(registry, metrics);
  return metrics;
}
