/** A cluster's addresses and ranges in all of its families, IPv4 first. Pure; everyone reads them, so it loads nothing. */
import type { NetworkBlock, NodeRecord } from '../cluster-record.ts';

/** The addresses of a node; its IPv6 address ends as the other does (`10.200.0.11` and `…::11`). */
export function nodeAddresses({ ipv6 }: NetworkBlock, { ip }: Pick<NodeRecord, 'ip'>): string[] {
  return ipv6 ? [ip, `${ipv6.nodeCidr.split('/')[0]!}${ip.split('.').at(-1)!}`] : [ip];
}

/** The cluster's ranges of one kind, one a family, IPv4 first. */
export function rangesOf(network: NetworkBlock, kind: 'nodeCidr' | 'podCidr' | 'serviceCidr'): string[] {
  return network.ipv6 ? [network[kind], network.ipv6[kind]] : [network[kind]];
}

/** Addresses of the host on the nodes' network, IPv4 first. */
export function hostAddresses({ hostIp, ipv6 }: NetworkBlock): string[] {
  return ipv6 ? [hostIp, ipv6.hostIp] : [hostIp];
}
