/**
 * Why a pod fits nowhere, in the words of its condition and event.
 * @source kube-scheduler framework/types.go (FitError), v1.35
 */
import type { NodeStatuses } from '../framework/index.ts';

export interface FitFailure {
  readonly allNodes: number;
  readonly statuses: NodeStatuses;
  /** Of a preFilter that rejected the pod as such: then nodes have nothing to say. */
  readonly preFilterMessage?: string;
  readonly postFilterMessage?: string;
}

/** Such as `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`. */
export function fitMessage({ allNodes, statuses, preFilterMessage = '', postFilterMessage = '' }: FitFailure): string {
  let message = `0/${allNodes} nodes are available:`;
  if (preFilterMessage !== '') message += ` ${preFilterMessage}.`;
  else {
    const counts = statuses.countReasons();
    const absent = allNodes - statuses.nodes.length;
    if (absent > 0) for (const reason of statuses.absent?.reasons ?? []) counts.set(reason, (counts.get(reason) ?? 0) + absent);
    const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
    if (parts.length > 0) message += ` ${parts.join(', ')}.`;
  }
  return postFilterMessage === '' ? message : `${message} ${postFilterMessage}`;
}
