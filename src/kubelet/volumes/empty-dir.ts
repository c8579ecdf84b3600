/** How large a volume in memory may grow. Pure. @source pkg/volume/emptydir calculateEmptyDirMemorySize (v1.35) */
import { type corev1, parseQuantity, podLimits, type Quantity } from '../../api/index.ts';

/**
 * The least of what the volume may be, what the pod may use and what the node can give; 0 when none is known.
 */
export function memoryVolumeBytes(
  pod: corev1.Pod,
  volume: { readonly sizeLimit?: string },
  nodeAllocatable: Readonly<Record<string, string>>,
): number {
  const limits: Quantity[] = [];
  if (nodeAllocatable['memory'] !== undefined) limits.push(parseQuantity(nodeAllocatable['memory']));
  const podLimit = podMemoryLimit(pod);
  if (podLimit) limits.push(podLimit);
  if (volume.sizeLimit !== undefined) limits.push(parseQuantity(volume.sizeLimit));
  const values = limits.map((limit) => limit.value()).filter((value) => value > 0);
  return values.length === 0 ? 0 : Math.min(...values);
}

/** Undefined when one container may use as much as it likes. */
function podMemoryLimit(pod: corev1.Pod): Quantity | undefined {
  if (pod.spec.resources?.limits?.['memory'] !== undefined) return parseQuantity(pod.spec.resources.limits['memory']);
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  if (all.some(({ resources }) => resources?.limits?.['memory'] === undefined)) return undefined;
  return podLimits(pod).get('memory');
}
