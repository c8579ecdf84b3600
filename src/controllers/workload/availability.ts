/** When pods that are ready will have been so for long enough. Pure. */
import { type corev1, podReadyCondition } from '../../api/index.ts';

/** Milliseconds until the next of the pods becomes available by the passing of time alone; undefined when none does. */
export function nextAvailabilityMs(
  pods: readonly corev1.Pod[],
  { minReadySeconds = 0, nowMs }: { readonly minReadySeconds: number | undefined; readonly nowMs: number },
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  let next: number | undefined;
  for (const pod of pods) {
    const ready = podReadyCondition(pod);
    if (ready?.status !== 'True' || ready.lastTransitionTime === undefined) continue;
    const leftMs = Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs;
    if (leftMs > 0 && (next === undefined || leftMs < next)) next = leftMs;
  }
  return next;
}
