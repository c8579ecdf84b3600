/**
 * Tries out, on a copy of a node, which pods would have to go for another to fit: all that may go leave, and come back one by one, the most
 * important first, as long as the pod still fits.
 *
 * Invariant: the cycle's state is afterwards as it was before.
 * @source kube-scheduler v1.35 plugins/defaultpreemption (SelectVictimsOnNode)
 */
import {
  type CycleRunner,
  type CycleState,
  type ExtenderVictims,
  type NodeInfo,
  type PodInfo,
  type Status,
  unresolvable,
} from '../framework/index.ts';
import { byImportance } from './candidate.ts';
import type { DisruptionBudgets } from './disruption-budgets.ts';

const noVictims = unresolvable('No preemption victims found for incoming pod');

/** Victims, or why evicting does not help. */
export type DryRunResult = { readonly victims: ExtenderVictims } | { readonly status: Status };

export interface DryRunContext {
  readonly runner: CycleRunner;
  readonly budgets: DisruptionBudgets;
  readonly state: CycleState;
  readonly pod: PodInfo;
}

export function selectVictims({ runner, budgets, state, pod }: DryRunContext, original: NodeInfo): DryRunResult {
  const potential: PodInfo[] = [];
  for (const each of original.pods()) if (mayPreempt(pod, each)) potential.push(each);
  if (potential.length === 0) return { status: noVictims };
  const node = original.clone();
  const gone = new Set<PodInfo>();
  const remove = (each: PodInfo): void => {
    node.removePod(each.uid);
    runner.removePod(state, pod, each, node);
    gone.add(each);
  };
  const putBack = (each: PodInfo): void => {
    node.addPod(each);
    runner.addPod(state, pod, each, node);
    gone.delete(each);
  };
  try {
    for (const each of potential) remove(each);
    const status = runner.filterWithNominated(state, pod, node);
    if (status) return { status };
    const { violating, others } = budgets.split(potential.sort(byImportance));
    const spare = (each: PodInfo): boolean => {
      putBack(each);
      if (!runner.filterWithNominated(state, pod, node)) return true;
      remove(each);
      return false;
    };
    const pdbViolations = violating.filter((each) => !spare(each)).length;
    for (const each of others) spare(each);
    return { victims: { pods: [...gone].sort(byImportance), pdbViolations } };
  } finally {
    for (const each of [...gone].toReversed()) putBack(each);
  }
}

export function mayPreempt(preemptor: PodInfo, victim: PodInfo): boolean {
  return victim.priority < preemptor.priority;
}
