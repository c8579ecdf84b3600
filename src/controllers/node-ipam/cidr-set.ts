/** Cuts a cluster's address range into equal ranges for nodes and remembers which are taken. Pure but for its memory. */
import { addressAt, type Cidr, cidrContains, cidrSize, formatCidr, networkOf, parseCidr } from '../../api/index.ts';
import { assert } from '../../base/index.ts';

export class CidrSet {
  readonly #cluster: Cidr;
  readonly #maskLength: number;
  readonly #taken = new Set<number>();
  readonly #count: number;
  /** Where the search goes on, so that a range just freed is not the next to be given. */
  #next = 0;

  /** @throws AssertionError when the range is none or smaller than one node's */
  constructor(cluster: string, maskLength: number) {
    const cidr = parseCidr(cluster);
    assert(cidr, `${cluster} is not an address range`);
    assert(maskLength >= cidr.prefixLength, `a node's range (/${maskLength}) is larger than the cluster's (${cluster})`);
    this.#cluster = { ...cidr, address: networkOf(cidr) };
    this.#maskLength = maskLength;
    // Upstream's limit of 65,536 nodes.
    this.#count = 2 ** Math.min(maskLength - cidr.prefixLength, 16);
  }

  get family(): string {
    return this.#cluster.address.family;
  }

  /** Undefined when every range is taken. */
  allocate(): string | undefined {
    for (let tried = 0; tried < this.#count; tried++) {
      const index = (this.#next + tried) % this.#count;
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      this.#next = (index + 1) % this.#count;
      return formatCidr(this.#at(index));
    }
    return undefined;
  }

  /** Marks the range as taken; false when it is not one of this set's. */
  occupy(text: string): boolean {
    const index = this.#indexOf(text);
    if (index !== undefined) this.#taken.add(index);
    return index !== undefined;
  }

  release(text: string): void {
    const index = this.#indexOf(text);
    if (index !== undefined) this.#taken.delete(index);
  }

  #at(index: number): Cidr {
    const size = cidrSize({ ...this.#cluster, prefixLength: this.#maskLength });
    return { address: addressAt(this.#cluster, BigInt(index) * size), prefixLength: this.#maskLength };
  }

  #indexOf(text: string): number | undefined {
    const cidr = parseCidr(text);
    if (!cidr || cidr.address.family !== this.family || !cidrContains(this.#cluster, cidr.address)) return undefined;
    const offset = cidr.address.value - this.#cluster.address.value;
    return Number(offset / cidrSize({ ...this.#cluster, prefixLength: this.#maskLength }));
  }
}
