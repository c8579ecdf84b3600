/**
 * Cluster addresses of Services: ranges, and one pool of numbers for all of them, because ranges may overlap. Says in upstream's
 * words why an address cannot be had.
 * @source kubernetes pkg/registry/core/service/ipallocator, KEP-1880
 */
import { cidrSize, formatIp, networkOf, parseCidr, parseIp } from '../../api/index.ts';
import type { Random } from '../../base/index.ts';
import { NumberPool, type PoolOperation, type PoolPart, staticShare } from './number-pool.ts';

/** Every IPv4 address: which of them may be taken, the ranges say. */
const lastNumber = 2 ** 32 - 1;

interface AddressRange extends PoolPart {
  readonly cidr: string;
  readonly network: number;
  readonly broadcast: number;
}

export class ServiceAddresses {
  readonly pool: NumberPool;
  /** From which addresses are given, the smallest range first. */
  #ranges: readonly AddressRange[] = [];

  /** @throws RangeError when `cidr` is no IPv4 range of at least four addresses */
  constructor(options: { readonly cidr: string; readonly random: Random }) {
    this.pool = new NumberPool({ first: 0, last: lastNumber, reservedForStatic: 0, random: options.random });
    this.useRanges([options.cidr]);
  }

  /** @throws RangeError when one is no IPv4 range of at least four addresses; then the old ones stay */
  useRanges(cidrs: readonly string[]): void {
    const ranges = [...new Set(cidrs)].map(rangeOf);
    this.#ranges = ranges.sort((a, b) => a.broadcast - a.network - (b.broadcast - b.network));
  }

  /** Takes an IPv4 address; what stands in the way, or undefined when it is taken now. */
  take(address: string, operation: PoolOperation): string | undefined {
    const number = numberOf(address);
    const range = number === undefined ? undefined : this.#ranges.find((one) => number >= one.network && number <= one.broadcast);
    if (number === undefined || !range) return 'the provided network does not match the current range';
    if (number < range.first || number > range.last) {
      return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${range.cidr}`;
    }
    return operation.take(number) ? undefined : 'provided IP is already allocated';
  }

  /** Takes any free address, undefined when every range is full. */
  takeNext(operation: PoolOperation): string | undefined {
    for (const range of this.#ranges.toReversed()) {
      const number = operation.takeNext(range);
      if (number !== undefined) return textOf(number);
    }
    return undefined;
  }

  hold(address: string, holder: string): void {
    const number = numberOf(address);
    if (number !== undefined) this.pool.hold(number, holder);
  }

  unhold(address: string, holder: string): void {
    const number = numberOf(address);
    if (number !== undefined) this.pool.unhold(number, holder);
  }

  /** Whether a range gives this address. */
  contains(address: string): boolean {
    const number = numberOf(address);
    return number !== undefined && this.#ranges.some(({ first, last }) => number >= first && number <= last);
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
  return textOf(rangeOf(cidr).first);
}

function rangeOf(text: string): AddressRange {
  const cidr = parseCidr(text);
  if (cidr?.address.family !== 'IPv4') throw new RangeError(`service range ${JSON.stringify(text)} is not an IPv4 CIDR`);
  const size = Number(cidrSize(cidr));
  if (size < 4) throw new RangeError(`service range ${text} is too small: it needs at least four addresses (/30)`);
  const network = Number(networkOf(cidr).value);
  const first = network + 1;
  return {
    cidr: text,
    network,
    broadcast: network + size - 1,
    first,
    firstDynamic: first + staticShare(size, { min: 16, max: 256, step: 16 }),
    last: network + size - 2,
  };
}

/** An IPv4 address as the pool counts; undefined for anything else. */
function numberOf(address: string): number | undefined {
  const parsed = parseIp(address);
  return parsed?.family === 'IPv4' ? Number(parsed.value) : undefined;
}

function textOf(number: number): string {
  return formatIp({ family: 'IPv4', value: BigInt(number) });
}
