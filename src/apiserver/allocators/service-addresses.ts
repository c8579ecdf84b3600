/**
 * Cluster addresses of Services: ranges of both families, and one pool for all of them, because ranges may overlap. Addresses go by
 * their canonical text. Says in upstream's words why an address cannot be had.
 * @source kubernetes pkg/registry/core/service/ipallocator/{ipallocator,cidrallocator}.go, v1.35; KEP-1880
 */
import { cidrContains, type Cidr, cidrSize, formatIp, type IpFamily, networkOf, parseCidr, parseIp } from '../../api/index.ts';
import type { Random } from '../../base/index.ts';
import { type NumberRange, numbersOf, staticShare } from './number-range.ts';
import { Pool, type PoolOperation } from './pool.ts';

interface AddressRange extends NumberRange {
  readonly text: string;
  readonly cidr: Cidr;
}

export class ServiceAddresses {
  /** Addresses in canonical text. */
  readonly pool = new Pool<string>();
  /** The families that Services of this cluster can have, the one of those that name none first. */
  readonly families: readonly IpFamily[];
  readonly #random: Random;
  /** From which addresses are given, the smallest range first. */
  #ranges: readonly AddressRange[] = [];

  /**
   * @param options.cidrs `--service-cluster-ip-range`: one range, or one of each family
   * @throws RangeError when they are not that, or one is too small or too large
   */
  constructor(options: { readonly cidrs: readonly string[]; readonly random: Random }) {
    const faults = serviceRangeFaults(options.cidrs);
    if (faults.length > 0) throw new RangeError(faults.join('; '));
    this.#random = options.random;
    this.families = options.cidrs.map((text) => rangeOf(text).cidr.address.family);
    this.useRanges(options.cidrs);
  }

  /** @throws RangeError when one is no range that can give addresses; then the old ones stay */
  useRanges(cidrs: readonly string[]): void {
    const ranges = [...new Set(cidrs)].map(rangeOf);
    this.#ranges = ranges.toSorted((a, b) => b.cidr.prefixLength - a.cidr.prefixLength);
  }

  /** Takes an address; what stands in the way, or undefined when it is taken now. */
  take(address: string, operation: PoolOperation<string>): string | undefined {
    const parsed = parseIp(address);
    const range = parsed && this.#ranges.find(({ cidr }) => cidrContains(cidr, parsed));
    if (!range) return 'the provided network does not match the current range';
    if (parsed.value < range.first || parsed.value > range.last) {
      return `the provided IP (${formatIp(parsed)}) is not in the valid range. The range of valid IPs is ${range.text}`;
    }
    return operation.take(formatIp(parsed)) ? undefined : 'provided IP is already allocated';
  }

  /** Takes any free address of a family, of the largest range that has one; undefined when every range is full. */
  takeNext(family: IpFamily, operation: PoolOperation<string>): string | undefined {
    for (const range of this.#ranges.toReversed()) {
      if (range.cidr.address.family !== family) continue;
      const address = operation.takeAny(numbersOf(range, this.#random).map((value) => formatIp({ family, value })));
      if (address !== undefined) return address;
    }
    return undefined;
  }

  hold(address: string, holder: string): void {
    this.pool.hold(canonicalAddress(address), holder);
  }

  unhold(address: string, holder: string): void {
    this.pool.unhold(canonicalAddress(address), holder);
  }

  /** Whether a range gives this address. */
  contains(address: string): boolean {
    const parsed = parseIp(address);
    return parsed !== undefined && this.#ranges.some((range) => holdsAddress(range, parsed.value) && cidrContains(range.cidr, parsed));
  }

  holders(address: string): ReadonlySet<string> {
    return this.pool.holders(canonicalAddress(address));
  }
}

/** An address as the pool knows it: two ways of writing one are the same. What is no address stays as it is. */
export function canonicalAddress(text: string): string {
  const parsed = parseIp(text);
  return parsed ? formatIp(parsed) : text;
}

/**
 * The first address of a range: that of the Service `default/kubernetes`.
 * @throws RangeError when `cidr` is no range that can give addresses
 */
export function firstServiceAddress(cidr: string): string {
  const range = rangeOf(cidr);
  return formatIp({ family: range.cidr.address.family, value: range.first });
}

/** What is wrong with the ranges that a cluster is configured with; empty when nothing is. @source cmd/kube-apiserver/app/options/validation.go */
export function serviceRangeFaults(cidrs: readonly string[]): string[] {
  const flag = '--service-cluster-ip-range';
  if (cidrs.length === 0) return [`${flag} must contain at least one valid cidr`];
  if (cidrs.length > 2) return [`${flag} must not contain more than two entries`];
  const faults = cidrs.flatMap((text) => rangeFault(text) ?? []);
  if (faults.length > 0) return faults;
  const [primary, secondary] = cidrs.map((text) => parseCidr(text)!.address.family);
  return primary === secondary ? [`${flag}[0] and ${flag}[1] must be of different IP family`] : [];
}

/** Why no addresses can be given from this text; undefined when they can. */
export function rangeFault(text: string): string | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return `service range ${JSON.stringify(text)} is not a CIDR`;
  if (cidrSize(cidr) < 4n) return `service range ${text} is too small: it needs at least four addresses`;
  if (cidr.address.family === 'IPv6' && cidr.prefixLength < 64) {
    return `shortest allowed prefix length for service CIDR is 64, got ${cidr.prefixLength}`;
  }
  return undefined;
}

function rangeOf(text: string): AddressRange {
  const fault = rangeFault(text);
  const cidr = parseCidr(text);
  if (fault !== undefined || !cidr) throw new RangeError(fault);
  const size = cidrSize(cidr);
  const network = networkOf(cidr).value;
  const first = network + 1n;
  return {
    text,
    cidr,
    first,
    firstDynamic: first + staticShare(size, { min: 16n, max: 256n, step: 16n }),
    // Only IPv4 has an address of all hosts at the end.
    last: network + size - (cidr.address.family === 'IPv4' ? 2n : 1n),
  };
}

function holdsAddress({ first, last }: NumberRange, value: bigint): boolean {
  return value >= first && value <= last;
}
