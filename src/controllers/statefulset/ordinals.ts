/** Which pods a StatefulSet has: one of each number, and the number is in the name. @source pkg/controller/statefulset, v1.35 */
import type { appsv1, corev1 } from '../../api/index.ts';

type StatefulSet = appsv1.StatefulSet;

export function replicasOf({ spec }: StatefulSet): number {
  return spec.replicas ?? 1;
}

/** The lowest ordinal. */
export function startOrdinal({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** Of the claim that a template makes for one ordinal. */
export function claimName(set: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${podName(set, ordinal)}`;
}

/** The ordinal of a pod of this set; undefined when the pod's name is not one that the set gives. */
export function ordinalOf(set: StatefulSet, { metadata }: Pick<corev1.Pod, 'metadata'>): number | undefined {
  const prefix = `${set.metadata.name}-`;
  if (!metadata.name.startsWith(prefix)) return undefined;
  const digits = metadata.name.slice(prefix.length);
  return /^(0|[1-9][0-9]{0,9})$/.test(digits) ? Number(digits) : undefined;
}

/** Whether the set wants a pod of this ordinal. */
export function isInRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set);
}
