/**
 * What placed pods say of other pods: their (anti-)affinity terms, equal ones as one group with a count by topology domain. A pod to be
 * placed finds the groups that mean it through its labels, without a look at pods or nodes.
 */
import type { Labels } from '../../../api/index.ts';
import type { AffinityTerm, PodInfo } from '../../framework/index.ts';
import { DomainTally, type NodeSet } from './domain-tally.ts';
import { requiredLabel } from './pod-counter.ts';
import type { TopologyDomains } from './topology-domains.ts';

export type TermKind = 'requiredAffinity' | 'requiredAntiAffinity' | 'preferredAffinity' | 'preferredAntiAffinity';

export interface TermGroup {
  readonly term: AffinityTerm;
  /** Of preferred terms; 1 for required ones. */
  readonly weight: number;
  /** How many placed pods have the term. */
  readonly tally: DomainTally;
}

const signatures = new WeakMap<AffinityTerm, string>();

/** Equal for terms that mean the same pods in the same domains. */
export function termSignature(term: AffinityTerm): string {
  let signature = signatures.get(term);
  if (signature === undefined) {
    const { topologyKey, selector, namespaces, namespaceSelector } = term;
    const selects = (matcher: typeof selector): string => (matcher.isNothing ? '!' : `:${matcher.toString()}`);
    signature = JSON.stringify([topologyKey, selects(selector), [...namespaces].sort(), selects(namespaceSelector)]);
    signatures.set(term, signature);
  }
  return signature;
}

/** The groups of one kind. Filed under a label that the selector requires, where there is one. */
class TermGroups {
  readonly #bySignature = new Map<string, TermGroup>();
  readonly #byLabel = new Map<string, Set<TermGroup>>();
  readonly #unfiled = new Set<TermGroup>();
  readonly #tallyOf: (key: string) => DomainTally;
  readonly #forget: (tally: DomainTally) => void;

  constructor(tallyOf: (key: string) => DomainTally, forget: (tally: DomainTally) => void) {
    this.#tallyOf = tallyOf;
    this.#forget = forget;
  }

  count(term: AffinityTerm, weight: number, nodeIndex: number, change: 1 | -1): void {
    const signature = `${weight}${termSignature(term)}`;
    let group = this.#bySignature.get(signature);
    if (!group) {
      group = { term, weight, tally: this.#tallyOf(term.topologyKey) };
      this.#bySignature.set(signature, group);
      this.#file(group);
    }
    group.tally.add(nodeIndex, change);
    if (!group.tally.isEmpty) return;
    this.#bySignature.delete(signature);
    this.#unfile(group);
    this.#forget(group.tally);
  }

  matching({ pod, labels }: PodInfo, namespaceLabels: Labels | undefined): TermGroup[] {
    const found: TermGroup[] = [];
    if (this.#bySignature.size === 0) return found;
    const look = (groups: ReadonlySet<TermGroup> | undefined): void => {
      for (const group of groups ?? []) if (group.tally.total > 0 && group.term.matches(pod, namespaceLabels)) found.push(group);
    };
    look(this.#unfiled);
    if (labels) for (const key of Object.keys(labels)) look(this.#byLabel.get(`${key}=${labels[key]!}`));
    return found;
  }

  #file(group: TermGroup): void {
    const label = requiredLabel(group.term.selector);
    if (label === undefined) {
      this.#unfiled.add(group);
      return;
    }
    const filed = this.#byLabel.get(label);
    if (filed) filed.add(group);
    else this.#byLabel.set(label, new Set([group]));
  }

  #unfile(group: TermGroup): void {
    const label = requiredLabel(group.term.selector);
    if (label === undefined) {
      this.#unfiled.delete(group);
      return;
    }
    const filed = this.#byLabel.get(label);
    filed?.delete(group);
    if (filed?.size === 0) this.#byLabel.delete(label);
  }
}

export class ExistingTerms {
  readonly #groups: Readonly<Record<TermKind, TermGroups>>;

  /** @param tallies all tallies of the index: the groups' are among them as long as they count something */
  constructor(
    tallies: Set<DomainTally>,
    domainsOf: (key: string) => TopologyDomains,
    allNodes: NodeSet,
    enterNodes: (tally: DomainTally) => void,
  ) {
    const tallyOf = (key: string): DomainTally => {
      const tally = new DomainTally(domainsOf(key), allNodes);
      enterNodes(tally);
      tallies.add(tally);
      return tally;
    };
    const groups = (): TermGroups => new TermGroups(tallyOf, (tally) => tallies.delete(tally));
    this.#groups = {
      requiredAffinity: groups(),
      requiredAntiAffinity: groups(),
      preferredAffinity: groups(),
      preferredAntiAffinity: groups(),
    };
  }

  /** Counts the terms of a pod at its node. */
  count({ terms }: PodInfo, nodeIndex: number, change: 1 | -1): void {
    for (const kind of ['requiredAffinity', 'requiredAntiAffinity'] as const) {
      for (const term of terms[kind]) this.#groups[kind].count(term, 1, nodeIndex, change);
    }
    for (const kind of ['preferredAffinity', 'preferredAntiAffinity'] as const) {
      for (const { term, weight } of terms[kind]) this.#groups[kind].count(term, weight, nodeIndex, change);
    }
  }

  /** The groups that mean the pod, those only that are in some domain. */
  matching(kind: TermKind, pod: PodInfo, namespaceLabels: Labels | undefined): TermGroup[] {
    return this.#groups[kind].matching(pod, namespaceLabels);
  }
}
