/**
 * Counts something at nodes (pods that a selector matches, say) and sums it by topology domain; knows the least count of all domains
 * without looking at them. Only eligible nodes make a domain and count in it.
 *
 * Invariants: a domain's count is the sum over its eligible nodes; `#domainsWith[c]` is the number of domains whose count is c; `min` is the
 * least c with such a domain.
 */
import { noDomain, type TopologyDomains } from './topology-domains.ts';

/** Which nodes take part, by `NodeInfo.index`. */
export interface NodeSet {
  has(nodeIndex: number): boolean;
}

export class DomainTally {
  readonly domains: TopologyDomains;
  readonly #eligible: NodeSet;
  readonly #atNode = new Map<number, number>();
  readonly #counts: number[] = [];
  readonly #nodesIn: number[] = [];
  readonly #domainsWith: number[] = [];
  #min = 0;
  #domainCount = 0;
  #total = 0;

  constructor(domains: TopologyDomains, eligible: NodeSet) {
    this.domains = domains;
    this.#eligible = eligible;
  }

  count(domain: number): number {
    return this.#counts[domain] ?? 0;
  }

  /** Whether an eligible node makes the domain. */
  isDomain(domain: number): boolean {
    return (this.#nodesIn[domain] ?? 0) > 0;
  }

  get domainCount(): number {
    return this.#domainCount;
  }

  /** Over all domains. */
  get total(): number {
    return this.#total;
  }

  /** True when nothing was counted anywhere, in a domain or not. */
  get isEmpty(): boolean {
    return this.#atNode.size === 0;
  }

  /** The least count of a domain; 0 when there is none. */
  get min(): number {
    return this.#domainCount === 0 ? 0 : this.#min;
  }

  /** How many domains have exactly this count. */
  domainsWith(count: number): number {
    return this.#domainsWith[count] ?? 0;
  }

  /** The domain that the node counts in; {@link noDomain} when it is not eligible. */
  domainAt(nodeIndex: number): number {
    return this.#eligible.has(nodeIndex) ? this.domains.of(nodeIndex) : noDomain;
  }

  /** Counts `change` more at the node. */
  add(nodeIndex: number, change: number): void {
    const count = (this.#atNode.get(nodeIndex) ?? 0) + change;
    if (count === 0) this.#atNode.delete(nodeIndex);
    else this.#atNode.set(nodeIndex, count);
    const domain = this.domainAt(nodeIndex);
    if (domain !== noDomain) this.#move(domain, change);
  }

  /** Takes the node out of its domain; before its labels or its eligibility change. */
  leave(nodeIndex: number): void {
    const domain = this.domainAt(nodeIndex);
    if (domain === noDomain) return;
    this.#move(domain, -(this.#atNode.get(nodeIndex) ?? 0));
    if (--this.#nodesIn[domain]! > 0) return;
    this.#domainCount--;
    this.#file(this.#counts[domain]!, -1);
  }

  /** Puts the node into its domain; after its labels or its eligibility changed. */
  enter(nodeIndex: number): void {
    const domain = this.domainAt(nodeIndex);
    if (domain === noDomain) return;
    while (this.#counts.length <= domain) {
      this.#counts.push(0);
      this.#nodesIn.push(0);
    }
    if (this.#nodesIn[domain]!++ === 0) {
      this.#domainCount++;
      this.#file(this.#counts[domain]!, 1);
    }
    this.#move(domain, this.#atNode.get(nodeIndex) ?? 0);
  }

  #move(domain: number, change: number): void {
    if (change === 0) return;
    const before = this.#counts[domain]!;
    this.#counts[domain] = before + change;
    this.#total += change;
    this.#file(before + change, 1);
    this.#file(before, -1);
  }

  #file(count: number, change: 1 | -1): void {
    while (this.#domainsWith.length <= count) this.#domainsWith.push(0);
    this.#domainsWith[count]! += change;
    if (change === 1 && (count < this.#min || this.#domainCount === 1)) this.#min = count;
    else if (change === -1 && count === this.#min) {
      while (this.#min < this.#domainsWith.length - 1 && this.#domainsWith[this.#min] === 0) this.#min++;
    }
  }
}
