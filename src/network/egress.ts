/**
 * How pods reach the outside: with the node's address, since nobody out there knows theirs. One nftables table of ours for both families.
 * Only what pods send is looked at, so tunnelled packets, which nodes send, are never touched. Pure.
 */
import { type IpFamily, parseCidr } from '../api/index.ts';

export function egressTable(name: string): string {
  return `${name}-egress`;
}

/** Addresses that see a pod as it is, beside other pods: groups, and of IPv6 whoever is on the link. */
const exceptions: Readonly<Record<IpFamily, readonly string[]>> = { IPv4: ['224.0.0.0/4'], IPv6: ['ff00::/8', 'fe80::/10'] };

/** The table, in place of what stood: an atomic replacement. */
export function renderEgressTable(name: string, networks: readonly string[]): string {
  const table = egressTable(name);
  const of = (wanted: IpFamily): string[] => networks.filter((network) => parseCidr(network)?.address.family === wanted);
  const rules = [['IPv4', 'ip'] as const, ['IPv6', 'ip6'] as const].flatMap(([family, keyword]) => {
    const ranges = of(family);
    if (ranges.length === 0) return [];
    const inside = [...ranges, ...exceptions[family]].join(', ');
    return [`    ${keyword} saddr { ${ranges.join(', ')} } ${keyword} daddr != { ${inside} } masquerade fully-random`];
  });
  return `${renderEgressRemoval(name)}table inet ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${rules.map((rule) => `${rule}\n`).join('')}  }
}
`;
}

/** Takes the table away, whether it stands or not. */
export function renderEgressRemoval(name: string): string {
  const table = egressTable(name);
  return `add table inet ${table}\ndelete table inet ${table}\n`;
}
