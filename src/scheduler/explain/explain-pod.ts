/**
 * Why a pod fits on some nodes and not on others, as the scheduler sees it at this moment: the same plugins with the same state as a cycle,
 * but every filter asked on every node, and nothing decided. The first rejection of a node is the one that the cycle goes by.
 */
import type {
  corev1,
  NodeExplanation,
  PluginScore,
  SchedulingExplanation,
  SchedulingRejection,
  SchedulingVerdict,
} from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import { fitMessage } from '../cycle/fit-error.ts';
import type { NodeFilter } from '../cycle/node-filter.ts';
import type { Profile } from '../cycle/profile.ts';
import {
  type ClusterView,
  CycleState,
  isRejection,
  type NodeInfo,
  NodeStatuses,
  type Nominator,
  type Plugin,
  type PodInfo,
  type Status,
  unresolvable,
} from '../framework/index.ts';
import type { DisruptionBudgets } from '../preemption/disruption-budgets.ts';
import { selectVictims } from '../preemption/dry-run.ts';

export interface ExplainContext {
  readonly profile: Profile;
  readonly cluster: ClusterView;
  readonly filter: NodeFilter;
  readonly nominator: Nominator;
  readonly budgets: DisruptionBudgets;
}

/** What there is to say but for names and times. */
export type Explained = Omit<SchedulingExplanation, 'apiVersion' | 'kind' | 'metadata'>;

export function explainPod(context: ExplainContext, pod: PodInfo): Explained {
  const { schedulerName } = context.profile;
  const gates = rejectionsOf(context.profile.preEnqueue, (plugin) => plugin.preEnqueue?.(pod.pod));
  if (pod.pod.spec.nodeName) {
    const { nodeName } = pod.pod.spec;
    return { verdict: 'Scheduled', message: `the pod is on node ${nodeName}`, schedulerName, nodeName, nodes: [] };
  }
  if (gates.length > 0) {
    const message = gates.flatMap(({ reasons }) => reasons).join(', ');
    return { verdict: 'Gated', message, schedulerName, rejections: gates, nodes: [] };
  }
  return { schedulerName, ...explainNodes(context, pod) };
}

/** Of a pod that asks for a scheduler which is not this one. */
export function explainForeignPod({ spec }: corev1.Pod, schedulerName: string): Explained {
  const { nodeName } = spec;
  if (nodeName) return { verdict: 'Scheduled', message: `the pod is on node ${nodeName}`, schedulerName, nodeName, nodes: [] };
  return {
    verdict: 'DoesNotFit',
    message: `the pod waits for scheduler "${schedulerName}", which this scheduler is not`,
    schedulerName,
    nodes: [],
  };
}

/** The API object. */
export function explanationOf({ metadata }: corev1.Pod, explained: Explained, nowMs: number): SchedulingExplanation {
  const { name, namespace, labels } = metadata;
  const own = { name, ...(namespace && { namespace }), creationTimestamp: formatTime(nowMs), ...(labels && { labels }) };
  return {
    apiVersion: 'scheduling.knarr.dev/v1alpha1',
    kind: 'SchedulingExplanation',
    // It was never stored, so it has none of what the registry gives.
    metadata: own as SchedulingExplanation['metadata'],
    ...explained,
  };
}

type NodesExplained = Omit<Explained, 'schedulerName'>;

function explainNodes(context: ExplainContext, pod: PodInfo): NodesExplained {
  const { cluster, nominator } = context;
  const state = new CycleState();
  const before = preFilter(context.profile, state, pod);
  const statuses = new NodeStatuses();
  const feasible: NodeInfo[] = [];
  const rejected: NodeExplanation[] = [];
  for (const node of before.rejections.length > 0 ? [] : cluster.nodes) {
    const found = before.nodes && !before.nodes.has(node.name) ? before.outside : rejectionsAt(context, { state, pod, node });
    if (found.rejections.length === 0) feasible.push(node);
    else {
      if (found.status) statuses.set(node, found.status, found.rejections[0]!.plugin);
      rejected.push({
        name: node.name,
        fits: false,
        rejections: found.rejections,
        ...preemptionAt(context, { state, pod, node }, found.status),
      });
    }
  }
  const fitting = scored(context.profile, { state, pod, nodes: feasible });
  const nominatedNodeName = nominator.nodeOf(pod.uid);
  const verdict: SchedulingVerdict = feasible.length > 0 ? 'Fits' : 'DoesNotFit';
  const preFilterMessage = before.rejections[0]?.reasons.join(', ') ?? '';
  const allNodes = cluster.nodes.length;
  return {
    verdict,
    message: feasible.length > 0 ? fitsOn(feasible.length, allNodes) : misfit(allNodes, statuses, preFilterMessage),
    ...(nominatedNodeName !== undefined && { nominatedNodeName }),
    ...(before.rejections.length > 0 && { rejections: before.rejections }),
    nodes: [...fitting, ...rejected.toSorted((a, b) => (a.name < b.name ? -1 : 1))],
  };
}

function fitsOn(count: number, all: number): string {
  return `${count}/${all} nodes are available`;
}

function misfit(allNodes: number, statuses: NodeStatuses, preFilterMessage: string): string {
  return allNodes === 0 ? 'no nodes available to schedule pods' : fitMessage({ allNodes, statuses, preFilterMessage });
}

interface PreFiltered {
  readonly rejections: readonly SchedulingRejection[];
  readonly nodes: ReadonlySet<string> | undefined;
  readonly outside: Found;
}

interface Found {
  readonly rejections: readonly SchedulingRejection[];
  /** The one that the cycle goes by. */
  readonly status: Status | undefined;
}

function preFilter({ preFilter: plugins }: Profile, state: CycleState, pod: PodInfo): PreFiltered {
  let nodes: ReadonlySet<string> | undefined;
  const narrowing: string[] = [];
  const rejections: SchedulingRejection[] = [];
  for (const plugin of plugins) {
    const answer = plugin.preFilter?.(state, pod);
    if (!answer) continue;
    if ('nodes' in answer) {
      narrowing.push(plugin.name);
      nodes = nodes ? nodes.intersection(answer.nodes) : answer.nodes;
    } else if (answer.code === 'Skip') state.skippedFilters.add(plugin.name);
    else rejections.push(toRejection(plugin.name, answer, plugin.explainPreFilter?.(pod) ?? []));
  }
  const status = unresolvable(`node(s) didn't satisfy plugin(s) [${narrowing.sort().join(' ')}]`);
  const allowed = nodes ? `use one of the nodes ${[...nodes].slice(0, 10).join(', ')}` : '';
  return { rejections, nodes, outside: { status, rejections: [toRejection(narrowing[0] ?? '', status, [allowed])] } };
}

interface AtNode {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly node: NodeInfo;
}

function rejectionsAt({ filter, nominator }: ExplainContext, { state, pod, node }: AtNode): Found {
  const rejections: SchedulingRejection[] = [];
  let first: Status | undefined;
  for (const plugin of filter.active(state).all) {
    const status = plugin.filter?.(state, pod, node);
    if (!status) continue;
    first ??= status;
    rejections.push(toRejection(plugin.name, status, plugin.explain?.(state, pod, node) ?? []));
  }
  const verdict = filter.hasRivals(pod, node) ? filter.filterWithNominated(state, pod, node) : first;
  if (verdict && rejections.length === 0) {
    const rivals = nominator.podsOn(node.name).map((each) => `${each.namespace}/${each.pod.metadata.name}`);
    rejections.push(toRejection(filter.rejector, verdict, [`wait for pods that were promised room on the node: ${rivals.join(', ')}`]));
  }
  return { rejections, status: verdict };
}

function preemptionAt(
  { filter, budgets }: ExplainContext,
  { state, pod, node }: AtNode,
  status: Status | undefined,
): Partial<NodeExplanation> {
  if (status?.code !== 'Unschedulable' || pod.pod.spec.preemptionPolicy === 'Never') return {};
  const result = selectVictims({ runner: filter, budgets, state, pod }, node);
  if (!('victims' in result)) return {};
  const victims = result.victims.pods.map((each) => `${each.namespace}/${each.pod.metadata.name}`);
  return { preemption: { victims, violatedBudgets: result.victims.pdbViolations } };
}

interface Scoring {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly nodes: readonly NodeInfo[];
}

/** Best first. */
function scored({ preScore, score }: Profile, { state, pod, nodes }: Scoring): NodeExplanation[] {
  if (nodes.length === 0) return [];
  for (const plugin of preScore) if (plugin.preScore?.(state, pod, nodes)?.code === 'Skip') state.skippedScores.add(plugin.name);
  const scores: PluginScore[][] = nodes.map(() => []);
  for (const { plugin, weight } of score) {
    if (state.skippedScores.has(plugin.name)) continue;
    const raw = Float64Array.from(nodes, (node) => plugin.score?.(state, pod, node) ?? 0);
    plugin.normalizeScore?.(state, pod, raw, nodes);
    raw.forEach((each, i) => scores[i]!.push({ plugin: plugin.name, score: each, weight }));
  }
  const total = (of: readonly PluginScore[]): number => of.reduce((sum, each) => sum + each.score * each.weight, 0);
  return nodes
    .map((node, i) => ({ name: node.name, fits: true, score: total(scores[i]!), scores: scores[i]! }))
    .toSorted((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
}

function rejectionsOf(plugins: readonly Plugin[], ask: (plugin: Plugin) => Status | undefined): SchedulingRejection[] {
  return plugins.flatMap((plugin) => {
    const status = ask(plugin);
    return status && isRejection(status) ? [toRejection(plugin.name, status, [])] : [];
  });
}

function toRejection(plugin: string, status: Status, advice: readonly string[]): SchedulingRejection {
  const said = advice.filter((each) => each !== '');
  return { plugin, reasons: status.reasons, resolvable: status.code === 'Unschedulable', ...(said.length > 0 && { advice: said }) };
}
