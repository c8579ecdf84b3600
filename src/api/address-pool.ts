/**
 * A pool of addresses for load balancers, as a user writes it: `10.0.0.240-10.0.0.250,10.1.0.0/28,fd00::/120`. The controller gives
 * addresses out of it, nodes answer for them. Pure.
 */
import { addressAt, type Cidr, cidrSize, formatIp, type IpAddress, type IpFamily, networkOf, parseCidr, parseIp } from './ip.ts';

/** Addresses from `first` to `last`, both in it. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

export interface AddressPool {
  readonly ranges: readonly AddressRange[];
  /** Texts that are no range. */
  readonly invalid: readonly string[];
}

export function parseAddressPool(text: string): AddressPool {
  const ranges: AddressRange[] = [];
  const invalid: string[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const range = parseRange(part);
    if (range) ranges.push(range);
    else invalid.push(part);
  }
  return { ranges, invalid };
}

export function poolContains(pool: AddressPool, { family, value }: IpAddress): boolean {
  return pool.ranges.some((range) => range.family === family && range.first <= value && value <= range.last);
}

/** The lowest address of a family that `isFree` takes, in the order of the ranges; costs what is taken, however large a range is. */
export function firstFree(pool: AddressPool, family: IpFamily, isFree: (ip: string) => boolean): string | undefined {
  for (const range of pool.ranges) {
    if (range.family !== family) continue;
    for (let value = range.first; value <= range.last; value++) {
      const ip = formatIp({ family, value });
      if (isFree(ip)) return ip;
    }
  }
  return undefined;
}

/** The fewest CIDRs that hold exactly the addresses of a range, in their order. */
export function cidrsOf({ family, first, last }: AddressRange): Cidr[] {
  const bits = family === 'IPv4' ? 32 : 128;
  const cidrs: Cidr[] = [];
  for (let value = first; value <= last;) {
    let hostBits = 0;
    // Twice as many, as long as they begin at a multiple of their number and do not reach beyond the end.
    while (hostBits < bits && value % (2n << BigInt(hostBits)) === 0n && value + (2n << BigInt(hostBits)) - 1n <= last) hostBits++;
    cidrs.push({ address: { family, value }, prefixLength: bits - hostBits });
    value += 1n << BigInt(hostBits);
  }
  return cidrs;
}

function parseRange(text: string): AddressRange | undefined {
  const cidr = parseCidr(text);
  if (cidr) return { family: cidr.address.family, first: networkOf(cidr).value, last: addressAt(cidr, cidrSize(cidr) - 1n).value };
  const [from = '', to = from, ...more] = text.split('-');
  const [first, last] = [parseIp(from.trim()), parseIp(to.trim())];
  if (!first || !last || more.length > 0 || first.family !== last.family || first.value > last.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}
