/**
 * Everything that spreading and pod affinity want to know of the whole cluster, kept up by its changes: one index for all profiles and
 * plugins of a scheduler. A counter is made when a pod first asks for it (one walk over the placed pods) and follows from then on.
 *
 * Invariants: all parts stand at the same position of the change log; a tally is in `#tallies` as long as somebody may read it; what is
 * handed out is true until the next change of the cluster.
 */
import type { ClusterChange, ClusterView, NodeInfo, PodInfo } from '../../framework/index.ts';
import { DomainTally, type NodeSet } from './domain-tally.ts';
import { ExistingTerms } from './existing-terms.ts';
import { PodCounter, type PodMatcher } from './pod-counter.ts';
import { TopologyDomains } from './topology-domains.ts';

/** Which nodes count for a counter; undefined stands for all. */
export interface NodeChoice {
  /** Equal for choices that choose the same nodes. */
  readonly signature: string;
  chooses(node: NodeInfo): boolean;
}

/** Most counters that are kept; the one unused for longest goes first. */
const maxCounters = 2048;

class ChosenNodes implements NodeSet {
  readonly choice: NodeChoice;
  readonly #members: boolean[] = [];

  constructor(choice: NodeChoice) {
    this.choice = choice;
  }

  has(nodeIndex: number): boolean {
    return this.#members[nodeIndex] ?? false;
  }

  judge(nodeIndex: number, node: NodeInfo | undefined): void {
    this.#members[nodeIndex] = node !== undefined && this.choice.chooses(node);
  }
}

const everyNode: NodeSet = { has: () => true };

const indexes = new WeakMap<ClusterView, TopologyIndex>();

export class TopologyIndex {
  readonly #view: ClusterView;
  readonly #domains = new Map<string, TopologyDomains>();
  readonly #choices = new Map<string, ChosenNodes>();
  /** By signature, the one used last at the end. */
  readonly #counters = new Map<string, PodCounter>();
  /** By namespace (`*` for all) and a label that the pods must have (nothing for any), so that a pod finds the few that may count it. */
  readonly #files = new Map<string, Set<PodCounter>>();
  readonly #tallies = new Set<DomainTally>();
  /** By index, as far as the log was read. */
  readonly #nodes: (NodeInfo | undefined)[] = [];
  #terms: ExistingTerms;
  #position = 0;

  constructor(view: ClusterView) {
    this.#view = view;
    this.#terms = this.#newTerms();
    this.#rebuild();
  }

  /** The index of a cluster, up to date. */
  static of(view: ClusterView): TopologyIndex {
    const known = indexes.get(view);
    if (known) {
      known.#catchUp();
      return known;
    }
    const made = new TopologyIndex(view);
    indexes.set(view, made);
    return made;
  }

  get terms(): ExistingTerms {
    return this.#terms;
  }

  domains(key: string): TopologyDomains {
    const known = this.#domains.get(key);
    if (known) return known;
    const made = new TopologyDomains(key);
    this.#nodes.forEach((node, index) => made.assign(index, node));
    this.#domains.set(key, made);
    return made;
  }

  /** How many pods `matcher` matches in each domain of `key`, on the nodes that `choice` chooses. */
  counter(matcher: PodMatcher, key: string, choice?: NodeChoice): PodCounter {
    const signature = `${key}\n${choice?.signature ?? ''}\n${matcher.signature}`;
    const known = this.#counters.get(signature);
    if (known) {
      // Put at the end: used last.
      this.#counters.delete(signature);
      this.#counters.set(signature, known);
      return known;
    }
    // Choices are only forgotten all at once: whoever comes back makes them again.
    if (this.#choices.size >= maxCounters) this.#rebuild();
    const tally = new DomainTally(this.domains(key), choice ? this.#chosen(choice) : everyNode);
    this.#enterNodes(tally);
    this.#tallies.add(tally);
    const made = new PodCounter(matcher, tally);
    for (const node of this.#view.nodes) for (const pod of node.pods()) made.count(pod, node.index, 1);
    this.#counters.set(signature, made);
    for (const name of this.#filesOf(made)) this.#files.set(name, (this.#files.get(name) ?? new Set<PodCounter>()).add(made));
    if (this.#counters.size > maxCounters) this.#dropOldest();
    return made;
  }

  /** An empty tally over the domains of `key`, for the moment: it does not follow the cluster. */
  tallyOf(key: string): DomainTally {
    return new DomainTally(this.domains(key), everyNode);
  }

  #chosen(choice: NodeChoice): ChosenNodes {
    const known = this.#choices.get(choice.signature);
    if (known) return known;
    const made = new ChosenNodes(choice);
    this.#nodes.forEach((node, index) => made.judge(index, node));
    this.#choices.set(choice.signature, made);
    return made;
  }

  #filesOf({ matcher: { namespaces, label = '' } }: PodCounter): string[] {
    return (namespaces ?? ['*']).map((namespace) => `${namespace}/${label}`);
  }

  #dropOldest(): void {
    for (const [signature, counter] of this.#counters) {
      this.#counters.delete(signature);
      this.#tallies.delete(counter.tally);
      for (const name of this.#filesOf(counter)) {
        const file = this.#files.get(name);
        file?.delete(counter);
        if (file?.size === 0) this.#files.delete(name);
      }
      return;
    }
  }

  #newTerms(): ExistingTerms {
    return new ExistingTerms(
      this.#tallies,
      (key) => this.domains(key),
      everyNode,
      (tally) => this.#enterNodes(tally),
    );
  }

  #enterNodes(tally: DomainTally): void {
    this.#nodes.forEach((node, index) => {
      if (node) tally.enter(index);
    });
  }

  #catchUp(): void {
    if (this.#position === this.#view.changes.head) return;
    if (this.#view.changes.readFrom(this.#position, (change) => this.#apply(change))) this.#position = this.#view.changes.head;
    else this.#rebuild();
  }

  /** From nothing: counters are made again when they are asked for. */
  #rebuild(): void {
    for (const each of [this.#domains, this.#choices, this.#counters, this.#files, this.#tallies]) each.clear();
    this.#nodes.length = 0;
    for (const node of this.#view.nodes) this.#nodes[node.index] = node;
    this.#terms = this.#newTerms();
    for (const node of this.#view.nodesWithAffinity) {
      for (const pod of node.podsWithAffinity()) this.#terms.count(pod, node.index, 1);
    }
    this.#position = this.#view.changes.head;
  }

  #apply(change: ClusterChange): void {
    switch (change.type) {
      case 'podAdded':
        this.#count(change.pod, change.node.index, 1);
        return;
      case 'podRemoved':
        this.#count(change.pod, change.node.index, -1);
        return;
      case 'nodeAdded':
        this.#changeNode(change.node.index, change.node);
        return;
      case 'nodeRemoved':
        this.#changeNode(change.node.index, undefined);
        return;
      case 'nodeChanged':
        if (change.labelsChanged || taintsChanged(change.old.spec.taints, change.node.node.spec.taints)) {
          this.#changeNode(change.node.index, change.node);
        }
        return;
    }
  }

  #count(pod: PodInfo, nodeIndex: number, change: 1 | -1): void {
    if (pod.hasAffinity) this.#terms.count(pod, nodeIndex, change);
    const { labels, namespace } = pod;
    for (const place of [namespace, '*']) {
      this.#countIn(`${place}/`, pod, nodeIndex, change);
      if (labels) for (const key of Object.keys(labels)) this.#countIn(`${place}/${key}=${labels[key]!}`, pod, nodeIndex, change);
    }
  }

  #countIn(file: string, pod: PodInfo, nodeIndex: number, change: 1 | -1): void {
    for (const counter of this.#files.get(file) ?? []) counter.count(pod, nodeIndex, change);
  }

  #changeNode(nodeIndex: number, node: NodeInfo | undefined): void {
    if (this.#nodes[nodeIndex]) for (const tally of this.#tallies) tally.leave(nodeIndex);
    for (const domains of this.#domains.values()) domains.assign(nodeIndex, node);
    for (const chosen of this.#choices.values()) chosen.judge(nodeIndex, node);
    this.#nodes[nodeIndex] = node;
    if (node) for (const tally of this.#tallies) tally.enter(nodeIndex);
  }
}

function taintsChanged(before: unknown, after: unknown): boolean {
  return before !== after && JSON.stringify(before) !== JSON.stringify(after);
}
