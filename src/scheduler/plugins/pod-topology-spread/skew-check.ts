/**
 * Whether one more pod in a domain keeps within a hard constraint, while pods are put on nodes and taken off for the sake of trying
 * (preemption, nominated pods): the index stays as it is, the differences stand here.
 */
import type { NodeInfo, PodInfo } from '../../framework/index.ts';
import type { PodCounter } from '../topology/pod-counter.ts';
import { noDomain } from '../topology/topology-domains.ts';
import type { SpreadConstraint } from './constraint.ts';

export class SkewCheck {
  readonly constraint: SpreadConstraint;
  readonly counter: PodCounter;
  /** 1 when the pod counts for its own constraint. */
  readonly #self: 0 | 1;
  /** Domain → how many more (or fewer) than in the index. */
  readonly #differences = new Map<number, number>();

  constructor(constraint: SpreadConstraint, counter: PodCounter, matchesSelf: boolean) {
    this.constraint = constraint;
    this.counter = counter;
    this.#self = matchesSelf ? 1 : 0;
  }

  /** Another pod was put on (or taken off) a node. */
  change(pod: PodInfo, node: NodeInfo, change: 1 | -1): void {
    if (!this.counter.matcher.matches(pod)) return;
    const domain = this.counter.tally.domainAt(node.index);
    if (domain === noDomain) return;
    const difference = (this.#differences.get(domain) ?? 0) + change;
    if (difference === 0) this.#differences.delete(domain);
    else this.#differences.set(domain, difference);
  }

  /** How far above the least domain the node's would be with the pod; undefined when the node has no such domain. */
  skewAt(node: NodeInfo): number | undefined {
    const { tally } = this.counter;
    const domain = tally.domains.of(node.index);
    if (domain === noDomain) return undefined;
    const count = tally.count(domain) + (this.#differences.get(domain) ?? 0);
    return count + this.#self - this.#least();
  }

  /** With fewer domains than asked for, those that are missing count as empty. */
  #least(): number {
    const { tally } = this.counter;
    if (tally.domainCount < this.constraint.minDomains) return 0;
    if (this.#differences.size === 0) return tally.min;
    const shifted = new Map<number, number>();
    let least = tally.min;
    for (const [domain, difference] of this.#differences) {
      const before = tally.count(domain);
      shifted.set(before, (shifted.get(before) ?? 0) - 1);
      shifted.set(before + difference, (shifted.get(before + difference) ?? 0) + 1);
      least = Math.min(least, before + difference);
    }
    while (tally.domainsWith(least) + (shifted.get(least) ?? 0) <= 0) least++;
    return least;
  }
}
