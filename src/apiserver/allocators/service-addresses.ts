/**
 * Cluster addresses of Services: one IPv4 range, an address for each Service that has one. Says in upstream's words why an
 * address cannot be had.
 * @source kubernetes pkg/registry/core/service/ipallocator
 */
import ipaddr from 'ipaddr.js';
import type { Random } from '../../base/index.ts';
import { NumberPool, type PoolOperation, staticShare } from './number-pool.ts';

export class ServiceAddresses {
  /** The range as configured, such as `10.96.0.0/12`. */
  readonly cidr: string;
  readonly pool: NumberPool;
  readonly #network: number;
  readonly #broadcast: number;

  /** @throws RangeError when `cidr` is no IPv4 range of at least four addresses */
  constructor(options: { readonly cidr: string; readonly random: Random }) {
    const { network, broadcast } = rangeOf(options.cidr);
    this.cidr = options.cidr;
    this.#network = network;
    this.#broadcast = broadcast;
    this.pool = new NumberPool({
      first: network + 1,
      last: broadcast - 1,
      reservedForStatic: staticShare(broadcast - network + 1, { min: 16, max: 256, step: 16 }),
      random: options.random,
    });
  }

  /** Takes an IPv4 address; what stands in the way, or undefined when it is taken now. */
  take(address: string, operation: PoolOperation): string | undefined {
    const number = parse(address);
    if (number < this.#network || number > this.#broadcast) return 'the provided network does not match the current range';
    if (!this.pool.contains(number))
      return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${this.cidr}`;
    return operation.take(number) ? undefined : 'provided IP is already allocated';
  }

  /** Takes any free address, undefined when the range is full. */
  takeNext(operation: PoolOperation): string | undefined {
    const number = operation.takeNext();
    return number === undefined ? undefined : toText(number);
  }

  hold(address: string, holder: string): void {
    if (isIPv4(address)) this.pool.hold(parse(address), holder);
  }

  unhold(address: string, holder: string): void {
    if (isIPv4(address)) this.pool.unhold(parse(address), holder);
  }

  contains(address: string): boolean {
    return isIPv4(address) && this.pool.contains(parse(address));
  }

  holders(address: string): ReadonlySet<string> {
    return isIPv4(address) ? this.pool.holders(parse(address)) : new Set();
  }
}

/**
 * The first address of a range: that of the Service `default/kubernetes`.
 * @throws RangeError when `cidr` is no IPv4 range of at least four addresses
 */
export function firstServiceAddress(cidr: string): string {
  return toText(rangeOf(cidr).network + 1);
}

function rangeOf(cidr: string): { readonly network: number; readonly broadcast: number } {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr)) throw new RangeError(`service range ${JSON.stringify(cidr)} is not an IPv4 CIDR`);
  const [, bits] = ipaddr.IPv4.parseCIDR(cidr);
  if (bits > 30) throw new RangeError(`service range ${cidr} is too small: it needs at least four addresses (/30)`);
  return {
    network: toNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr).octets),
    broadcast: toNumber(ipaddr.IPv4.broadcastAddressFromCIDR(cidr).octets),
  };
}

/** Four decimal parts, as the API takes them. */
export function isIPv4(address: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address);
}

export function isIPv6(address: string): boolean {
  return ipaddr.IPv6.isValid(address);
}

function parse(address: string): number {
  return toNumber(ipaddr.IPv4.parse(address).octets);
}

function toNumber(octets: readonly number[]): number {
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}
