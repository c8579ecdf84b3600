/**
 * Keeps the status of PodDisruptionBudgets what evictions are granted by: how many pods are healthy, how many must be, and how many may
 * go. What cannot be computed allows nothing.
 * @source pkg/controller/disruption/disruption.go, v1.35
 */
import {
  appsv1Resources,
  type corev1,
  corev1Resources,
  IntOrStringError,
  isApiError,
  labelSelectorMatcher,
  type policyv1,
  policyv1Resources,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { ScaleError, ScaleTargets } from '../scale/scale-targets.ts';
import { selectorText } from '../selector-text.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { expectedScale } from './expected-scale.ts';
import { type BudgetPlan, failedStatus, needsScale, planBudget } from './plan.ts';

type Budget = policyv1.PodDisruptionBudget;

export function createDisruptionController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const budgets = informers.informer(policyv1Resources.poddisruptionbudgets);
  const pods = informers.informer(corev1Resources.pods);
  const sources = {
    replicationControllers: informers.informer(corev1Resources.replicationcontrollers),
    replicaSets: informers.informer(appsv1Resources.replicasets),
    deployments: informers.informer(appsv1Resources.deployments),
    statefulSets: informers.informer(appsv1Resources.statefulsets),
    targets: new ScaleTargets(client, clock),
  };

  const covers = ({ spec }: Budget, pod: corev1.Pod): boolean => labelSelectorMatcher(spec.selector).matches(pod.metadata.labels);

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    const wake = (budget: Budget): void => enqueue(keyOf(budget));
    const wakeFor = (pod: corev1.Pod): void => {
      const covering = budgets.list(pod.metadata.namespace).filter((budget) => covers(budget, pod));
      const [first] = covering;
      if (!first) return;
      for (const budget of covering) enqueue(keyOf(budget), settleMs(budget.status.expectedPods));
      if (covering.length === 1) return;
      const { namespace, name } = pod.metadata;
      const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${first.metadata.name}" arbitrarily.`;
      recorder.event(pod, { type: 'Warning', reason: 'MultiplePodDisruptionBudgets', message });
    };
    budgets.addHandler({ added: wake, updated: (_, budget) => wake(budget) });
    pods.addHandler({
      added: wakeFor,
      updated: (old, pod) => {
        wakeFor(pod);
        // The budget that covered it before counts one pod less.
        if (semanticEqual(old.metadata.labels, pod.metadata.labels)) return;
        for (const budget of budgets.list(old.metadata.namespace)) if (covers(budget, old) && !covers(budget, pod)) wake(budget);
      },
      deleted: wakeFor,
    });
  };

  const reconcile = async (key: string, ctx: Ctx): Promise<Outcome> => {
    const budget = budgets.get(splitKey(key));
    if (!budget) return done;
    try {
      const { status, notDeleted, lookAgainMs } = await plan(budget, ctx.signal);
      for (const pod of notDeleted) {
        // Twice the namespace, as upstream prints it.
        const { namespace } = budget.metadata;
        const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
        recorder.event(pod, { type: 'Warning', reason: 'NotDeleted', message });
      }
      await write(budget, status, ctx.signal);
      return lookAgainMs === undefined ? done : { type: 'retryAfter', delayMs: lookAgainMs };
    } catch (error) {
      if (isApiError(error, 'Conflict')) throw error;
      if (!(error instanceof ScaleError || error instanceof IntOrStringError || isApiError(error))) throw error;
      ctx.log.warn('a disruption budget could not be computed', { budget: key, err: error });
      await write(budget, failedStatus(budget, error.message, clock.now()), ctx.signal);
      return done;
    }
  };

  const plan = async (budget: Budget, signal: AbortSignal): Promise<BudgetPlan> => {
    const covered = pods.list(budget.metadata.namespace).filter((pod) => covers(budget, pod));
    if (covered.length === 0) recorder.event(budget, { type: 'Normal', reason: 'NoPods', message: 'No matching pods found' });
    try {
      const { scale, unmanaged } = needsScale(budget) ? await expectedScale(sources, covered, signal) : { scale: 0, unmanaged: [] };
      if (unmanaged.length > 0) {
        recorder.event(budget, { type: 'Warning', reason: 'UnmanagedPods', message: unmanagedMessage(budget) });
      }
      return planBudget(budget, { pods: covered, scale, nowMs: clock.now() });
    } catch (error) {
      if (error instanceof Error && !signal.aborted) {
        const message = `Failed to calculate the number of expected pods: ${error.message}`;
        recorder.event(budget, { type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message });
      }
      throw error;
    }
  };

  const write = async (budget: Budget, status: Budget['status'], signal: AbortSignal): Promise<void> => {
    if (semanticEqual(status, budget.status)) return;
    await client.updateStatus(policyv1Resources.poddisruptionbudgets, { ...budget, status }, { signal });
  };

  return { name: 'disruption-controller', reconcile, setup };
}

function unmanagedMessage({ spec }: Budget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(spec.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}
