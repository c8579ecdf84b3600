/**
 * Resources: what a pod asks for must be free on the node; of the nodes where it is, a strategy says which are better (by default those
 * with more left). @source kube-scheduler v1.35 plugins/noderesources/fit.go
 */
import { type corev1, podRequests } from '../../../api/index.ts';
import {
  Action,
  NodeInfo,
  type Plugin,
  type PluginFactory,
  type PodAmounts,
  podsIndex,
  requestedAmounts,
  resourceIndex,
  resourceName,
  scoringAmountOf,
  type Status,
  unresolvable,
  unschedulable,
} from '../../framework/index.ts';
import { defaultFitArgs, fitArgsErrors, type NodeResourcesFitArgs } from './args.ts';
import { scorerOf } from './scorers.ts';

const name = 'NodeResourcesFit';
const tooManyPods = 'Too many pods';

/** Everything but cpu, memory and ephemeral storage: counted only where the pod asks for it. */
export function isScalarResource(resource: string): boolean {
  return resource !== 'cpu' && resource !== 'memory' && resource !== 'ephemeral-storage' && resource !== 'pods';
}

/** Resources of devices: with a domain of their own. @source pkg/apis/core/v1/helper IsExtendedResourceName */
function isExtendedResource(resource: string): boolean {
  const domain = resource.slice(0, resource.indexOf('/'));
  return domain !== '' && domain !== 'kubernetes.io' && !domain.endsWith('.kubernetes.io') && !resource.startsWith('requests.');
}

/** One resource that is short on a node. */
export interface Shortage {
  readonly resource: string;
  readonly requested: number;
  readonly free: number;
  readonly capacity: number;
}

/** Everything that is short on the node; empty when the pod fits. `isIgnored`: resource numbers that are somebody else's business. */
export function shortages(amounts: PodAmounts, node: NodeInfo, isIgnored: (resource: number) => boolean): Shortage[] {
  const found: Shortage[] = [];
  const room = node.allocatable(podsIndex);
  if (node.podCount + 1 > room) found.push({ resource: 'pods', requested: 1, free: room - node.podCount, capacity: room });
  for (const { resource, amount } of amounts.requests) {
    const free = node.allocatable(resource) - node.requested(resource);
    if (amount <= free || isIgnored(resource)) continue;
    found.push({ resource: resourceName(resource), requested: amount, free, capacity: node.allocatable(resource) });
  }
  return found;
}

export const nodeResourcesFit: PluginFactory<NodeResourcesFitArgs> = {
  name,
  defaultArgs: defaultFitArgs,
  validateArgs: fitArgsErrors,
  create: ({ ignoredResources, ignoredResourceGroups, scoringStrategy }): Plugin => {
    const ignored = new Map<number, boolean>();
    const isIgnored = (resource: number): boolean => {
      if (ignoredResources.length + ignoredResourceGroups.length === 0) return false;
      const known = ignored.get(resource);
      if (known !== undefined) return known;
      const text = resourceName(resource);
      const named = ignoredResources.includes(text) || ignoredResourceGroups.includes(text.split('/')[0]!);
      ignored.set(resource, isExtendedResource(text) && named);
      return ignored.get(resource)!;
    };
    const rejections = new Map<string, Status>();
    const scored = scoringStrategy.resources.map((resource) => ({
      index: resourceIndex(resource.name),
      weight: resource.weight,
      isScalar: isScalarResource(resource.name),
    }));
    const scorer = scorerOf(scoringStrategy);
    return {
      name,
      events: [
        { resource: 'Pod', actions: Action.Delete | Action.UpdatePodScaleDown, hint: podHelps },
        { resource: 'Node', actions: Action.Add | Action.UpdateNodeAllocatable, hint: nodeHelps },
      ],
      filterScope: 'node',
      filter: (_state, { amounts }, node) => {
        const short = shortages(amounts, node, isIgnored);
        return short.length === 0 ? undefined : rejectionOf(short, rejections);
      },
      explain: (_state, { amounts }, node) => shortages(amounts, node, isIgnored).map(adviceFor),
      scoreScope: 'node',
      score: (_state, { amounts }, node) => {
        scorer.start();
        for (const { index, weight, isScalar } of scored) {
          const wanted = scoringAmountOf(amounts, index);
          const capacity = node.allocatable(index);
          if (capacity === 0 || (isScalar && wanted === 0)) continue;
          scorer.add(node.scoringRequested(index) + wanted, capacity, weight);
        }
        return scorer.finish();
      },
    };
  },
};

/** One status for each combination that occurs, so that thousands of nodes share it. */
function rejectionOf(short: readonly Shortage[], known: Map<string, Status>): Status {
  // More than the whole node has: no eviction makes room for it.
  const hopeless = short.some(({ resource, requested, capacity }) => resource !== 'pods' && requested > capacity);
  const reasons = short.map(({ resource }) => (resource === 'pods' ? tooManyPods : `Insufficient ${resource}`));
  const key = `${hopeless}${reasons.join()}`;
  const status = known.get(key) ?? (hopeless ? unresolvable(...reasons) : unschedulable(...reasons));
  known.set(key, status);
  return status;
}

/** A scheduled pod that goes frees something; one that shrinks does where the waiting pod asks for the same. */
function podHelps(pod: corev1.Pod, old: corev1.Pod | undefined, current: corev1.Pod | undefined): boolean {
  if (!current) return Boolean(old?.spec.nodeName || old?.status.nominatedNodeName);
  if (current.metadata.uid === pod.metadata.uid) return true;
  if (!current.spec.nodeName || !old) return false;
  const [before, after] = [podRequests(old, { useStatusResources: true }), podRequests(current, { useStatusResources: true })];
  for (const [resource, wanted] of podRequests(pod, { useStatusResources: true })) {
    const had = before.get(resource);
    if (wanted.isZero || !had) continue;
    const has = after.get(resource);
    if (!has || had.compare(has) > 0) return true;
  }
  return false;
}

/** A node helps when it alone would be enough for the pod, and has more than before of something that the pod asks for. */
function nodeHelps(pod: corev1.Pod, old: corev1.Node | undefined, current: corev1.Node | undefined): boolean {
  if (!current) return false;
  const amounts = requestedAmounts(pod);
  const now = new NodeInfo(current, 0);
  if (shortages(amounts, now, () => false).length > 0) return false;
  if (!old) return true;
  const before = new NodeInfo(old, 0);
  const grew = (resource: number): boolean => now.allocatable(resource) > before.allocatable(resource);
  return grew(podsIndex) || amounts.requests.some(({ resource }) => grew(resource));
}

const mebibyte = 1024 * 1024;

function adviceFor({ resource, requested, free, capacity }: Shortage): string {
  if (resource === 'pods') return `raise the node's limit of ${capacity} pods or move a pod away`;
  const missing = requested - Math.max(free, 0);
  const beyond = requested > capacity ? `, more than the whole node has (${formatAmount(resource, capacity)})` : '';
  return `needs ${formatAmount(resource, missing)} more ${resource}${beyond}`;
}

/** As people write it: cpu in cores or millicores, bytes in Mi, counts as they are. */
export function formatAmount(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  const isBytes = resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-');
  return isBytes && amount >= mebibyte ? `${Math.ceil(amount / mebibyte)}Mi` : String(amount);
}
