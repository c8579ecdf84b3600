/**
 * What stands in the proxy's nftables table before any Service: maps, sets and the chains that the kernel enters. There is no chain a
 * Service: data maps lead from a virtual port to a shared chain, and from a slot to an endpoint, so ten thousand Services load in a fraction
 * of a second. Pure text; knows no Service. One table a family, both written in one transaction: a node without IPv6 has no hook there.
 */
import type { IpFamily } from '../api/index.ts';

export type Balance = 'random' | 'round-robin';

/** What is the same for all Services of a node. */
export interface TableOptions {
  /** Name of the tables; one a cluster. */
  readonly name: string;
  /** Families that are served. */
  readonly families: readonly IpFamily[];
  /** Ranges of pods: their traffic keeps its source. Of a family without one, nothing is told apart. */
  readonly podCidrs: Readonly<Partial<Record<IpFamily, string>>>;
  /** Ranges of cluster IPs: packets to addresses that no Service has are dropped. Empty: they go their way. */
  readonly serviceCidrs: Readonly<Partial<Record<IpFamily, readonly string[]>>>;
  /** Bit of the packet mark between choice and masquerade; cleared again on the way out. Default upstream 14, that is 0x4000. */
  readonly masqueradeMark: number;
  readonly balance: Balance;
}

/** Every map and set that has elements of Services. */
export type MapName =
  | 'services'
  | 'near-services'
  | 'far-services'
  | 'endpoints'
  | 'picks'
  | 'sticky'
  | 'no-endpoints'
  | 'firewall'
  | 'hairpin'
  | 'cluster-ips';

/** Words of nft for a family. */
export interface FamilyWords {
  readonly table: 'ip' | 'ip6';
  readonly address: 'ipv4_addr' | 'ipv6_addr';
  /** The packet's destination as the key of a virtual port. */
  readonly port: string;
  /** Who asks for what, as one number: nft 1.0.6 cannot write an IPv6 key together with a value, and 32 bits tell clients well enough apart. */
  readonly client: string;
}

const words: Record<IpFamily, FamilyWords> = { IPv4: wordsOf('ip', 'ipv4_addr'), IPv6: wordsOf('ip6', 'ipv6_addr') };

function wordsOf(table: 'ip' | 'ip6', address: 'ipv4_addr' | 'ipv6_addr'): FamilyWords {
  const port = `${table} daddr . meta l4proto . th dport`;
  return { table, address, port, client: `jhash ${table} saddr . ${port} mod 4294967295 seed 0x6b6e7272` };
}

export function wordsFor(family: IpFamily): FamilyWords {
  return words[family];
}

/** Clients that the kernel remembers for session affinity; while it is full, new ones are not remembered. */
const maxAffinityClients = 65_536;

/** The empty table, replacing whatever stood there under its name; idempotent. */
export function renderFrame(family: IpFamily, options: TableOptions): string {
  const { table, address, port } = words[family];
  const { name, masqueradeMark: mark } = options;
  const pods = options.podCidrs[family];
  const ranges = options.serviceCidrs[family] ?? [];
  // Only `typeof` can name a key with a slot in it. The fields stand for their types: nft 1.0.6 takes others for conflicting protocols.
  // Of `tcp dport` in the value it makes a condition of the first rule of a run that reads the map (see balancingChain); with `th dport`
  // there it takes the first run and refuses all later ones.
  const slotKey = `rt ${table} nexthop . meta l4proto . tcp dport . numgen random mod 65536`;
  // Refusing TCP by ICMP would do, but a socket that is just connecting notices that a second later, and kernels send few of them.
  // Filters before NAT see the virtual address. A packet that was let through to an endpoint no longer has one after it.
  return `add table ${table} ${name}
delete table ${table} ${name}
table ${table} ${name} {
  map services { type ${address} . inet_proto . inet_service : verdict; }
  map near-services { type ${address} . inet_proto . inet_service : verdict; }
  map far-services { type ${address} . inet_proto . inet_service : verdict; }
  map endpoints { typeof ${slotKey} : rt ${table} nexthop . tcp dport; }
  map picks { typeof ${slotKey} : ct mark; }
  map sticky { type ${address} . inet_proto . inet_service . mark : ${address} . inet_service; }
  map affinity { type mark : mark; flags dynamic,timeout; size ${maxAffinityClients}; }
  map no-endpoints { type ${address} . inet_proto . inet_service : verdict; }
  map firewall { type ${address} . inet_proto . inet_service : verdict; }
  set hairpin { type ${address} . ${address}; }
  set cluster-ips { type ${address}; }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain by-source {
${pods === undefined ? '' : `    ${table} saddr ${pods} ${port} vmap @near-services\n`}    fib saddr type local meta mark set meta mark | ${mark}
    fib saddr type local ${port} vmap @near-services
    ${port} vmap @far-services
  }
  chain balance {
    ${port} vmap @services
  }
  chain firewall-check {
    ${port} vmap @firewall
  }
  chain endpoints-check {
    ${port} vmap @no-endpoints
  }
  chain cluster-ips-check {
    ${table} daddr @cluster-ips goto refuse comment "ports that no Service has"
${ranges.length === 0 ? '' : `    ${table} daddr { ${ranges.join(', ')} } drop comment "addresses that no Service has"\n`}  }
  chain before-nat-prerouting {
    type filter hook prerouting priority -110; policy accept;
    ct state new jump firewall-check
  }
  chain before-nat-output {
    type filter hook output priority -110; policy accept;
    ct state new jump firewall-check
  }
  chain nat-prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump balance
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump balance
  }
  chain nat-postrouting {
    type nat hook postrouting priority 100; policy accept;
    ct status dnat ${table} saddr . ${table} daddr @hairpin meta mark set meta mark | ${mark}
    meta mark & ${mark} != ${mark} return
    meta mark set meta mark ^ ${mark}
    masquerade fully-random
  }
  chain filter-input {
    type filter hook input priority 0; policy accept;
    ct state new jump endpoints-check
  }
  chain filter-forward {
    type filter hook forward priority 0; policy accept;
    ct state new jump endpoints-check
    ct state new jump cluster-ips-check
  }
  chain filter-output {
    type filter hook output priority 0; policy accept;
    ct state new jump endpoints-check
    ct state new jump cluster-ips-check
  }
}
`;
}

/** Removes the tables of both families, there or not. */
export function renderRemoval(name: string): string {
  return (['ip', 'ip6'] as const).map((table) => `add table ${table} ${name}\ndelete table ${table} ${name}\n`).join('');
}
