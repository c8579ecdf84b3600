/**
 * The proxy's nftables table as data, and as text. There is no chain a Service: data maps lead from a virtual port to a slot count, and from
 * a slot to an endpoint, so ten thousand Services load in a third of a second and one change is a few elements. Pure.
 *
 * The slot of a connection is its conntrack mark (1…n); the bit `keepSourceBit` says that the client's address must be kept.
 */
import { assignSlots } from './slots.ts';
import type { VirtualPort } from './service-ports.ts';

/** The elements of the table's maps and sets, each a line of nft's syntax. */
export interface Ruleset {
  /** Names of the load-balancing chains in use. */
  readonly chains: ReadonlySet<string>;
  readonly services: ReadonlyMap<string, string>;
  readonly nodeports: ReadonlyMap<string, string>;
  readonly endpoints: ReadonlyMap<string, string>;
  readonly 'node-endpoints': ReadonlyMap<string, string>;
  readonly 'empty-services': ReadonlyMap<string, string>;
  readonly 'empty-nodeports': ReadonlyMap<string, string>;
  /** `IP . IP` of endpoints that may be sent to themselves. */
  readonly hairpin: ReadonlySet<string>;
  /** Slots of every virtual port, for the next build. */
  readonly slots: ReadonlyMap<string, readonly string[]>;
}

export const emptyRuleset: Ruleset = {
  chains: new Set(),
  services: new Map(),
  nodeports: new Map(),
  endpoints: new Map(),
  'node-endpoints': new Map(),
  'empty-services': new Map(),
  'empty-nodeports': new Map(),
  hairpin: new Set(),
  slots: new Map(),
};

const mapNames = ['services', 'nodeports', 'endpoints', 'node-endpoints', 'empty-services', 'empty-nodeports'] as const;
const keepSourceBit = 0x10000;
/** Clients that the kernel remembers for session affinity; the oldest are forgotten when it is full. */
const maxAffinityClients = 65_536;

/** The table's elements for these ports, with slots kept from `before` where possible. */
export function buildRuleset(ports: readonly VirtualPort[], before: Ruleset): Ruleset {
  const maps = Object.fromEntries(mapNames.map((name) => [name, new Map<string, string>()])) as Record<
    (typeof mapNames)[number],
    Map<string, string>
  >;
  const chains = new Set<string>();
  const hairpin = new Set<string>();
  const slots = new Map<string, readonly string[]>();
  for (const virtual of ports) {
    const { ip, port, backends, affinitySeconds } = virtual;
    const keepSource = virtual.masquerade === 'never';
    const key = `${ip === undefined ? '' : `${ip} . `}${virtual.protocol.toLowerCase()} . ${port}`;
    const assigned = assignSlots(
      before.slots.get(key) ?? [],
      backends.map((backend) => `${backend.ip} . ${backend.port}`),
      affinitySeconds !== undefined,
    );
    if (slots.has(key)) continue; // Two Services claim one external address: the first keeps it.
    slots.set(key, assigned);
    if (backends.length === 0) {
      maps[ip === undefined ? 'empty-nodeports' : 'empty-services'].set(key, virtual.whenEmpty === 'drop' ? 'drop' : 'goto refuse');
      continue;
    }
    const chain = `${ip === undefined ? 'node' : 'vip'}${keepSource ? '-keep' : ''}-${assigned.length}${affinitySeconds === undefined ? '' : `-for-${affinitySeconds}`}`;
    chains.add(chain);
    maps[ip === undefined ? 'nodeports' : 'services'].set(key, `goto ${chain}`);
    assigned.forEach((backend, slot) => {
      const mark = (slot + 1) | (keepSource ? keepSourceBit : 0);
      maps[ip === undefined ? 'node-endpoints' : 'endpoints'].set(`${key} . ${mark}`, backend);
    });
    for (const { ip: address } of backends) hairpin.add(`${address} . ${address}`);
  }
  return { chains, ...maps, hairpin, slots };
}

/** The whole table as one atomic, idempotent transaction. @param podCidr addresses whose traffic keeps its source */
export function renderTable(table: string, podCidr: string, ruleset: Ruleset): string {
  const notLocalPods = podCidr === '' ? '' : `ip saddr != ${podCidr} `;
  const frame = `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map nodeports { type inet_proto . inet_service : verdict; }
  map endpoints { type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service; }
  map node-endpoints { type inet_proto . inet_service . mark : ipv4_addr . inet_service; }
  map empty-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map empty-nodeports { type inet_proto . inet_service : verdict; }
  map affinity { type ipv4_addr . ipv4_addr . inet_proto . inet_service : mark; flags dynamic,timeout; size ${maxAffinityClients}; timeout 3h; }
  set hairpin { type ipv4_addr . ipv4_addr; }
  chain refuse { reject with icmp port-unreachable
  }
  chain balance {
    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports
  }
  chain empty {
    ip daddr . meta l4proto . th dport vmap @empty-services
    fib daddr type local meta l4proto . th dport vmap @empty-nodeports
  }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump balance
  }
  chain output { type nat hook output priority -100; policy accept; jump balance
  }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept;
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    ct mark & ${keepSourceBit} == ${keepSourceBit} accept
    ct mark & 0xffff != 0 ct status dnat ${notLocalPods}masquerade
  }
  chain filter-input { type filter hook input priority filter; policy accept; ct state new jump empty
  }
  chain filter-forward { type filter hook forward priority filter; policy accept; ct state new jump empty
  }
  chain filter-output { type filter hook output priority filter; policy accept; ct state new jump empty
  }
}
`;
  return frame + renderChange(table, emptyRuleset, ruleset);
}

/** The transaction that turns `before` into `after`; empty when nothing differs. */
export function renderChange(table: string, before: Ruleset, after: Ruleset): string {
  const lines: string[] = [];
  for (const chain of after.chains) if (!before.chains.has(chain)) lines.push(...renderChain(table, chain));
  const removed: string[] = [];
  const added: string[] = [];
  for (const name of mapNames) {
    const gone = [...before[name]].filter(([key, value]) => after[name].get(key) !== value);
    const come = [...after[name]].filter(([key, value]) => before[name].get(key) !== value);
    removed.push(...elements('delete', table, name, gone));
    added.push(...elements('add', table, name, come));
  }
  const hairpinGone = [...before.hairpin.difference(after.hairpin)].map((each): [string] => [each]);
  const hairpinCome = [...after.hairpin.difference(before.hairpin)].map((each): [string] => [each]);
  removed.push(...elements('delete', table, 'hairpin', hairpinGone));
  added.push(...elements('add', table, 'hairpin', hairpinCome));
  lines.push(...removed, ...added);
  // A chain can go once no element leads to it.
  for (const chain of before.chains)
    if (!after.chains.has(chain)) lines.push(`flush chain ip ${table} ${chain}`, `delete chain ip ${table} ${chain}`);
  return lines.map((line) => `${line}\n`).join('');
}

function elements(verb: 'add' | 'delete', table: string, name: string, entries: readonly (readonly [string, string?])[]): string[] {
  if (entries.length === 0) return [];
  return [
    `${verb} element ip ${table} ${name} { ${entries.map(([key, value]) => (value === undefined ? key : `${key} : ${value}`)).join(', ')} }`,
  ];
}

/** A chain for one number of slots: picks a slot, remembers it where asked, and leads to its endpoint. */
function renderChain(table: string, chain: string): string[] {
  const match = /^(vip|node)(-keep)?-(\d+)(?:-for-(\d+))?$/.exec(chain)!;
  const [, kind, keep, count, seconds] = match;
  const bit = keep ? keepSourceBit : 0;
  const rule = (text: string): string => `add rule ip ${table} ${chain} ${text}`;
  const pick = count === '1' ? `ct mark set ${1 | bit}` : `ct mark set numgen random mod ${count} offset ${1 | bit}`;
  const client = 'ip saddr . ip daddr . meta l4proto . th dport';
  const lookup =
    kind === 'vip'
      ? 'ip daddr . meta l4proto . th dport . ct mark map @endpoints'
      : 'meta l4proto . th dport . ct mark map @node-endpoints';
  const remembered = seconds
    ? [
        rule(`ct mark set ${client} map @affinity`),
        rule(`ct mark 0 ${pick}`),
        rule(`update @affinity { ${client} timeout ${seconds}s : ct mark }`),
      ]
    : [rule(pick)];
  return [`add chain ip ${table} ${chain}`, ...remembered, rule(`dnat ip to ${lookup}`)];
}
