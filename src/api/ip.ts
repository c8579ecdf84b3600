/**
 * IP addresses and CIDR ranges as the API reads them: Go's parser of old, which takes leading zeros in IPv4 as decimal, and the
 * warnings about texts that later releases will refuse. Per-object code: numbers for IPv4, BigInt for IPv6.
 * @source k8s.io/utils/net ParseIPSloppy; apimachinery pkg/util/validation/ip.go, v1.35
 */
import type { FieldError } from './errors.ts';
import { invalidValue } from './field-errors.ts';
import { goQuote } from './go-text.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** An address as a number of 32 or 128 bits. IPv4-mapped IPv6 (`::ffff:1.2.3.4`) is IPv4, as in Go. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** A range: the address as written, and how many of its leading bits are fixed. */
export interface Cidr {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

const bitsOf = (family: IpFamily): number => (family === 'IPv4' ? 32 : 128);

/** Undefined when the text is no address. */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const value = parseV4(text);
    return value === undefined ? undefined : { family: 'IPv4', value };
  }
  const value = parseV6(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { family: 'IPv4', value: value & 0xffffffffn } : { family: 'IPv6', value };
}

export function ipFamilyOf(text: string): IpFamily | undefined {
  return parseIp(text)?.family;
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIp({ family, value }: IpAddress): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const { start, length } = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** Undefined when the text is no range. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!address || !/^[0-9]{1,3}$/.test(digits)) return undefined;
  const mapped = address.family === 'IPv4' && text.includes(':');
  const prefixLength = Number(digits) - (mapped ? 96 : 0);
  return prefixLength >= 0 && prefixLength <= bitsOf(address.family) ? { address, prefixLength } : undefined;
}

/** The first address of a range. */
export function networkOf({ address, prefixLength }: Cidr): IpAddress {
  const host = BigInt(bitsOf(address.family) - prefixLength);
  return { family: address.family, value: (address.value >> host) << host };
}

/** The range in canonical text, host bits cleared. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(networkOf(cidr))}/${cidr.prefixLength}`;
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.address.family !== address.family) return false;
  const host = BigInt(bitsOf(address.family) - cidr.prefixLength);
  return cidr.address.value >> host === address.value >> host;
}

/** How many addresses a range has. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(bitsOf(cidr.address.family) - cidr.prefixLength);
}

/** The address `offset` places after the start of a range. */
export function addressAt(cidr: Cidr, offset: bigint): IpAddress {
  const { family, value } = networkOf(cidr);
  return { family, value: value + offset };
}

export function isLoopback({ family, value }: IpAddress): boolean {
  return family === 'IPv4' ? value >> 24n === 127n : value === 1n;
}

export function isUnspecified({ value }: IpAddress): boolean {
  return value === 0n;
}

export function isLinkLocalUnicast({ family, value }: IpAddress): boolean {
  return family === 'IPv4' ? value >> 16n === 0xa9fen : value >> 118n === 0x3fan;
}

export function isLinkLocalMulticast({ family, value }: IpAddress): boolean {
  return family === 'IPv4' ? value >> 8n === 0xe00000n : value >> 120n === 0xffn && ((value >> 112n) & 0xfn) === 2n;
}

/** What is wrong with an address field. */
export function ipErrors(path: string, value: string): FieldError[] {
  return parseIp(value) ? [] : [invalidValue(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

/** What is wrong with a range field. */
export function cidrErrors(path: string, value: string): FieldError[] {
  return parseCidr(value) ? [] : [invalidValue(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

/** Warnings about an address that is accepted but not in standard form. */
export function ipWarnings(path: string, value: string): string[] {
  const address = parseIp(value ?? '');
  if (!address) return [];
  const canonical = formatIp(address);
  if (canonical === value) return [];
  return address.family === 'IPv4'
    ? [
        `${path}: non-standard IP address ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(canonical)}`,
      ]
    : [`${path}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
}

/** The same for a range, also about bits set after the prefix. */
export function cidrWarnings(path: string, value: string): string[] {
  const cidr = parseCidr(value);
  if (!cidr) return [];
  const canonical = formatCidr(cidr);
  const warnings: string[] = [];
  if (networkOf(cidr).value !== cidr.address.value) {
    const single = `${formatIp(cidr.address)}/${bitsOf(cidr.address.family)}`;
    warnings.push(
      `${path}: CIDR value ${goQuote(value)} is ambiguous in this context (should be ${goQuote(canonical)} or ${goQuote(single)}?)`,
    );
  }
  const written = value.slice(0, value.indexOf('/'));
  const leadingZeros = /\/0[0-9]/.test(value);
  if ((cidr.address.family === 'IPv4' && formatIp(cidr.address) !== written) || leadingZeros) {
    warnings.push(
      `${path}: non-standard CIDR value ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(canonical)}`,
    );
  }
  if (warnings.length === 0 && canonical !== value) {
    warnings.push(`${path}: IPv6 CIDR value ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`);
  }
  return warnings;
}

function parseV4(text: string): bigint | undefined {
  const match = /^([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text);
  if (!match) return undefined;
  let value = 0n;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return undefined;
    value = (value << 8n) | BigInt(octet);
  }
  return value;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, i) => (half === '' && halves.length === 2 ? [] : parseGroups(half, i === halves.length - 1)));
  const [head, tail = []] = groups;
  if (!head || !groups.every((part) => part !== undefined)) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Groups of 16 bits; the last may be written as an IPv4 address. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}
