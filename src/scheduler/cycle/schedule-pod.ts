/**
 * One scheduling decision: filter, score, choose. It reads the cluster and says where the pod goes, or why it fits nowhere; it changes
 * nothing but the cycle's state. Without extenders it never waits.
 * @source kube-scheduler schedule_one.go, v1.35
 */
import type { Random } from '../../base/index.ts';
import type { ExtenderChain } from '../extenders/extender-chain.ts';
import {
  type ClusterView,
  CycleState,
  isRejection,
  type NodeInfo,
  NodeStatuses,
  type PodInfo,
  type Status,
  unresolvable,
} from '../framework/index.ts';
import type { NominatedPods } from '../queue/nominated-pods.ts';
import { extenderRejector } from '../queue/queue-profile.ts';
import { NodeFilter } from './node-filter.ts';
import { NodeScores } from './node-scores.ts';
import { causeOf, PluginError } from './plugin-error.ts';
import type { Profile } from './profile.ts';
import { ShapeMemories, type ShapeMemory } from './shape-memory.ts';

export type Decision = Placed | Misfit | NoNodes;

export interface Placed {
  readonly type: 'placed';
  readonly nodeName: string;
  readonly state: CycleState;
  readonly feasible: number;
}

export interface Misfit {
  readonly type: 'misfit';
  readonly state: CycleState;
  readonly allNodes: number;
  readonly statuses: NodeStatuses;
  readonly preFilterMessage: string;
  readonly rejectedBy: ReadonlySet<string>;
  readonly pendingBy: ReadonlySet<string>;
}

export interface NoNodes {
  readonly type: 'noNodes';
}

/** Fewer nodes than this are all looked at. */
const minNodesToFind = 100;
const minPercentage = 5;

/** Where the next search begins: shared by all profiles, so that every node has the same chance. */
export interface SearchPosition {
  next: number;
}

export interface PodSchedulerOptions {
  readonly profile: Profile;
  readonly cluster: ClusterView;
  readonly nominated: NominatedPods;
  readonly position: SearchPosition;
  readonly random: Random;
  /** For profiles that say nothing; 0 and undefined: adaptive. */
  readonly percentageOfNodesToScore?: number | undefined;
  readonly extenders?: ExtenderChain | undefined;
  /** Told how long each point took, from `startedMs` to now; left out: nobody measures. */
  readonly onPoint?: ((point: string, startedMs: number) => void) | undefined;
  readonly nowMs?: () => number;
}

export class PodScheduler {
  readonly filter: NodeFilter;
  readonly #options: PodSchedulerOptions;
  readonly #scores: NodeScores;
  readonly #memories = new ShapeMemories();

  constructor(options: PodSchedulerOptions) {
    this.#options = options;
    this.filter = new NodeFilter(options.profile, options.nominated);
    this.#scores = new NodeScores(options.profile);
  }

  /** @throws PluginError, or what an extender that may not be ignored threw */
  schedule(pod: PodInfo): Decision | Promise<Decision> {
    const { cluster, extenders } = this.#options;
    if (cluster.nodes.length === 0) return { type: 'noNodes' };
    const state = new CycleState();
    const search = this.#search(state, pod);
    if (extenders?.isInterested(pod.pod)) return this.#askExtenders(extenders, search);
    return search.feasible.length === 0 ? misfit(search) : this.#choose(search, undefined);
  }

  /** Everything up to the nodes that passed the plugins. */
  #search(state: CycleState, pod: PodInfo): Search {
    const { cluster } = this.#options;
    const statuses = new NodeStatuses();
    const search: Search = { state, pod, statuses, allNodes: cluster.nodes.length, feasible: [], memory: undefined, preFilterMessage: '' };
    const startedMs = this.#now();
    const before = this.#preFilter(state, pod);
    this.#measured('PreFilter', startedMs);
    if (before.status) {
      statuses.absent = before.status;
      statuses.reject(before.plugin, before.status.code);
      return { ...search, preFilterMessage: before.status.reasons.join(', ') };
    }
    const promised = this.#nominatedNode(state, pod);
    if (promised) return { ...search, feasible: [promised] };
    let nodes = cluster.nodes;
    if (before.nodes) {
      nodes = [...before.nodes].flatMap((name) => cluster.node(name) ?? []);
      statuses.absent = unresolvable(`node(s) didn't satisfy plugin(s) [${before.plugins.join(' ')}]`);
      for (const plugin of before.plugins) statuses.reject(plugin, 'UnschedulableAndUnresolvable');
    }
    const filterStartMs = this.#now();
    const active = this.filter.active(state);
    // A pod that comes into question on a few nodes only gains nothing from what is known of all.
    const memory = nodes.length >= minNodesToFind ? this.#memories.of(pod.shape, cluster.capacity, active.key) : undefined;
    const feasible = this.#findFeasible({ ...search, memory }, nodes);
    this.#measured('Filter', filterStartMs);
    return { ...search, memory, feasible };
  }

  /** Which nodes come into question: all of them when undefined. */
  #preFilter(state: CycleState, pod: PodInfo): PreFiltered {
    let nodes: ReadonlySet<string> | undefined;
    const narrowing: string[] = [];
    let rejection: PreFiltered | undefined;
    for (const plugin of this.#options.profile.preFilter) {
      const where = `running PreFilter plugin "${plugin.name}"`;
      let answer;
      try {
        answer = plugin.preFilter!(state, pod);
      } catch (error) {
        throw new PluginError(plugin.name, where, error);
      }
      if (!answer) continue;
      if ('nodes' in answer) {
        narrowing.push(plugin.name);
        nodes = nodes ? nodes.intersection(answer.nodes) : answer.nodes;
        if (nodes.size === 0) return { status: nothingLeft(narrowing.sort()), plugin: plugin.name, plugins: narrowing };
      } else if (answer.code === 'Skip') state.skippedFilters.add(plugin.name);
      else if (!isRejection(answer)) throw new PluginError(plugin.name, where, causeOf(answer));
      else {
        rejection = { status: answer, plugin: plugin.name, plugins: [] };
        // Another plugin may know that eviction cannot help either, and that counts for more.
        if (answer.code === 'UnschedulableAndUnresolvable') return rejection;
      }
    }
    return rejection ?? { plugin: '', plugins: narrowing.sort(), ...(nodes && { nodes }) };
  }

  /** The node that the pod was promised, when it fits there now: most likely the only one. */
  #nominatedNode(state: CycleState, pod: PodInfo): NodeInfo | undefined {
    const name = pod.pod.status.nominatedNodeName;
    const node = name ? this.#options.cluster.node(name) : undefined;
    return node && !this.filter.filterWithNominated(state, pod, node) ? node : undefined;
  }

  #findFeasible({ state, pod, statuses, memory }: Search, nodes: readonly NodeInfo[]): NodeInfo[] {
    const { position, nominated, profile, extenders } = this.#options;
    const { filter } = this;
    const { local, rest } = filter.active(state);
    const scores = profile.score.length > 0 || (extenders?.prioritizes ?? false);
    const wanted = scores || (extenders?.filters ?? false) ? this.#nodesToFind(nodes.length) : 1;
    const feasible: NodeInfo[] = [];
    const count = nodes.length;
    let at = position.next % Math.max(count, 1);
    let looked = 0;
    while (looked < count && feasible.length < wanted) {
      const node = nodes[at]!;
      looked++;
      if (++at === count) at = 0;
      let status: Status | undefined;
      if (nominated.any && filter.hasRivals(pod, node)) {
        const remembers = memory !== undefined && rest.length === 0;
        status = remembers ? filter.rememberedWithNominated(memory, state, pod, node) : filter.filterWithNominated(state, pod, node);
      } else {
        status = memory ? filter.remembered(memory, local, state, pod, node) : filter.run(local, state, pod, node);
        status ??= rest.length === 0 ? undefined : filter.run(rest, state, pod, node);
      }
      if (status === undefined) feasible.push(node);
      else statuses.set(node, status, filter.rejector);
    }
    position.next = (position.next + looked) % this.#options.cluster.nodes.length;
    return feasible;
  }

  /** How many nodes that fit are enough to choose among. */
  #nodesToFind(count: number): number {
    if (count < minNodesToFind) return count;
    const { profile, percentageOfNodesToScore } = this.#options;
    const percentage =
      (profile.percentageOfNodesToScore ?? percentageOfNodesToScore) || Math.max(50 - Math.trunc(count / 125), minPercentage);
    return Math.max(Math.trunc((count * percentage) / 100), minNodesToFind);
  }

  async #askExtenders(extenders: ExtenderChain, search: Search): Promise<Decision> {
    if (search.feasible.length === 0) return misfit(search);
    const left = await extenders.filter(search.pod.pod, search.feasible, search.statuses);
    if (left.length !== search.feasible.length) search.statuses.reject(extenderRejector, 'Unschedulable');
    const after = { ...search, feasible: left };
    if (left.length === 0) return misfit(after);
    return this.#choose(after, left.length > 1 ? await extenders.prioritize(search.pod.pod, left) : undefined);
  }

  /** The node with the highest sum; among equals chance decides, so that load spreads. */
  #choose({ state, pod, feasible, memory }: Search, extra: ReadonlyMap<string, number> | undefined): Placed {
    if (feasible.length === 1) return { type: 'placed', nodeName: feasible[0]!.name, state, feasible: 1 };
    const startedMs = this.#now();
    this.#scores.preScore(state, pod, feasible);
    this.#measured('PreScore', startedMs);
    const scoreStartMs = this.#now();
    const totals = this.#scores.score(state, pod, feasible, memory);
    this.#measured('Score', scoreStartMs);
    if (extra) for (const [i, node] of feasible.entries()) totals[i]! += extra.get(node.name) ?? 0;
    return { type: 'placed', nodeName: feasible[this.#best(totals, feasible.length)]!.name, state, feasible: feasible.length };
  }

  #best(totals: Float64Array, count: number): number {
    let best = totals[0]!;
    let equals = 0;
    for (let i = 0; i < count; i++) {
      const total = totals[i]!;
      if (total > best) {
        best = total;
        equals = 1;
      } else if (total === best) equals++;
    }
    let skip = equals > 1 ? Math.floor(this.#options.random.next() * equals) : 0;
    for (let i = 0; i < count; i++) if (totals[i] === best && skip-- === 0) return i;
    return 0;
  }

  #now(): number {
    return this.#options.nowMs?.() ?? 0;
  }

  #measured(point: string, startedMs: number): void {
    this.#options.onPoint?.(point, startedMs);
  }
}

interface Search {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly statuses: NodeStatuses;
  readonly allNodes: number;
  readonly feasible: readonly NodeInfo[];
  readonly memory: ShapeMemory | undefined;
  readonly preFilterMessage: string;
}

interface PreFiltered {
  readonly status?: Status;
  readonly plugin: string;
  readonly nodes?: ReadonlySet<string>;
  /** Who left only some nodes in question. */
  readonly plugins: readonly string[];
}

function nothingLeft(plugins: readonly string[]): Status {
  return unresolvable(
    plugins.length === 1
      ? `node(s) didn't satisfy plugin ${plugins[0]}`
      : `node(s) didn't satisfy plugin(s) [${plugins.join(' ')}] simultaneously`,
  );
}

function misfit({ state, allNodes, statuses, preFilterMessage }: Search): Misfit {
  const { plugins: rejectedBy, pendingPlugins: pendingBy } = statuses;
  return { type: 'misfit', state, allNodes, statuses, preFilterMessage, rejectedBy, pendingBy };
}
