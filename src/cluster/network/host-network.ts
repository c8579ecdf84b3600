/**
 * What a cluster puts on the host's own network, and takes away again: one bridge, a route each for pods and services, one nftables
 * table, `ip_forward`, and an accept rule where another firewall would drop what the nodes send. Everything carries the cluster's name.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ctx, run } from '../../base/index.ts';
import { writeFileAtomically } from '../atomic-file.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord, NetworkBlock, PublishedPort } from '../cluster-record.ts';
import { type ClusterPaths, machineNames } from '../home.ts';
import { chooseAddressBlock, routedCidrs } from './address-block.ts';
import { allowThroughFirewalls, withdrawFromFirewalls } from './host-firewall.ts';

const ipForwardSysctl = '/proc/sys/net/ipv4/ip_forward';

/**
 * The first address block that is free on this machine.
 * @param reserved blocks of clusters that exist but may be down
 * @throws ClusterError when none is
 */
export async function findFreeBlock(reserved: readonly NetworkBlock[], signal: AbortSignal): Promise<NetworkBlock> {
  const { stdout } = await run(['ip', '-j', '-4', 'route', 'show', 'table', 'all'], { signal });
  const routes = JSON.parse(stdout) as { dst?: string; type?: string }[];
  const taken = [...routedCidrs(routes), ...reserved.flatMap(({ nodeCidr, podCidr, serviceCidr }) => [nodeCidr, podCidr, serviceCidr])];
  const block = chooseAddressBlock(taken);
  if (!block)
    throw new ClusterError(
      'every address block that Knarr would use (10.200.x.0/24, 10.229–244.0.0/16, 10.96–111.0.0/16) overlaps a route of this machine',
    );
  return block;
}

/**
 * Names on the machine come from the cluster's name, so two homes cannot both run a cluster of one name.
 * @throws ClusterError when the bridge of that name is somebody else's
 */
async function refuseForeignBridge({ name, network }: ClusterRecord, signal: AbortSignal): Promise<void> {
  const { bridge } = machineNames(name);
  const { stdout } = await run(['ip', '-j', '-4', 'addr'], { signal });
  const links = JSON.parse(stdout) as { ifname: string; addr_info: { local: string }[] }[];
  const link = links.find(({ ifname }) => ifname === bridge);
  const foreign = link?.addr_info.find(({ local }) => local !== network.hostIp);
  if (foreign)
    throw new ClusterError(
      `a cluster named "${name}" runs already, from another KNARR_HOME (its bridge ${bridge} has ${foreign.local}); take another --name`,
    );
}

/** The nftables text of a cluster's host table: an idempotent, atomic replacement. */
export function renderHostTable(record: Pick<ClusterRecord, 'name' | 'network' | 'published' | 'nodes'>): string {
  const { bridge, nftTable } = machineNames(record.name);
  const first = record.nodes[0]!;
  const publish = (ports: readonly PublishedPort[]): string =>
    ports
      .map(
        ({ hostPort, nodePort }) =>
          `    fib daddr type local meta l4proto { tcp, udp } th dport ${hostPort} dnat to ${first.ip}:${nodePort}\n`,
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

/** Builds the host's side; run again it repairs what is missing. */
export async function raiseHostNetwork(record: ClusterRecord, home: string, paths: ClusterPaths, ctx: Ctx): Promise<void> {
  await refuseForeignBridge(record, ctx.signal);
  const { bridge } = machineNames(record.name);
  const { network } = record;
  const prefix = network.nodeCidr.split('/')[1]!;
  const via = record.nodes[0]!.ip;
  const script = `
ip link show ${bridge} >/dev/null 2>&1 || ip link add ${bridge} type bridge
ip addr replace ${network.hostIp}/${prefix} dev ${bridge}
ip link set ${bridge} up
ip route replace ${network.podCidr} via ${via} dev ${bridge}
ip route replace ${network.serviceCidr} via ${via} dev ${bridge}
${record.published.length > 0 ? `echo 1 > /proc/sys/net/ipv4/conf/${bridge}/route_localnet` : ''}
`;
  await run(['sh', '-ec', script], { signal: ctx.signal });
  rememberIpForward(home);
  await run(['nft', '-f', '-'], { signal: ctx.signal, input: renderHostTable(record) });
  const opened = await allowThroughFirewalls({ bridge, apiPort: record.apiPort, comment: `knarr-${record.name}` }, ctx.signal);
  if (opened.length > 0) writeFileAtomically(join(paths.run, 'firewalls.json'), JSON.stringify(opened));
}

/** Takes the host's side away; what is gone already is fine. */
export async function lowerHostNetwork(
  cluster: string,
  home: string,
  paths: ClusterPaths,
  ctx: Ctx & { readonly lastCluster: boolean },
): Promise<void> {
  const { bridge, nftTable } = machineNames(cluster);
  const firewalls = join(paths.run, 'firewalls.json');
  if (existsSync(firewalls)) {
    await withdrawFromFirewalls(JSON.parse(readFileSync(firewalls, 'utf8')) as never, `knarr-${cluster}`, ctx.signal);
    rmSync(firewalls);
  }
  await run(['sh', '-c', `nft delete table ip ${nftTable} 2>/dev/null; ip link del ${bridge} 2>/dev/null; true`], { signal: ctx.signal });
  if (ctx.lastCluster) restoreIpForward(home);
}

function rememberIpForward(home: string): void {
  const before = readFileSync(ipForwardSysctl, 'utf8').trim();
  const memory = join(home, 'ip_forward.before');
  if (!existsSync(memory)) writeFileAtomically(memory, before);
  if (before !== '1') writeFileSync(ipForwardSysctl, '1');
}

function restoreIpForward(home: string): void {
  const memory = join(home, 'ip_forward.before');
  if (!existsSync(memory)) return;
  const before = readFileSync(memory, 'utf8').trim();
  if (before === '0') writeFileSync(ipForwardSysctl, '0');
  rmSync(memory);
}
