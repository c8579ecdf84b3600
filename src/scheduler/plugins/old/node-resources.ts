/**
 * Resources: what a pod asks for must be free on the node; of the nodes where it is, those with more left are better (LeastAllocated), and
 * so are those whose cpu and memory stay in balance. @source kube-scheduler plugins/noderesources
 */
import type { corev1 } from '../../../api/index.ts';
import { type CycleState, maxNodeScore, type Plugin, type StateKey } from '../../framework.ts';
import { type Amounts, type NodeInfo, podAmounts, scoringAmounts } from '../../node-info.ts';

const fitName = 'NodeResourcesFit';
const fitState: StateKey<Amounts> = { name: fitName };
const scoringState: StateKey<Amounts> = { name: `${fitName}/scoring` };
const balanceState: StateKey<Amounts> = { name: 'NodeResourcesBalancedAllocation' };
/** The resources that the default configuration scores, with equal weight. */
const scoredResources = ['cpu', 'memory'] as const;

/** Everything that is short on the node, as sentences; empty when the pod fits. */
export function insufficientResources(requests: Amounts, node: NodeInfo): { readonly reasons: string[]; readonly resolvable: boolean } {
  const reasons: string[] = [];
  let resolvable = true;
  if (node.podCount + 1 > node.allocatable('pods')) reasons.push('Too many pods');
  for (const [resource, amount] of requests) {
    if (amount === 0 || amount <= node.allocatable(resource) - node.requested(resource)) continue;
    reasons.push(`Insufficient ${resource}`);
    // More than the whole node has: no eviction makes room for it.
    if (amount > node.allocatable(resource)) resolvable = false;
  }
  return { reasons, resolvable };
}

export const nodeResourcesFit: Plugin = {
  name: fitName,
  events: ['node added', 'node allocatable', 'assigned pod deleted', 'assigned pod changed', 'pod changed'],
  hint: (pod, { node, pod: other }) => {
    if (!node) return other === undefined || other.metadata.uid === pod.metadata.uid || Boolean(other.spec.nodeName);
    const allocatable = node.status.allocatable ?? {};
    return [...podAmounts(pod).keys()].every((resource) => Object.hasOwn(allocatable, resource));
  },
  preFilter: (state, pod) => {
    state.write(fitState, podAmounts(pod));
    return undefined;
  },
  filter: (state, pod, node) => {
    const { reasons, resolvable } = insufficientResources(state.read(fitState) ?? podAmounts(pod), node);
    return reasons.length === 0 ? undefined : { plugin: fitName, reasons, resolvable };
  },
  preScore: (state, pod) => {
    state.write(scoringState, scoringAmounts(pod));
    return undefined;
  },
  score: (state, pod, node) => leastAllocated(wanted(state, scoringState, pod, scoringAmounts), node),
};

/** The mean over resources of the free share, in 0…100. */
function leastAllocated(requests: Amounts, node: NodeInfo): number {
  let sum = 0;
  let counted = 0;
  for (const resource of scoredResources) {
    const capacity = node.allocatable(resource);
    if (capacity === 0) continue;
    const used = node.scoringRequested(resource) + (requests.get(resource) ?? 0);
    sum += used > capacity ? 0 : Math.floor(((capacity - used) * maxNodeScore) / capacity);
    counted++;
  }
  return counted === 0 ? 0 : Math.floor(sum / counted);
}

export const nodeResourcesBalancedAllocation: Plugin = {
  name: balanceState.name,
  preScore: (state, pod) => {
    const requests = podAmounts(pod);
    // A best-effort pod moves no balance.
    if (scoredResources.every((resource) => !requests.get(resource))) return 'skip';
    state.write(balanceState, requests);
    return undefined;
  },
  score: (state, pod, node) => {
    const requests = wanted(state, balanceState, pod, podAmounts);
    const fractions = scoredResources.flatMap((resource) => {
      const capacity = node.allocatable(resource);
      return capacity === 0 ? [] : [Math.min((node.requested(resource) + (requests.get(resource) ?? 0)) / capacity, 1)];
    });
    // For two resources the standard deviation is half their distance.
    const deviation = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : 0;
    return Math.floor((1 - deviation) * maxNodeScore);
  },
};

function wanted(state: CycleState, key: StateKey<Amounts>, pod: corev1.Pod, compute: (pod: corev1.Pod) => Amounts): Amounts {
  return state.read(key) ?? compute(pod);
}
