/**
 * Chooses a cluster's IPv6 addresses, where it has any: a /48 of its own in fd00::/8, where nobody on the machine or behind it is. Pure.
 * @source RFC 4193 (the forty bits after `fd` are to be everyone's own)
 */
import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Ipv6Block } from '../cluster-record.ts';

const attempts = 16;

/**
 * The block of a cluster; the same each time while nothing is in its way. Undefined when every one that is tried overlaps something in
 * `taken` (CIDRs).
 * @param nodeCidr the cluster's IPv4 node network, which no other cluster of the machine has
 */
export function chooseIpv6Block(cluster: string, nodeCidr: string, taken: readonly string[] = []): Ipv6Block | undefined {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const prefix = prefixOf(`${cluster} ${nodeCidr} ${attempt}`);
    if (!taken.some((cidr) => overlapIpv6(cidr, `${prefix}::/48`))) return blockAt(prefix);
  }
  return undefined;
}

/** The parts of a /48. A node has a /64 of the pods' range, which is for 256 nodes. */
function blockAt(prefix: string): Ipv6Block {
  return { nodeCidr: `${prefix}::/64`, hostIp: `${prefix}::1`, podCidr: `${prefix}:100::/56`, serviceCidr: `${prefix}:96::/112` };
}

function prefixOf(seed: string): string {
  const id = createHash('sha256').update(seed).digest('hex').slice(0, 10);
  // As it is printed everywhere: groups without leading zeros.
  const groups = [`fd${id.slice(0, 2)}`, id.slice(2, 6), id.slice(6, 10)];
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}

/** True when two IPv6 CIDRs share an address; what is no such CIDR overlaps nothing. */
export function overlapIpv6(a: string, b: string): boolean {
  if (!ipaddr.IPv6.isValidCIDR(a) || !ipaddr.IPv6.isValidCIDR(b)) return false;
  const [addressA, bitsA] = ipaddr.IPv6.parseCIDR(a);
  const [addressB, bitsB] = ipaddr.IPv6.parseCIDR(b);
  return addressA.match(addressB, Math.min(bitsA, bitsB));
}

/** The destinations of `ip -j -6 route show table all` as CIDRs, but those that lead everywhere or only along a link. */
export function routedIpv6Cidrs(routes: readonly { readonly dst?: string; readonly type?: string }[]): string[] {
  return routes.flatMap(({ dst, type }) => {
    if (!dst || dst === 'default' || type === 'multicast' || dst.startsWith('fe80:')) return [];
    const cidr = dst.includes('/') ? dst : `${dst}/128`;
    return ipaddr.IPv6.isValidCIDR(cidr) && !cidr.endsWith('/0') ? [cidr] : [];
  });
}
