/**
 * Cluster addresses of Services: one IPv4 range, an address for each Service that has one. Says in upstream's words why an
 * address cannot be had.
 * @source kubernetes pkg/registry/core/service/ipallocator
 */
import { cidrSize, formatIp, networkOf, parseCidr, parseIp } from '../../api/index.ts';
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
    const { network, size } = rangeOf(options.cidr);
    this.cidr = options.cidr;
    this.#network = network;
    this.#broadcast = network + size - 1;
    this.pool = new NumberPool({
      first: network + 1,
      last: network + size - 2,
      reservedForStatic: staticShare(size, { min: 16, max: 256, step: 16 }),
      random: options.random,
    });
  }

  /** Takes an IPv4 address; what stands in the way, or undefined when it is taken now. */
  take(address: string, operation: PoolOperation): string | undefined {
    const number = numberOf(address);
    if (number === undefined || number < this.#network || number > this.#broadcast) {
      return 'the provided network does not match the current range';
    }
    if (!this.pool.contains(number))
      return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${this.cidr}`;
    return operation.take(number) ? undefined : 'provided IP is already allocated';
  }

  /** Takes any free address, undefined when the range is full. */
  takeNext(operation: PoolOperation): string | undefined {
    const number = operation.takeNext();
    return number === undefined ? undefined : textOf(number);
  }

  hold(address: string, holder: string): void {
    const number = numberOf(address);
    if (number !== undefined) this.pool.hold(number, holder);
  }

  unhold(address: string, holder: string): void {
    const number = numberOf(address);
    if (number !== undefined) this.pool.unhold(number, holder);
  }

  contains(address: string): boolean {
    const number = numberOf(address);
    return number !== undefined && this.pool.contains(number);
  }

  holders(address: string): ReadonlySet<string> {
    const number = numberOf(address);
    return number === undefined ? new Set() : this.pool.holders(number);
  }
}

/**
 * The first address of a range: that of the Service `default/kubernetes`.
 * @throws RangeError when `cidr` is no IPv4 range of at least four addresses
 */
export function firstServiceAddress(cidr: string): string {
  return textOf(rangeOf(cidr).network + 1);
}

function rangeOf(text: string): { readonly network: number; readonly size: number } {
  const cidr = parseCidr(text);
  if (cidr?.address.family !== 'IPv4') throw new RangeError(`service range ${JSON.stringify(text)} is not an IPv4 CIDR`);
  const size = Number(cidrSize(cidr));
  if (size < 4) throw new RangeError(`service range ${text} is too small: it needs at least four addresses (/30)`);
  return { network: Number(networkOf(cidr).value), size };
}

/** An IPv4 address as the pool counts; undefined for anything else. */
function numberOf(address: string): number | undefined {
  const parsed = parseIp(address);
  return parsed?.family === 'IPv4' ? Number(parsed.value) : undefined;
}

function textOf(number: number): string {
  return formatIp({ family: 'IPv4', value: BigInt(number) });
}
