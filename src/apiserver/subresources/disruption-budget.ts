/**
 * What PodDisruptionBudgets say about one eviction. Pure: takes the budgets that cover a pod and says what to do.
 * @source kubernetes pkg/registry/core/pod/storage/eviction.go checkAndDecrement
 */
import {
  ApiError,
  forbidden,
  isPodReady,
  labelSelectorMatcher,
  type corev1,
  type Draft,
  type metav1,
  type policyv1,
  setCondition,
  tooManyRequests,
} from '../../api/index.ts';

type Budget = policyv1.PodDisruptionBudget;

/** Evictions that a budget's controller has not seen done yet; more at once are a fault. */
const maxDisruptedPods = 2000;
const cannotEvict = "Cannot evict pod as it would violate the pod's disruption budget.";

/** The budgets that cover a pod. One with an empty selector covers every pod of its namespace. */
export function budgetsOf(pod: corev1.Pod, budgets: readonly Budget[]): Budget[] {
  return budgets.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace &&
      spec.selector &&
      labelSelectorMatcher(spec.selector).matches(pod.metadata.labels ?? {}),
  );
}

/** Ended, not begun or already going: nobody is disrupted by its end. */
export function isFreeToGo({ metadata, status }: corev1.Pod): boolean {
  return ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '') || metadata.deletionTimestamp !== undefined;
}

/** An unready pod counts for nothing; whether it may go although nothing may be disrupted is the budget's policy. */
export function mayGoUnready(pod: corev1.Pod, { spec, status }: Budget): boolean {
  if (isPodReady(pod)) return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

/**
 * Takes one disruption from a budget.
 * @throws ApiError TooManyRequests when none is left or the budget is not computed yet, Forbidden when it is broken
 */
export function takeDisruption(budget: Draft<Budget>, podName: string, now: string): void {
  const { metadata, status } = budget;
  const { name } = metadata;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw notComputed(name);
  const subject = { group: 'policy', resource: 'poddisruptionbudget', name };
  if (status.disruptionsAllowed < 0) throw forbidden(subject, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
    throw forbidden(subject, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (status.disruptionsAllowed === 0) {
    throw refusal(
      0,
      `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    );
  }
  status.disruptionsAllowed -= 1;
  if (status.disruptionsAllowed === 0) status.conditions = setCondition(status.conditions, exhausted(status, now));
  status.disruptedPods = { ...status.disruptedPods, [podName]: now };
}

/** @source component-helpers apps/poddisruptionbudget UpdateDisruptionAllowedCondition */
function exhausted({ observedGeneration }: Draft<Budget>['status'], now: string): Draft<metav1.Condition> {
  return {
    type: 'DisruptionAllowed',
    status: 'False',
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime: now,
    reason: 'InsufficientPods',
    message: '',
  };
}

export function notComputed(name: string): ApiError {
  return refusal(10, `The disruption budget ${name} is still being processed by the server.`);
}

function refusal(retryAfterSeconds: number, message: string): ApiError {
  const { code, reason } = tooManyRequests(cannotEvict, retryAfterSeconds);
  const causes = [{ reason: 'DisruptionBudget', message }];
  return new ApiError({ code, reason, message: cannotEvict, details: { ...(retryAfterSeconds > 0 && { retryAfterSeconds }), causes } });
}
