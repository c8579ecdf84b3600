/**
 * Which pods of an autoscaled workload count, and how: measured and settled, not ready yet, without a measurement, or not at all. Pure.
 * @source pkg/controller/podautoscaler/replica_calculator.go groupPods, v1.35
 */
import { type corev1, podReadyCondition } from '../../api/index.ts';

/** One pod's figure, in thousandths. */
export interface PodMetric {
  readonly value: number;
  /** The end of the window that it was measured over. */
  readonly timeMs: number;
  readonly windowMs: number;
}

export type PodMetricsByName = ReadonlyMap<string, PodMetric>;

export interface PodGroups {
  readonly ready: number;
  /** Names; as of the other groups. */
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
}

/** How long a pod may behave unlike itself after its start. */
export interface StartingPeriods {
  /** CPU used while a pod initializes says nothing of its load. */
  readonly cpuInitializationMs: number;
  /** A pod that becomes unready this soon has never been ready. */
  readonly initialReadinessMs: number;
}

export interface GroupOptions {
  /** Undefined for what is no resource of pods. */
  readonly resource: string | undefined;
  readonly periods: StartingPeriods;
  readonly nowMs: number;
}

export function groupPods(pods: readonly corev1.Pod[], metrics: PodMetricsByName, options: GroupOptions): PodGroups {
  const groups = { ready: 0, unready: [] as string[], missing: [] as string[], ignored: [] as string[] };
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const { phase } = pod.status;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || phase === 'Failed') groups.ignored.push(name);
    else if (phase === 'Pending') groups.unready.push(name);
    else if (!metric) groups.missing.push(name);
    else if (options.resource === 'cpu' && isUnsettled(pod, metric, options)) groups.unready.push(name);
    else groups.ready++;
  }
  return groups;
}

/** Its CPU is that of a pod that starts. */
function isUnsettled(pod: corev1.Pod, metric: PodMetric, { periods, nowMs }: GroupOptions): boolean {
  const ready = podReadyCondition(pod);
  const startMs = Date.parse(pod.status.startTime ?? '');
  if (!ready || Number.isNaN(startMs)) return true;
  const changedMs = Date.parse(ready.lastTransitionTime ?? '') || 0;
  const isUnready = ready.status === 'False';
  if (startMs + periods.cpuInitializationMs > nowMs) return isUnready || metric.timeMs < changedMs + metric.windowMs;
  return isUnready && startMs + periods.initialReadinessMs > changedMs;
}
