/** How many pods had to leave, and how late, under upstream's names. @source pkg/controller/tainteviction/metrics, v1.35 */
import { Counter, Histogram, Registry } from '../../base/index.ts';

export interface TaintEvictionMetrics {
  /** @param lateMs since the pod had to go */
  deleted(lateMs: number): void;
}

const prefix = 'taint_eviction_controller_';
const made = new WeakMap<Registry, TaintEvictionMetrics>();

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function taintEvictionMetrics(registry = new Registry()): TaintEvictionMetrics {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const total = new Counter({ name: `${prefix}pod_deletions_total`, help: 'Pods that were deleted because of a taint.', registers });
  const seconds = new Histogram({
    name: `${prefix}pod_deletion_duration_seconds`,
    help: 'Seconds from when a pod had to go to its deletion.',
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240],
    registers,
  });
  const metrics: TaintEvictionMetrics = {
    deleted: (lateMs) => {
      total.inc();
      seconds.observe(lateMs / 1000);
    },
  };
  made.set(registry, metrics);
  return metrics;
}
