/**
 * Makes room for a pod that fits nowhere by choosing pods of lower priority to evict: dry runs on the nodes where eviction can help, the
 * word of extenders, and of the candidates the one that hurts least. Pure but for what it asks the evictor to do.
 * @source kube-scheduler v1.35 framework/preemption/preemption.go, plugins/defaultpreemption
 */
import type { corev1 } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import { fitMessage } from '../cycle/fit-error.ts';
import {
  type CycleState,
  errorStatus,
  type ExtenderVictims,
  type FrameworkHandle,
  type NodeInfo,
  NodeStatuses,
  type PodInfo,
  type PostFilterResult,
  unresolvable,
  unschedulable,
} from '../framework/index.ts';
import { bestCandidate, type Candidate } from './candidate.ts';
import { DisruptionBudgets } from './disruption-budgets.ts';
import { type DryRunResult, selectVictims } from './dry-run.ts';
import { DryRunMemory } from './dry-run-memory.ts';
import type { Evictor } from './evictor.ts';

export interface CandidateLimits {
  /** Of the nodes where eviction may help, how many are tried at least, in percent and in number. */
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

const notHelpful = unresolvable('Preemption is not helpful for scheduling');

export class Preemptor {
  readonly #plugin: string;
  readonly #handle: FrameworkHandle;
  readonly #limits: CandidateLimits;
  readonly #evictor: Evictor;
  readonly #budgets: DisruptionBudgets;
  readonly #memory = new DryRunMemory();

  constructor(plugin: string, handle: FrameworkHandle, options: { readonly limits: CandidateLimits; readonly evictor: Evictor }) {
    this.#plugin = plugin;
    this.#handle = handle;
    this.#limits = options.limits;
    this.#evictor = options.evictor;
    this.#budgets = new DisruptionBudgets(handle.listers);
  }

  preempt(state: CycleState, pod: PodInfo, statuses: NodeStatuses, signal: AbortSignal): PostFilterResult | Promise<PostFilterResult> {
    const why = this.whyNot(pod, statuses);
    if (why !== undefined) return { status: unschedulable(why) };
    const { candidates, tried } = this.candidates(state, pod, statuses);
    if (candidates.length === 0) {
      const message = fitMessage({ allNodes: this.#handle.cluster.nodes.length, statuses: tried });
      return { status: unschedulable(message), nominatedNode: '' };
    }
    const asks = this.#handle.extenders.some((extender) => extender.supportsPreemption && extender.isInterested(pod.pod));
    return !asks ? this.#choose(candidates, pod) : this.#askExtenders(candidates, pod, signal);
  }

  /** Why the pod may not preempt at all; undefined when it may. */
  whyNot({ pod, priority, uid }: PodInfo, statuses: NodeStatuses): string | undefined {
    if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    const promised = pod.status.nominatedNodeName ? this.#handle.cluster.node(pod.status.nominatedNodeName) : undefined;
    if (!promised || statuses.of(promised)?.code === 'UnschedulableAndUnresolvable') return undefined;
    for (const other of promised.pods()) {
      if (other.uid !== uid && other.priority < priority && isLeavingForAnother(other.pod)) {
        return 'not eligible due to a terminating pod on the nominated node.';
      }
    }
    return undefined;
  }

  /** The nodes where evicting helps, those that break no budget first; `tried`: why it does not help on the others that were looked at. */
  candidates(
    state: CycleState,
    pod: PodInfo,
    statuses: NodeStatuses,
  ): { readonly candidates: readonly Candidate[]; readonly tried: NodeStatuses } {
    const { cluster, random } = this.#handle;
    const tried = new NodeStatuses();
    tried.absent = notHelpful;
    const helps = (node: NodeInfo): boolean => statuses.of(node)?.code === 'Unschedulable';
    const nodes = statuses.absent?.code === 'Unschedulable' ? cluster.nodes.filter(helps) : statuses.nodesWith('Unschedulable');
    if (nodes.length === 0) return { candidates: [], tried };
    const wanted = this.#candidateCount(nodes.length);
    const offset = Math.floor(random.next() * nodes.length);
    const clean: Candidate[] = [];
    const violating: Candidate[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(offset + i) % nodes.length]!;
      const result = this.#tryNode(state, pod, node);
      if ('status' in result) tried.set(node, result.status, this.#plugin);
      else if (result.victims.pods.length === 0) {
        tried.set(node, errorStatus(`expected at least one victim pod on node "${node.name}"`), this.#plugin);
      } else (result.victims.pdbViolations === 0 ? clean : violating).push({ nodeName: node.name, victims: result.victims });
      if (clean.length > 0 && clean.length + violating.length >= wanted) break;
    }
    return { candidates: [...clean, ...violating], tried };
  }

  #tryNode(state: CycleState, pod: PodInfo, node: NodeInfo): DryRunResult {
    const { runner, nominator } = this.#handle;
    const context = { runner, budgets: this.#budgets, state, pod };
    if (!runner.looksAtNodeOnly(state) || nominator.nodeOf(pod.uid) === node.name) return selectVictims(context, node);
    const conditions = { budgets: this.#budgets.version, nominated: nominator.podsOn(node.name) };
    const known = this.#memory.read(pod.shape, node, conditions);
    if (known) return known;
    const result = selectVictims(context, node);
    this.#memory.write(pod.shape, node, conditions, result);
    return result;
  }

  #candidateCount(nodes: number): number {
    const { minCandidateNodesPercentage, minCandidateNodesAbsolute } = this.#limits;
    return Math.min(nodes, Math.max(minCandidateNodesAbsolute, Math.trunc((nodes * minCandidateNodesPercentage) / 100)));
  }

  #choose(candidates: readonly Candidate[], pod: PodInfo): PostFilterResult {
    const best = bestCandidate(candidates);
    if (!best) return { status: unschedulable('no candidate node for preemption') };
    this.#evictor.start(best, pod);
    return { nominatedNode: best.nodeName };
  }

  async #askExtenders(candidates: readonly Candidate[], pod: PodInfo, signal: AbortSignal): Promise<PostFilterResult> {
    let victims: ReadonlyMap<string, ExtenderVictims> = new Map(candidates.map((each) => [each.nodeName, each.victims]));
    for (const extender of this.#handle.extenders) {
      if (!extender.supportsPreemption || !extender.isInterested(pod.pod)) continue;
      let left;
      try {
        left = await extender.processPreemption(pod.pod, victims, signal);
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        if (extender.ignorable) continue;
        return { status: errorStatus(error) };
      }
      const empty = [...left].find(([, { pods }]) => pods.length === 0);
      if (empty && !extender.ignorable) return { status: errorStatus(`expected at least one victim pod on node "${empty[0]}"`) };
      victims = new Map([...left].filter(([, { pods }]) => pods.length > 0));
      if (victims.size === 0) break;
    }
    return this.#choose(
      [...victims].map(([nodeName, each]) => ({ nodeName, victims: each })),
      pod,
    );
  }
}

function isLeavingForAnother({ metadata, status }: corev1.Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const mark = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return mark?.status === 'True' && mark.reason === 'PreemptionByScheduler';
}
