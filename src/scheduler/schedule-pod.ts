/**
 * One scheduling decision: filter, score, choose. Pure but for the cycle's state: it reads the cache and says where the pod goes, or why it
 * fits nowhere, node by node in sum.
 */
import type { corev1 } from '../api/index.ts';
import type { Random } from '../base/index.ts';
import { type ClusterView, CycleState, type Plugin, type Profile, type Rejection } from './framework.ts';
import type { NodeInfo } from './node-info.ts';

export type Decision =
  | { readonly type: 'placed'; readonly node: string; readonly state: CycleState }
  | { readonly type: 'unschedulable'; readonly message: string; readonly rejectedBy: ReadonlySet<string>; readonly nominatedNode?: string };

export function schedulePod(pod: corev1.Pod, profile: Profile, view: ClusterView, random: Random): Decision {
  const state = new CycleState();
  if (view.nodes.size === 0)
    return { type: 'unschedulable', message: 'no nodes available to schedule pods', rejectedBy: new Set(['NodeName']) };
  const before = runPreFilter(state, pod, profile.plugins, view);
  if ('plugin' in before) {
    const message = `0/${view.nodes.size} nodes are available: ${before.reasons.join(', ')}.`;
    return { type: 'unschedulable', message, rejectedBy: new Set([before.plugin]) };
  }
  const rejections = new Map<string, Rejection>();
  const feasible: NodeInfo[] = [];
  const filters = profile.plugins.filter((plugin) => plugin.filter && !before.skipped.has(plugin));
  for (const node of view.nodes.values()) {
    const rejection = before.nodes && !before.nodes.has(node.name) ? outsidePreFilter : firstRejection(filters, state, pod, node);
    if (rejection) rejections.set(node.name, rejection);
    else feasible.push(node);
  }
  if (feasible.length === 0) return unschedulable(pod, profile, state, rejections);
  return { type: 'placed', node: best(pod, profile, state, feasible, view, random), state };
}

const outsidePreFilter: Rejection = {
  plugin: 'NodeAffinity',
  reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"],
  resolvable: false,
};

function runPreFilter(
  state: CycleState,
  pod: corev1.Pod,
  plugins: readonly Plugin[],
  view: ClusterView,
): Rejection | { readonly skipped: ReadonlySet<Plugin>; readonly nodes: ReadonlySet<string> | undefined } {
  const skipped = new Set<Plugin>();
  let nodes: ReadonlySet<string> | undefined;
  for (const plugin of plugins) {
    const answer = plugin.preFilter?.(state, pod, view);
    if (answer === 'skip') skipped.add(plugin);
    else if (answer && 'plugin' in answer) return answer;
    else if (answer) nodes = nodes ? nodes.intersection(answer.nodes) : answer.nodes;
  }
  return { skipped, nodes };
}

function firstRejection(filters: readonly Plugin[], state: CycleState, pod: corev1.Pod, node: NodeInfo): Rejection | undefined {
  for (const plugin of filters) {
    const rejection = plugin.filter?.(state, pod, node);
    if (rejection) return rejection;
  }
  return undefined;
}

function unschedulable(pod: corev1.Pod, profile: Profile, state: CycleState, rejections: ReadonlyMap<string, Rejection>): Decision {
  let message = fitError(rejections);
  let nominatedNode: string | undefined;
  for (const plugin of profile.plugins) {
    const result = plugin.postFilter?.(state, pod, rejections);
    if (!result) continue;
    message += ` ${result.message}`;
    nominatedNode = result.nominatedNode;
    if (nominatedNode) break;
  }
  return {
    type: 'unschedulable',
    message,
    rejectedBy: new Set([...rejections.values()].map(({ plugin }) => plugin)),
    ...(nominatedNode && { nominatedNode }),
  };
}

/** Such as `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function fitError(rejections: ReadonlyMap<string, Rejection>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections.values()) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${rejections.size} nodes are available: ${parts.join(', ')}.`;
}

/** The node with the highest weighted score; among equals chance decides, so that load spreads. */
function best(
  pod: corev1.Pod,
  profile: Profile,
  state: CycleState,
  feasible: readonly NodeInfo[],
  view: ClusterView,
  random: Random,
): string {
  if (feasible.length === 1) return feasible[0]!.name;
  const totals = new Map(feasible.map(({ name }) => [name, 0]));
  for (const plugin of profile.plugins) {
    if (!plugin.score || plugin.preScore?.(state, pod, feasible) === 'skip') continue;
    const scores = new Map(feasible.map((node) => [node.name, plugin.score!(state, pod, node, view)]));
    plugin.normalizeScore?.(scores);
    const weight = profile.weights[plugin.name] ?? 1;
    for (const [node, score] of scores) totals.set(node, totals.get(node)! + weight * score);
  }
  const top = Math.max(...totals.values());
  const winners = [...totals].filter(([, total]) => total === top);
  return winners[Math.floor(random.next() * winners.length)]![0];
}
