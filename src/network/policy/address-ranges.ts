/** The addresses of an ipBlock without its exceptions, as ranges that do not overlap. Pure. */
import { addressAt, type Cidr, cidrSize, formatIp, type IpFamily, networkOf, parseCidr } from '../../api/index.ts';

export interface AddressRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** @returns undefined when the block cannot be read; an exception that cannot be read excludes nothing */
export function blockRanges(block: { readonly cidr: string; readonly except?: readonly string[] }): readonly AddressRange[] | undefined {
  const whole = rangeOf(block.cidr);
  if (!whole) return undefined;
  let ranges: AddressRange[] = [whole];
  for (const text of block.except ?? []) {
    const hole = rangeOf(text);
    if (hole?.family === whole.family) ranges = ranges.flatMap((range) => without(range, hole));
  }
  return ranges;
}

/** As an element of an nft set. */
export function formatRange({ family, first, last }: AddressRange): string {
  const start = formatIp({ family, value: first });
  return first === last ? start : `${start}-${formatIp({ family, value: last })}`;
}

function rangeOf(text: string): AddressRange | undefined {
  const cidr: Cidr | undefined = parseCidr(text);
  if (!cidr) return undefined;
  return {
    family: cidr.address.family,
    first: networkOf(cidr).value,
    last: addressAt(cidr, cidrSize(cidr) - 1n).value,
  };
}

function without(range: AddressRange, hole: AddressRange): AddressRange[] {
  if (hole.last < range.first || hole.first > range.last) return [range];
  const left: AddressRange[] = [];
  if (hole.first > range.first) left.push({ ...range, last: hole.first - 1n });
  if (hole.last < range.last) left.push({ ...range, first: hole.last + 1n });
  return left;
}
