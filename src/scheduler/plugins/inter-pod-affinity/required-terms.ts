/**
 * Whether a node satisfies the required terms: the pod's own affinity and anti-affinity, and the anti-affinity of the pods already placed.
 * Counts are the shared index's; pods that are put on nodes and taken off for the sake of trying stand here as differences.
 * @source kube-scheduler v1.35 plugins/interpodaffinity/filtering.go
 */
import type { Labels } from '../../../api/index.ts';
import type { AffinityTerm, NodeInfo, PodInfo, SchedulerListers } from '../../framework/index.ts';
import type { DomainTally } from '../topology/domain-tally.ts';
import { termSignature } from '../topology/existing-terms.ts';
import type { PodMatcher } from '../topology/pod-counter.ts';
import type { TopologyIndex } from '../topology/topology-index.ts';
import { noDomain } from '../topology/topology-domains.ts';
import { everyTermMatcher, termMatcher } from './term-matcher.ts';

/** A tally with differences. */
class TriedTally {
  readonly tally: DomainTally;
  readonly #differences = new Map<number, number>();
  #total = 0;

  constructor(tally: DomainTally) {
    this.tally = tally;
  }

  change(node: NodeInfo, change: number): void {
    const domain = this.tally.domainAt(node.index);
    if (domain === noDomain) return;
    this.#differences.set(domain, (this.#differences.get(domain) ?? 0) + change);
    this.#total += change;
  }

  hasLabel(node: NodeInfo): boolean {
    return this.tally.domains.of(node.index) !== noDomain;
  }

  /** In the node's domain. */
  count(node: NodeInfo): number {
    const domain = this.tally.domains.of(node.index);
    if (domain === noDomain) return 0;
    return this.tally.count(domain) + (this.#differences.size > 0 ? (this.#differences.get(domain) ?? 0) : 0);
  }

  get total(): number {
    return this.tally.total + this.#total;
  }
}

interface OwnTerm {
  readonly term: AffinityTerm;
  readonly matcher: PodMatcher;
  readonly tried: TriedTally;
}

export type Verdict = 'fits' | 'affinity' | 'antiAffinity' | 'existingAntiAffinity';

export class RequiredTerms {
  readonly #affinity: readonly OwnTerm[];
  readonly #antiAffinity: readonly OwnTerm[];
  /** Anti-affinity of placed pods that means this pod, by the term's signature. */
  readonly #existing = new Map<string, { readonly term: AffinityTerm; readonly tried: TriedTally }>();
  readonly #pod: PodInfo;
  readonly #namespaceLabels: Labels | undefined;
  readonly #index: TopologyIndex;
  readonly #matchesItself: boolean;

  constructor(pod: PodInfo, index: TopologyIndex, { namespaces }: SchedulerListers) {
    this.#pod = pod;
    this.#index = index;
    this.#namespaceLabels = namespaces.get({ name: pod.namespace })?.metadata.labels;
    const { requiredAffinity, requiredAntiAffinity } = pod.terms;
    const every = requiredAffinity.length > 0 ? everyTermMatcher(requiredAffinity, namespaces) : undefined;
    const own = (term: AffinityTerm, matcher: PodMatcher): OwnTerm => ({
      term,
      matcher,
      tried: new TriedTally(index.counter(matcher, term.topologyKey).tally),
    });
    this.#affinity = every ? requiredAffinity.map((term) => own(term, every)) : [];
    this.#antiAffinity = requiredAntiAffinity.map((term) => own(term, termMatcher(term, namespaces)));
    this.#matchesItself = every?.matches(pod) ?? false;
    for (const { term, tally } of index.terms.matching('requiredAntiAffinity', pod, this.#namespaceLabels)) {
      this.#existing.set(termSignature(term), { term, tried: new TriedTally(tally) });
    }
  }

  /** Nothing is required by the pod nor of it. */
  get isEmpty(): boolean {
    return this.#affinity.length + this.#antiAffinity.length + this.#existing.size === 0;
  }

  /** Another pod was put on (or taken off) a node. */
  change(other: PodInfo, node: NodeInfo, change: 1 | -1): void {
    for (const { matcher, tried } of [...this.#affinity, ...this.#antiAffinity]) if (matcher.matches(other)) tried.change(node, change);
    for (const term of other.terms.requiredAntiAffinity) {
      if (!term.matches(this.#pod.pod, this.#namespaceLabels)) continue;
      const signature = termSignature(term);
      const known = this.#existing.get(signature) ?? { term, tried: new TriedTally(this.#index.tallyOf(term.topologyKey)) };
      known.tried.change(node, change);
      this.#existing.set(signature, known);
    }
  }

  judge(node: NodeInfo): Verdict {
    if (!this.#satisfiesAffinity(node)) return 'affinity';
    for (const { tried } of this.#antiAffinity) if (tried.count(node) > 0) return 'antiAffinity';
    for (const { tried } of this.#existing.values()) if (tried.count(node) > 0) return 'existingAntiAffinity';
    return 'fits';
  }

  /**
   * All labels must be there, and a pod that matches all terms in each domain. The first of a series that has affinity to itself would wait
   * for ever: where no pod matches in any domain, it may go to any node with the labels.
   */
  #satisfiesAffinity(node: NodeInfo): boolean {
    let found = true;
    for (const { tried } of this.#affinity) {
      if (!tried.hasLabel(node)) return false;
      if (tried.count(node) <= 0) found = false;
    }
    return found || (this.#matchesItself && this.#affinity.every(({ tried }) => tried.total === 0));
  }

  /** The terms that keep the pod off the node, for {@link explainTerms}. */
  failing(node: NodeInfo): {
    readonly own: readonly OwnTerm[];
    readonly ownAnti: readonly OwnTerm[];
    readonly existing: readonly AffinityTerm[];
  } {
    return {
      own: this.#satisfiesAffinity(node) ? [] : this.#affinity.filter(({ tried }) => tried.count(node) <= 0),
      ownAnti: this.#antiAffinity.filter(({ tried }) => tried.count(node) > 0),
      existing: [...this.#existing.values()].filter(({ tried }) => tried.count(node) > 0).map(({ term }) => term),
    };
  }
}
