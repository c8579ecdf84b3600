/**
 * Chooses a cluster's addresses: the first of sixteen blocks that overlaps no route of the host and no other cluster. Pure.
 */
import ipaddr from 'ipaddr.js';
import type { NetworkBlock } from '../cluster-record.ts';

const blocks = 16;

/** Block number `index` (0–15): the first has the addresses that everyone knows from Kubernetes. */
export function addressBlock(index: number): NetworkBlock {
  return {
    nodeCidr: `10.200.${index}.0/24`,
    hostIp: `10.200.${index}.1`,
    podCidr: `10.${244 - index}.0.0/16`,
    serviceCidr: `10.${96 + index}.0.0/16`,
    apiServiceIp: `10.${96 + index}.0.1`,
    dnsServiceIp: `10.${96 + index}.0.10`,
  };
}

/**
 * The first free block; undefined when every one overlaps something in `taken` (CIDRs).
 * @param from where to begin, any whole number from 0
 */
export function chooseAddressBlock(taken: readonly string[], from = 0): NetworkBlock | undefined {
  for (let i = 0; i < blocks; i++) {
    const block = addressBlock((from + i) % blocks);
    const wanted = [block.nodeCidr, block.podCidr, block.serviceCidr];
    if (!wanted.some((cidr) => taken.some((other) => overlap(cidr, other)))) return block;
  }
  return undefined;
}

/** Address of node `index` (1 for the first) in the block; the host has the first address. */
export function nodeAddress(block: NetworkBlock, index: number): string {
  const octets = block.nodeCidr.split('/')[0]!.split('.');
  return [...octets.slice(0, 3), String(10 + index)].join('.');
}

/** True when two IPv4 CIDRs share an address. */
export function overlap(a: string, b: string): boolean {
  const [addressA, bitsA] = ipaddr.IPv4.parseCIDR(a);
  const [addressB, bitsB] = ipaddr.IPv4.parseCIDR(b);
  const bits = Math.min(bitsA, bitsB);
  return addressA.match(addressB, bits);
}

/** The destinations of `ip -j -4 route show table all` as CIDRs, without the default route. */
export function routedCidrs(routes: readonly { readonly dst?: string; readonly type?: string }[]): string[] {
  return routes.flatMap(({ dst, type }) => {
    if (!dst || dst === 'default' || type === 'multicast') return [];
    const cidr = dst.includes('/') ? dst : `${dst}/32`;
    return ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr) && !cidr.startsWith('0.0.0.0/') ? [cidr] : [];
  });
}
