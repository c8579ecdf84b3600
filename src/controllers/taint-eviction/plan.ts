/** When a pod has to leave a tainted node. Pure. @source pkg/controller/tainteviction/taint_eviction.go, v1.35 */
import { type corev1, tolerates } from '../../api/index.ts';

/** An eviction that was decided before. */
export interface Scheduled {
  /** When the pod began to be there on sufferance. */
  readonly sinceMs: number;
  readonly dueMs: number;
}

export type EvictionPlan =
  /** Every taint is tolerated for ever, or there is none. */
  { readonly type: 'stay' } | { readonly type: 'now' } | { readonly type: 'at'; readonly scheduled: Scheduled };

export function planEviction(
  pod: corev1.Pod,
  taints: readonly corev1.Taint[],
  { nowMs, scheduled }: { readonly nowMs: number; readonly scheduled: Scheduled | undefined },
): EvictionPlan {
  const evicting = taints.filter(({ effect }) => effect === 'NoExecute');
  if (evicting.length === 0) return { type: 'stay' };
  const used = evicting.map((taint) => (pod.spec.tolerations ?? []).find((toleration) => tolerates(toleration, taint)));
  if (used.includes(undefined)) return { type: 'now' };
  const limits = used.flatMap((toleration) =>
    toleration?.tolerationSeconds === undefined ? [] : [Math.max(0, toleration.tolerationSeconds)],
  );
  if (limits.length === 0) return { type: 'stay' };
  const toleratedMs = Math.min(...limits) * 1000;
  const sinceMs = scheduled?.sinceMs ?? nowMs;
  const dueMs = sinceMs + toleratedMs;
  // A later end than the one decided before is no reason to stay longer.
  if (scheduled && scheduled.dueMs < dueMs) return scheduled.dueMs <= nowMs ? { type: 'now' } : { type: 'at', scheduled };
  return dueMs <= nowMs ? { type: 'now' } : { type: 'at', scheduled: { sinceMs, dueMs } };
}

export function formatEvictionPlan(plan: EvictionPlan, nowMs: number): string {
  return plan.type === 'at' ? `in ${(plan.scheduled.dueMs - nowMs) / 1000} s` : plan.type;
}
