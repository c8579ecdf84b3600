/**
 * How much older than the youngest the pods are that go when there are too many: a measure of whether the young go first.
 * @source pkg/controller/replicaset reportSortingDeletionAgeRatioMetric and metrics, v1.35
 */
import { type corev1, isPodReady } from '../../api/index.ts';
import { Histogram, type Registry } from '../../base/index.ts';

const made = new WeakMap<Registry, Histogram>();

/** The same for all who measure on one registry. */
export function deletionAgeHistogram(registry: Registry): Histogram {
  let histogram = made.get(registry);
  if (!histogram) {
    histogram = new Histogram({
      name: 'replicaset_controller_sorting_deletion_age_ratio',
      help: 'Ages of ready pods that were chosen to go, as multiples of the age of the youngest.',
      buckets: [0.25, 0.5, 1, 2, 4, 8],
      registers: [registry],
    });
    made.set(registry, histogram);
  }
  return histogram;
}

/** One whole number for each ready pod that goes; none when all go, for then nothing was chosen. Pure. */
export function deletionAgeRatios(pods: readonly corev1.Pod[], remove: readonly corev1.Pod[], nowMs: number): number[] {
  if (remove.length === 0 || remove.length >= pods.length) return [];
  const ageMs = ({ metadata }: corev1.Pod): number => nowMs - Date.parse(metadata.creationTimestamp);
  const youngestMs = Math.min(...pods.filter(isPodReady).map(ageMs));
  if (!(youngestMs > 0)) return [];
  return remove.filter(isPodReady).map((pod) => Math.trunc(ageMs(pod) / youngestMs));
}
