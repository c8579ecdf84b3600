/** How many pods of a StatefulSet may be missing, and are. @source pkg/controller/statefulset/metrics/metrics.go, v1.35 */
import type { appsv1 } from '../../api/index.ts';
import { Gauge, Registry } from '../../base/index.ts';
import type { StatefulSetPlan } from './plan.ts';

const labelNames = ['statefulset_namespace', 'statefulset_name', 'pod_management_policy'] as const;

export interface StatefulSetMetrics {
  observe(set: appsv1.StatefulSet, plan: StatefulSetPlan): void;
  forget(set: appsv1.StatefulSet): void;
}

const made = new WeakMap<Registry, StatefulSetMetrics>();

/** The metrics of a registry, made once: a manager that is elected again has the same. */
export function statefulSetMetrics(registry = new Registry()): StatefulSetMetrics {
  const known = made.get(registry);
  if (known) return known;
  const metrics = makeMetrics([registry]);
  made.set(registry, metrics);
  return metrics;
}

function makeMetrics(registers: Registry[]): StatefulSetMetrics {
  const max = new Gauge({
    name: 'statefulset_controller_statefulset_max_unavailable',
    help: 'How many pods of a StatefulSet may be missing during an update.',
    labelNames,
    registers,
  });
  const unavailable = new Gauge({
    name: 'statefulset_controller_statefulset_unavailable_replicas',
    help: 'How many pods of a StatefulSet are missing.',
    labelNames,
    registers,
  });
  const labelsOf = ({ metadata, spec }: appsv1.StatefulSet): Record<(typeof labelNames)[number], string> => ({
    statefulset_namespace: metadata.namespace ?? '',
    statefulset_name: metadata.name,
    pod_management_policy: spec.podManagementPolicy ?? 'OrderedReady',
  });
  return {
    observe: (set, { update }) => {
      if (!update) return;
      max.set(labelsOf(set), update.maxUnavailable);
      unavailable.set(labelsOf(set), update.unavailable);
    },
    forget: (set) => {
      max.remove(labelsOf(set));
      unavailable.remove(labelsOf(set));
    },
  };
}
