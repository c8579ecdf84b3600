/**
 * What a cluster puts on the host's own network, and takes away again: one bridge, a route each for pods and services, one nftables
 * table, `ip_forward`, and an accept rule where another firewall would drop what the nodes send. Everything carries the cluster's name.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { type Ctx, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord, NetworkBlock, NodeRecord, PublishedPort } from '../cluster-record.ts';
import { firstBlockOf, machineNames } from '../home.ts';
import { chooseAddressBlock, overlap, routedCidrs } from './address-block.ts';
import { allowThroughFirewalls, withdrawFromFirewalls } from './host-firewall.ts';
import { formatMark } from './bridge-mark.ts';
import { enableIpForward, restoreIpForward } from './ip-forward.ts';

/**
 * The first address block that is free on this machine.
 * @param reserved blocks of clusters that exist but may be down
 * @throws ClusterError when none is
 */
export async function findFreeBlock(reserved: readonly NetworkBlock[], home: string, signal: AbortSignal): Promise<NetworkBlock> {
  const { stdout } = await run(['ip', '-j', '-4', 'route', 'show', 'table', 'all'], { signal });
  const routes = JSON.parse(stdout) as { dst?: string; type?: string }[];
  const taken = [...routedCidrs(routes), ...reserved.flatMap(({ nodeCidr, podCidr, serviceCidr }) => [nodeCidr, podCidr, serviceCidr])];
  const block = chooseAddressBlock(taken, firstBlockOf(home));
  if (!block)
    throw new ClusterError(
      'every address block that Knarr would use (10.200.x.0/24, 10.229–244.0.0/16, 10.96–111.0.0/16) overlaps a route of this machine',
    );
  return block;
}

/**
 * The routes of the machine that a cluster coming up again would overlap: its block was free when it was chosen, and may be taken by now.
 * @throws ClusterError that names them
 */
async function refuseTakenBlock({ name, network }: ClusterRecord, signal: AbortSignal): Promise<void> {
  const { stdout } = await run(['ip', '-j', '-4', 'route', 'show', 'table', 'all'], { signal });
  const routes = JSON.parse(stdout) as { dst?: string; type?: string; dev?: string }[];
  const { bridge } = machineNames(name);
  const own = [network.nodeCidr, network.podCidr, network.serviceCidr];
  const taken = routes.filter(
    (route) => route.dev !== bridge && routedCidrs([route]).some((cidr) => own.some((other) => overlap(cidr, other))),
  );
  if (taken.length === 0) return;
  const list = taken.map(({ dst, dev }) => `${dst}${dev ? ` (${dev})` : ''}`).join(', ');
  throw new ClusterError(
    `the addresses of cluster "${name}" (${own.join(', ')}) are taken on this machine by now: ${list}; free them, or delete the cluster and start it anew`,
  );
}

/** The nftables text of a cluster's host table: an idempotent, atomic replacement. Published ports lead to `via`, a node that is on. */
export function renderHostTable(record: Pick<ClusterRecord, 'name' | 'network' | 'published'>, via: string | undefined): string {
  const { bridge, nftTable } = machineNames(record.name);
  const publish = (ports: readonly PublishedPort[]): string =>
    ports
      .filter(() => via !== undefined)
      .map(
        ({ hostPort, nodePort }) => `    fib daddr type local meta l4proto { tcp, udp } th dport ${hostPort} dnat to ${via}:${nodePort}\n`,
      )
      .join('');
  return `add table ip ${nftTable}
delete table ip ${nftTable}
table ip ${nftTable} {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${publish(record.published)}  }
  chain output {
    type nat hook output priority -100; policy accept;
${publish(record.published)}  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${record.network.nodeCidr} oifname != "${bridge}" masquerade
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
  const input = renderBridge(record, { mark: formatMark(home, record.apiPort), isThere }) + renderRoutes(record, on[0]?.ip);
  await run(['ip', '-batch', '-'], { signal, input });
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, record.published.length > 0 ? '1' : '0');
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

/** The routes of the host to Services and pods, through a node that is on: each knows the way. Where none is, nobody answers. Pure. */
export function renderRoutes({ name, network }: Pick<ClusterRecord, 'name' | 'network'>, via: string | undefined): string {
  const { bridge } = machineNames(name);
  const route = via === undefined ? `dev ${bridge}` : `via ${via} dev ${bridge}`;
  return [network.podCidr, network.serviceCidr].map((range) => `route replace ${range} ${route}\n`).join('');
}

/** Leads the host's traffic anew after a node was switched on or off. The caller holds the machine's lock. */
export async function leadAround(record: ClusterRecord, on: readonly NodeRecord[], { signal }: Ctx): Promise<void> {
  if (!existsSync(`/proc/sys/net/ipv4/conf/${machineNames(record.name).bridge}`)) return;
  await run(['ip', '-batch', '-'], { signal, input: renderRoutes(record, on[0]?.ip) });
  await run(['nft', '-f', '-'], { signal, input: renderHostTable(record, on[0]?.ip) });
}

/** Lets the nodes' packets through: forwarding, address translation and room in the firewalls of others. The caller holds the machine's lock. */
export async function admitTraffic(record: ClusterRecord, on: readonly NodeRecord[], { signal }: Ctx): Promise<void> {
  const { bridge } = machineNames(record.name);
  enableIpForward();
  await run(['nft', '-f', '-'], { signal, input: renderHostTable(record, on[0]?.ip) });
  await allowThroughFirewalls({ bridge, apiPort: record.apiPort, comment: firewallComment(record.name) }, signal);
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
  await run(['sh', '-c', `nft delete table ip ${nftTable} 2>/dev/null; ip link del ${bridge} 2>/dev/null; true`], { signal });
  await restoreIpForward(ctx);
}
