/** Cuts a cluster's address range into equal ranges for nodes and remembers which are taken. Pure but for its memory. */
import { addressAt, type Cidr, cidrSize, formatCidr, networkOf, parseCidr } from '../../api/index.ts';
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

  /** The range of the cluster. */
  get cidr(): string {
    return formatCidr(this.#cluster);
  }

  /** How many ranges there are, and how many of them are taken. */
  get usage(): { readonly taken: number; readonly all: number } {
    return { taken: this.#taken.size, all: this.#count };
  }

  /** Undefined when every range is taken. `tries`: how many taken ones were passed. */
  allocate(): { readonly cidr: string; readonly tries: number } | undefined {
    for (let tries = 0; tries < this.#count; tries++) {
      const index = (this.#next + tries) % this.#count;
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      this.#next = (index + 1) % this.#count;
      return { cidr: formatCidr(this.#at(index)), tries };
    }
    return undefined;
  }

  /** Marks everything that the range covers as taken; returns how many ranges were free, undefined when none is of this set. */
  occupy(text: string): number | undefined {
    return this.#each(text, (index) => !this.#taken.has(index) && this.#taken.add(index).has(index));
  }

  /** Frees everything that the range covers; returns how many ranges were taken, undefined when none is of this set. */
  release(text: string): number | undefined {
    return this.#each(text, (index) => this.#taken.delete(index));
  }

  #each(text: string, change: (index: number) => boolean): number | undefined {
    const span = this.#spanOf(text);
    if (!span) return undefined;
    let changed = 0;
    for (let index = span.first; index <= span.last; index++) if (change(index)) changed++;
    return changed;
  }

  #at(index: number): Cidr {
    const size = cidrSize({ ...this.#cluster, prefixLength: this.#maskLength });
    return { address: addressAt(this.#cluster, BigInt(index) * size), prefixLength: this.#maskLength };
  }

  /** The first and the last of the ranges that share addresses with this one. */
  #spanOf(text: string): { readonly first: number; readonly last: number } | undefined {
    const cidr = parseCidr(text);
    if (!cidr || cidr.address.family !== this.family) return undefined;
    const size = cidrSize({ ...this.#cluster, prefixLength: this.#maskLength });
    const offset = networkOf(cidr).value - this.#cluster.address.value;
    const [first, last] = [floor(offset, size), floor(offset + cidrSize(cidr) - 1n, size)];
    if (last < 0n || first >= BigInt(this.#count)) return undefined;
    return { first: Number(first < 0n ? 0n : first), last: Math.min(Number(last), this.#count - 1) };
  }
}

/** BigInt division rounds towards zero. */
function floor(value: bigint, by: bigint): bigint {
  return value < 0n ? -1n : value / by;
}
