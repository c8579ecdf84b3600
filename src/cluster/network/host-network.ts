/**
 * What a cluster puts on the host's own network, and takes away again: one bridge, a route each for pods and services, an nftables table,
 * both once more where it has IPv6, forwarding, and an accept rule where another firewall would drop what the nodes send. Everything
 * carries the cluster's name.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { type Ctx, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord, Ipv6Block, NetworkBlock, NodeRecord, PublishedPort } from '../cluster-record.ts';
import { firstBlockOf, machineNames } from '../home.ts';
import { chooseAddressBlock, overlap, routedCidrs } from './address-block.ts';
import { nodeAddresses, rangesOf } from './addresses.ts';
import { allowThroughFirewalls, withdrawFromFirewalls } from './host-firewall.ts';
import { formatMark } from './bridge-mark.ts';
import { enableIpForward, restoreIpForward } from './ip-forward.ts';
import { chooseIpv6Block, overlapIpv6, routedIpv6Cidrs } from './ipv6-block.ts';
import { enableIpv6Forward, hasIpv6, restoreIpv6Forward } from './ipv6-forward.ts';

/**
 * The first address block that is free on this machine.
 * @param reserved blocks of clusters that exist but may be down
 * @throws ClusterError when none is
 */
export async function findFreeBlock(reserved: readonly NetworkBlock[], home: string, signal: AbortSignal): Promise<NetworkBlock> {
  const routes = await listRoutes('-4', signal);
  const taken = [...routedCidrs(routes), ...reserved.flatMap(({ nodeCidr, podCidr, serviceCidr }) => [nodeCidr, podCidr, serviceCidr])];
  const block = chooseAddressBlock(taken, firstBlockOf(home));
  if (!block)
    throw new ClusterError(
      'every address block that Knarr would use (10.200.x.0/24, 10.229–244.0.0/16, 10.96–111.0.0/16) overlaps a route of this machine',
    );
  return block;
}

/**
 * IPv6 addresses for a new cluster.
 * @param reserved blocks of clusters that exist but may be down
 * @throws ClusterError when this machine has no IPv6, or no room for it
 */
export async function findFreeIpv6Block(
  { cluster, nodeCidr, reserved }: { readonly cluster: string; readonly nodeCidr: string; readonly reserved: readonly NetworkBlock[] },
  signal: AbortSignal,
): Promise<Ipv6Block> {
  if (!hasIpv6()) throw new ClusterError('the kernel of this machine has IPv6 switched off: a cluster of both families needs it');
  const taken = reserved.flatMap(({ ipv6 }) => (ipv6 ? [ipv6.nodeCidr, ipv6.podCidr, ipv6.serviceCidr] : []));
  const block = chooseIpv6Block(cluster, nodeCidr, [...routedIpv6Cidrs(await listRoutes('-6', signal)), ...taken]);
  if (!block) throw new ClusterError('a route of this machine overlaps every IPv6 range that Knarr would use (out of fd00::/8)');
  return block;
}

interface Route {
  readonly dst?: string;
  readonly type?: string;
  readonly dev?: string;
}

async function listRoutes(family: '-4' | '-6', signal: AbortSignal): Promise<Route[]> {
  const { stdout } = await run(['ip', '-j', family, 'route', 'show', 'table', 'all'], { signal });
  return JSON.parse(stdout || '[]') as Route[];
}

/**
 * The routes of the machine that a cluster coming up again would overlap: its block was free when it was chosen, and may be taken by now.
 * @throws ClusterError that names them
 */
async function refuseTakenBlock({ name, network }: ClusterRecord, signal: AbortSignal): Promise<void> {
  const { bridge } = machineNames(name);
  const own = [network.nodeCidr, network.podCidr, network.serviceCidr];
  const strangers = async (family: '-4' | '-6'): Promise<Route[]> => (await listRoutes(family, signal)).filter(({ dev }) => dev !== bridge);
  const taken = (await strangers('-4')).filter((route) => routedCidrs([route]).some((cidr) => own.some((other) => overlap(cidr, other))));
  if (network.ipv6) {
    if (!hasIpv6()) throw new ClusterError(`cluster "${name}" has IPv6 addresses, and the kernel of this machine has IPv6 switched off`);
    const { nodeCidr, podCidr, serviceCidr } = network.ipv6;
    own.push(nodeCidr, podCidr, serviceCidr);
    const isTaken = (route: Route): boolean => routedIpv6Cidrs([route]).some((cidr) => own.some((other) => overlapIpv6(cidr, other)));
    taken.push(...(await strangers('-6')).filter(isTaken));
  }
  if (taken.length === 0) return;
  const list = taken.map(({ dst, dev }) => `${dst}${dev ? ` (${dev})` : ''}`).join(', ');
  throw new ClusterError(
    `the addresses of cluster "${name}" (${own.join(', ')}) are taken on this machine by now: ${list}; free them, or delete the cluster and start it anew`,
  );
}

/**
 * The nftables text of a cluster's host tables, one a family: an idempotent, atomic replacement.
 * @param via addresses of the node that published ports lead to; none when no node is on
 */
export function renderHostTables(record: Pick<ClusterRecord, 'name' | 'network' | 'published'>, via: readonly string[]): string {
  const [v4, v6] = via;
  const { nodeCidr, ipv6 } = record.network;
  const table = renderHostTable(record, { family: 'ip', nodeCidr, to: v4 });
  return ipv6 ? table + renderHostTable(record, { family: 'ip6', nodeCidr: ipv6.nodeCidr, to: v6 && `[${v6}]` }) : table;
}

function renderHostTable(
  record: Pick<ClusterRecord, 'name' | 'published'>,
  { family, nodeCidr, to }: { readonly family: 'ip' | 'ip6'; readonly nodeCidr: string; readonly to: string | undefined },
): string {
  const { bridge, nftTable } = machineNames(record.name);
  // The kernel lets nothing from ::1 leave the machine; whoever asks there asks 127.0.0.1 next.
  const here = family === 'ip' ? 'fib daddr type local' : 'ip6 daddr != ::1 fib daddr type local';
  const publish = (ports: readonly PublishedPort[]): string =>
    ports
      .filter(() => to !== undefined)
      .map(({ hostPort, nodePort }) => `    ${here} meta l4proto { tcp, udp } th dport ${hostPort} dnat to ${to}:${nodePort}\n`)
      .join('');
  return `add table ${family} ${nftTable}
delete table ${family} ${nftTable}
table ${family} ${nftTable} {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${publish(record.published)}  }
  chain output {
    type nat hook output priority -100; policy accept;
${publish(record.published)}  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${family} saddr ${nodeCidr} oifname != "${bridge}" masquerade
    ct status dnat oifname "${bridge}" masquerade
  }
}
`;
}

/**
 * Builds the bridge, which has the API server's address for nodes, and the routes over it; run again it repairs what is missing.
 * @param on the nodes that are switched on
 * @throws ClusterError when somebody else has routes to these addresses by now
 */
export async function raiseBridge(record: ClusterRecord, on: readonly NodeRecord[], home: string, { signal }: Ctx): Promise<void> {
  await refuseTakenBlock(record, signal);
  const { bridge } = machineNames(record.name);
  const isThere = existsSync(`/proc/sys/net/ipv4/conf/${bridge}`);
  const links = renderBridge(record, { mark: formatMark(home, record.apiPort), isThere });
  const { ipv6 } = record.network;
  if (ipv6) {
    await run(['ip', '-batch', '-'], { signal, input: links });
    admitIpv6(bridge);
  }
  const address = ipv6 ? `addr replace ${ipv6.hostIp}/${ipv6.nodeCidr.split('/')[1]!} dev ${bridge} nodad\n` : links;
  // What understands ranges is loaded only where there is a pool.
  const poolRoutes = record.loadBalancerPool === undefined ? '' : (await import('./load-balancer-pool.ts')).renderPoolRoutes(record);
  await run(['ip', '-batch', '-'], {
    signal,
    input: address + renderRoutes(record, leadingAddresses(record, on)) + poolRoutes,
  });
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, record.published.length > 0 ? '1' : '0');
}

/** The bridge may have IPv6 where the machine's other interfaces have not; nodes do not tell the host where to route to. */
function admitIpv6(bridge: string): void {
  const settings = `/proc/sys/net/ipv6/conf/${bridge}`;
  writeFileSync(`${settings}/disable_ipv6`, '0');
  writeFileSync(`${settings}/accept_ra`, '0');
}

/** Addresses of the node through which the host reaches pods and Services: the first that is on. */
function leadingAddresses({ network }: Pick<ClusterRecord, 'network'>, [first]: readonly NodeRecord[]): string[] {
  return first ? nodeAddresses(network, first) : [];
}

/** The commands of one `ip -batch`: one process instead of one for each. Pure. */
export function renderBridge(
  { name, network }: Pick<ClusterRecord, 'name' | 'network'>,
  options: { readonly mark: string; readonly isThere: boolean },
): string {
  const { bridge } = machineNames(name);
  const prefix = network.nodeCidr.split('/')[1]!;
  return `${options.isThere ? '' : `link add ${bridge} type bridge\n`}link set ${bridge} alias "${options.mark}"
addr replace ${network.hostIp}/${prefix} dev ${bridge}
link set ${bridge} up
`;
}

/**
 * The routes of the host to Services and pods, through a node that is on: each knows the way. Pure.
 * @param via the node's addresses, one a family; none when no node is on: nobody answers
 */
export function renderRoutes({ name, network }: Pick<ClusterRecord, 'name' | 'network'>, via: readonly string[]): string {
  const { bridge } = machineNames(name);
  const [pods, services] = [rangesOf(network, 'podCidr'), rangesOf(network, 'serviceCidr')];
  return pods
    .flatMap((range, family) => [range, services[family]!].map((each) => ({ range: each, next: via[family] })))
    .map(({ range, next }) => `route replace ${range} ${next === undefined ? '' : `via ${next} `}dev ${bridge}\n`)
    .join('');
}

/** Leads the host's traffic anew after a node was switched on or off. The caller holds the machine's lock. */
export async function leadAround(record: ClusterRecord, on: readonly NodeRecord[], { signal }: Ctx): Promise<void> {
  if (!existsSync(`/proc/sys/net/ipv4/conf/${machineNames(record.name).bridge}`)) return;
  const via = leadingAddresses(record, on);
  await run(['ip', '-batch', '-'], { signal, input: renderRoutes(record, via) });
  await run(['nft', '-f', '-'], { signal, input: renderHostTables(record, via) });
}

/** Lets the nodes' packets through: forwarding, address translation and room in the firewalls of others. The caller holds the machine's lock. */
export async function admitTraffic(record: ClusterRecord, on: readonly NodeRecord[], { signal }: Ctx): Promise<void> {
  const { bridge } = machineNames(record.name);
  const ipv6 = record.network.ipv6 !== undefined;
  enableIpForward();
  if (ipv6) enableIpv6Forward();
  await run(['nft', '-f', '-'], { signal, input: renderHostTables(record, leadingAddresses(record, on)) });
  await allowThroughFirewalls({ bridge, apiPort: record.apiPort, comment: firewallComment(record.name), ipv6 }, signal);
}

/** What marks our rules in the chains of others. */
function firewallComment(cluster: string): string {
  return `knarr-${cluster}`;
}

/** Takes the host's side away; what is gone already is fine. The caller holds the machine's lock. */
export async function lowerHostNetwork(cluster: string, ctx: Ctx): Promise<void> {
  const { bridge, nftTable } = machineNames(cluster);
  const { signal } = ctx;
  await withdrawFromFirewalls(firewallComment(cluster), signal);
  const tables = ['ip', 'ip6'].map((family) => `nft delete table ${family} ${nftTable} 2>/dev/null; `).join('');
  await run(['sh', '-c', `${tables}ip link del ${bridge} 2>/dev/null; true`], { signal });
  await restoreIpForward(ctx);
  await restoreIpv6Forward(ctx);
}
