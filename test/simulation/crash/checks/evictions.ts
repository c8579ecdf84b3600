/**
 * What must hold of pods that are driven off: taints drive them off nodes that had one lately, only what is on no node's list is collected as
 * an orphan, and the eviction API leaves as many ready pods as their budget wants.
 */
import { type corev1, getCondition, isPodReady, type policyv1 } from '../../../../src/api/index.ts';
import type { Check, History } from '../history.ts';
import { heardOfWithinMs } from './replicas.ts';

export function drivenOffForCause(): Check {
  /** When a node last had a taint that drives pods off. */
  const tainted = new Map<string, number>();
  return ({ kind, old, now, timeMs }, history) => {
    if (kind === 'Node') {
      for (const node of [old, now] as readonly (corev1.Node | undefined)[]) {
        if (node?.spec.taints?.some(({ effect }) => effect === 'NoExecute')) tainted.set(node.metadata.name, timeMs);
      }
      return [];
    }
    if (kind !== 'Pod' || !now) return [];
    const reason = disruptionOf(now as corev1.Pod);
    if (reason === undefined || (old && disruptionOf(old as corev1.Pod) === reason)) return [];
    const { nodeName = '' } = (now as corev1.Pod).spec;
    const stands = history.one('Node', nodeName);
    const hasTaint = stands?.spec.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
    if (reason === 'DeletionByTaintManager' && !hasTaint && timeMs - (tainted.get(nodeName) ?? -Infinity) > heardOfWithinMs) {
      return [`pod ${now.metadata.name} was driven off ${nodeName}, which has no taint`];
    }
    return reason === 'DeletionByPodGC' && stands ? [`pod ${now.metadata.name} was collected, and ${nodeName} stands`] : [];
  };
}

const disruptionOf = ({ status }: corev1.Pod): string | undefined => getCondition(status.conditions, 'DisruptionTarget')?.reason;

export const budgetKept: Check = ({ kind, old, now }, history) => {
  if (kind !== 'Pod' || !old || !now) return [];
  const [before, after] = [old as corev1.Pod, now as corev1.Pod];
  const begins = before.metadata.deletionTimestamp === undefined && after.metadata.deletionTimestamp !== undefined;
  if (!begins || disruptionOf(after) !== 'EvictionByEvictionAPI' || !isPodReady(before)) return [];
  return [...history.all('PodDisruptionBudget')].flatMap((budget) => {
    const least = Number(budget.spec.minAvailable ?? 0);
    const left = readyPodsOf(history, budget);
    return left < least ? [`pod ${after.metadata.name} was evicted: ${left} are ready, and ${least} must be`] : [];
  });
};

function readyPodsOf(history: History, { spec }: policyv1.PodDisruptionBudget): number {
  const wanted = Object.entries(spec.selector?.matchLabels ?? {});
  return [...history.all('Pod')].filter(
    (pod) =>
      isPodReady(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      wanted.every(([key, value]) => pod.metadata.labels?.[key] === value),
  ).length;
}
