/**
 * The domains that one node label makes: nodes with the same value are one domain. Values get small numbers, so that counts by domain stand
 * in arrays; a number is given again when the last node of its domain has gone.
 */
import type { NodeInfo } from '../../framework/index.ts';

/** The node has no such label. */
export const noDomain = -1;

export class TopologyDomains {
  readonly key: string;
  readonly #numbers = new Map<string, number>();
  readonly #values: string[] = [];
  readonly #nodeCounts: number[] = [];
  readonly #free: number[] = [];
  /** By `NodeInfo.index`. */
  readonly #ofNode: number[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** The domain of a node, by its index; {@link noDomain} for none. */
  of(nodeIndex: number): number {
    return this.#ofNode[nodeIndex] ?? noDomain;
  }

  /** Every domain's number is below this. */
  get capacity(): number {
    return this.#values.length;
  }

  valueOf(domain: number): string {
    return this.#values[domain]!;
  }

  /** Reads the node's label (anew); undefined when the node goes. */
  assign(nodeIndex: number, node: NodeInfo | undefined): void {
    const before = this.of(nodeIndex);
    const value = node?.labels && Object.hasOwn(node.labels, this.key) ? node.labels[this.key] : undefined;
    if (before !== noDomain && this.#values[before] === value) return;
    this.#ofNode[nodeIndex] = value === undefined ? noDomain : this.#enter(value);
    if (before !== noDomain) this.#leave(before);
  }

  #enter(value: string): number {
    let domain = this.#numbers.get(value);
    if (domain === undefined) {
      domain = this.#free.pop() ?? this.#values.length;
      this.#numbers.set(value, domain);
      this.#values[domain] = value;
      this.#nodeCounts[domain] = 0;
    }
    this.#nodeCounts[domain]!++;
    return domain;
  }

  #leave(domain: number): void {
    if (--this.#nodeCounts[domain]! > 0) return;
    this.#numbers.delete(this.#values[domain]!);
    this.#free.push(domain);
  }
}
