/**
 * Which of the nodes' claims hold. A subnet, an address and a backend's identity belong to one node each; when two claim the same, the one
 * whose status has the address comes first, then the older. Our own node's are never given away. A change costs what it touches, not
 * what there is.
 */
import { cidrContains, type IpFamily, parseCidr } from '../../api/index.ts';
import type { Claim, Lease } from './node-claim.ts';

export class PeerTable {
  readonly #claims = new Map<string, Claim>();
  /** Who claims what: node names by token. */
  readonly #holders = new Map<string, Set<string>>();
  /** How many subnets there are of each size: while all have one size, equality is overlap. */
  readonly #sizes = new Map<string, number>();
  readonly #own: readonly Lease[];

  /** @param own what this node has itself */
  constructor(own: readonly Lease[]) {
    this.#own = own;
    for (const { family, subnet } of own) this.#count(family, subnet, 1);
  }

  /** @returns the names of all nodes whose claims may hold or fall by this, the node's own among them */
  set(node: string, claim: Claim | undefined): Set<string> {
    const affected = new Set([node]);
    const wasMixed = this.#mixed();
    for (const changed of [this.#claims.get(node), claim])
      for (const token of changed ? tokensOf(changed.leases) : []) this.#holders.get(token)?.forEach((name) => affected.add(name));
    this.#remove(node);
    if (claim) this.#add(claim);
    return wasMixed || this.#mixed() ? new Set([...affected, ...this.#claims.keys()]) : affected;
  }

  /** The node's leases when its claim holds; else why not. Undefined when it has none. */
  look(node: string): { readonly leases: readonly Lease[] } | { readonly reason: string } | undefined {
    const claim = this.#claims.get(node);
    if (!claim) return undefined;
    const own = new Set(tokensOf(this.#own));
    for (const token of tokensOf(claim.leases)) {
      if (own.has(token)) return { reason: `${token} is this node's own` };
      for (const name of this.#holders.get(token)!)
        if (name !== node && before(this.#claims.get(name)!, claim)) return { reason: `${token} is node ${name}'s` };
    }
    const over = this.#mixed() ? this.#overlapped(claim) : undefined;
    return over === undefined ? { leases: claim.leases } : { reason: over };
  }

  #overlapped(claim: Claim): string | undefined {
    const over = (leases: readonly Lease[]): boolean => leases.some((other) => claim.leases.some((lease) => overlap(lease, other)));
    if (over(this.#own)) return "its pod subnet overlaps this node's own";
    for (const other of this.#claims.values())
      if (other.node !== claim.node && before(other, claim) && over(other.leases)) return `its pod subnet overlaps node ${other.node}'s`;
    return undefined;
  }

  #add(claim: Claim): void {
    this.#claims.set(claim.node, claim);
    for (const token of tokensOf(claim.leases)) {
      const holders = this.#holders.get(token);
      if (holders) holders.add(claim.node);
      else this.#holders.set(token, new Set([claim.node]));
    }
    for (const { family, subnet } of claim.leases) this.#count(family, subnet, 1);
  }

  #remove(node: string): void {
    const claim = this.#claims.get(node);
    if (!claim) return;
    this.#claims.delete(node);
    for (const token of tokensOf(claim.leases)) {
      const holders = this.#holders.get(token)!;
      holders.delete(node);
      if (holders.size === 0) this.#holders.delete(token);
    }
    for (const { family, subnet } of claim.leases) this.#count(family, subnet, -1);
  }

  #count(family: IpFamily, subnet: string, by: number): void {
    const size = `${family}${subnet.slice(subnet.indexOf('/'))}`;
    const count = (this.#sizes.get(size) ?? 0) + by;
    if (count > 0) this.#sizes.set(size, count);
    else this.#sizes.delete(size);
  }

  #mixed(): boolean {
    const families = new Set([...this.#sizes.keys()].map((size) => size.slice(0, 4)));
    return this.#sizes.size > families.size;
  }
}

/** What belongs to one node, as it reads in a log line. */
function tokensOf(leases: readonly Lease[]): string[] {
  return [
    ...new Set(
      leases.flatMap(({ subnet, publicIp, id }) => [`pod subnet ${subnet}`, `address ${publicIp}`, ...(id ? [`identity ${id}`] : [])]),
    ),
  ];
}

/** Whether `a` has the better claim. */
function before(a: Claim, b: Claim): boolean {
  if (a.vouched !== b.vouched) return a.vouched;
  return a.createdAt === b.createdAt ? a.node < b.node : a.createdAt < b.createdAt;
}

function overlap(a: Lease, b: Lease): boolean {
  const [left, right] = [parseCidr(a.subnet)!, parseCidr(b.subnet)!];
  return cidrContains(left, right.address) || cidrContains(right, left.address);
}
