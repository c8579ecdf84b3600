/**
 * The status of a PodDisruptionBudget from the pods that it covers. Pure; how many pods there should be is counted elsewhere.
 * @source pkg/controller/disruption/disruption.go; component-helpers apps/poddisruptionbudget, v1.35
 */
import { type corev1, isPodReady, type metav1, type policyv1, scaledValue, setCondition } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';

type Budget = policyv1.PodDisruptionBudget;
type Status = policyv1.PodDisruptionBudgetStatus;

/** How long an eviction that was granted may take to become a deletion. */
const deletionTimeoutMs = 2 * 60_000;

/** Whether the budget is a part of how many pods there should be, which their controllers say. */
export function needsScale({ spec }: Budget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';
}

export interface BudgetPlan {
  readonly status: Status;
  /** Pods whose eviction was granted and that are still there. */
  readonly notDeleted: readonly corev1.Pod[];
  /** Milliseconds until a granted eviction is given up; undefined when none is awaited. */
  readonly lookAgainMs: number | undefined;
}

/**
 * @param options.pods every pod that the budget covers
 * @param options.scale pods that the controllers of those pods want; read only where `needsScale`
 * @throws IntOrStringError for a text that is no percentage
 */
export function planBudget(
  budget: Budget,
  options: { readonly pods: readonly corev1.Pod[]; readonly scale: number; readonly nowMs: number },
): BudgetPlan {
  const { pods, nowMs } = options;
  const { expectedPods, desiredHealthy } = countsOf(budget, options);
  const { disruptedPods, notDeleted, lookAgainMs } = awaitedDeletions(budget, { pods, nowMs });
  const currentHealthy = pods.filter((pod) => counts(pod) && !isGoing(disruptedPods[pod.metadata.name], nowMs)).length;
  const spare = currentHealthy - desiredHealthy;
  // A budget that covers no pods yet allows nothing: the first that come may be looked at before their budget is.
  const disruptionsAllowed = expectedPods <= 0 || spare <= 0 ? 0 : spare;
  const { generation } = budget.metadata;
  const status: Status = {
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: conditionsWith(budget, {
      ...(disruptionsAllowed > 0 ? { status: 'True', reason: 'SufficientPods' } : { status: 'False', reason: 'InsufficientPods' }),
      message: '',
      observedGeneration: generation,
      nowMs,
    }),
  };
  return { status, notDeleted, lookAgainMs };
}

/** What the budget says when it could not be computed: nothing may be disrupted, and the rest as it was. */
export function failedStatus(budget: Budget, message: string, nowMs: number): Status {
  const { observedGeneration } = budget.status;
  const conditions = conditionsWith(budget, { status: 'False', reason: 'SyncFailed', message, observedGeneration, nowMs });
  return { ...budget.status, disruptionsAllowed: 0, conditions };
}

function countsOf(
  { spec }: Budget,
  { pods, scale }: { readonly pods: readonly corev1.Pod[]; readonly scale: number },
): { readonly expectedPods: number; readonly desiredHealthy: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    const unavailable = scaledValue(maxUnavailable, { total: scale, round: 'up' });
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - unavailable) };
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 };
  if (typeof minAvailable === 'number') return { expectedPods: pods.length, desiredHealthy: minAvailable };
  return { expectedPods: scale, desiredHealthy: scaledValue(minAvailable, { total: scale, round: 'up' }) };
}

function counts(pod: corev1.Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && isPodReady(pod);
}

function isGoing(since: string | undefined, nowMs: number): boolean {
  return since !== undefined && Date.parse(since) + deletionTimeoutMs > nowMs;
}

/** Granted evictions that are not yet seen as deletions; what is gone, going or overdue is forgotten. */
function awaitedDeletions(
  { status }: Budget,
  { pods, nowMs }: { readonly pods: readonly corev1.Pod[]; readonly nowMs: number },
): { readonly disruptedPods: Record<string, metav1.Time>; readonly notDeleted: corev1.Pod[]; readonly lookAgainMs: number | undefined } {
  const disruptedPods: Record<string, metav1.Time> = {};
  const notDeleted: corev1.Pod[] = [];
  let lookAgainMs: number | undefined;
  const granted = new Map(Object.entries(status.disruptedPods ?? {}));
  if (granted.size === 0) return { disruptedPods, notDeleted, lookAgainMs };
  for (const pod of pods) {
    const since = granted.get(pod.metadata.name);
    if (since === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    const leftMs = Date.parse(since) + deletionTimeoutMs - nowMs;
    if (leftMs < 0) {
      notDeleted.push(pod);
      continue;
    }
    disruptedPods[pod.metadata.name] = since;
    // A moment after its time: at that very time it is not overdue yet.
    lookAgainMs = Math.min(lookAgainMs ?? Number.POSITIVE_INFINITY, leftMs + 1);
  }
  return { disruptedPods, notDeleted, lookAgainMs };
}

function conditionsWith(
  { status }: Budget,
  {
    nowMs,
    observedGeneration,
    ...condition
  }: {
    readonly status: string;
    readonly reason: string;
    readonly message: string;
    readonly observedGeneration: number | undefined;
    readonly nowMs: number;
  },
): metav1.Condition[] {
  return setCondition<metav1.Condition>(status.conditions, {
    type: 'DisruptionAllowed',
    ...condition,
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime: formatTime(nowMs),
  });
}

export function formatBudgetStatus({ status, notDeleted, lookAgainMs }: BudgetPlan): string {
  const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed, disruptedPods = {}, conditions = [] } = status;
  const awaited = Object.keys(disruptedPods);
  return [
    `${currentHealthy} healthy of ${expectedPods}, needs ${desiredHealthy}, allows ${disruptionsAllowed}: ${conditions[0]?.reason}`,
    ...(awaited.length > 0 ? [`awaits the end of ${awaited.join(', ')} for ${lookAgainMs} ms`] : []),
    ...notDeleted.map(({ metadata }) => `${metadata.name} was not deleted`),
  ].join('\n');
}
