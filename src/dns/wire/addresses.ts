/** IP addresses as the bytes of records, and as the names under which they are looked up backwards. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** 4 or 16 bytes; undefined for no address. */
export function addressBytes(ip: string): Uint8Array | undefined {
  const family = isIP(ip);
  if (family === 0) return undefined;
  if (family === 4) return Uint8Array.from(ip.split('.'), Number);
  return Uint8Array.from(ipaddr.IPv6.parse(ip).toByteArray());
}

/** The address written in its one short form, by which two spellings are one; undefined for no address. */
export function canonicalAddress(ip: string): string | undefined {
  const family = isIP(ip);
  if (family === 0) return undefined;
  return family === 4 ? ip : ipaddr.IPv6.parse(ip).toRFC5952String();
}

/** `10.0.96.10.in-addr.arpa` → `10.96.0.10`, and the same for `ip6.arpa`; undefined for other names. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const ip = name.slice(0, -'.in-addr.arpa'.length).split('.').toReversed().join('.');
    return isIP(ip) === 4 ? ip : undefined;
  }
  if (!name.endsWith('.ip6.arpa')) return undefined;
  const digits = name.slice(0, -'.ip6.arpa'.length).split('.').toReversed();
  if (digits.length !== 32 || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  return canonicalAddress(digits.join('').match(/.{4}/g)!.join(':'));
}

/** `10.96.0.10` → `10.0.96.10.in-addr.arpa`, and the same for IPv6; undefined for no address. */
export function reverseName(ip: string): string | undefined {
  const bytes = addressBytes(ip);
  if (!bytes) return undefined;
  if (bytes.length === 4) return `${[...bytes].toReversed().join('.')}.in-addr.arpa`;
  return `${bytes.toHex().split('').toReversed().join('.')}.ip6.arpa`;
}
