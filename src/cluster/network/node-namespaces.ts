/**
 * A node's own network, mount and UTS namespace on this machine. They are pinned by files, so they outlive the processes in them:
 * agent and containerd can die and come back, and the pods never notice.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ctx, run } from '../../base/index.ts';
import type { ClusterRecord, NodeRecord } from '../cluster-record.ts';
import { type ClusterPaths, machineNames, nodePaths } from '../home.ts';
import { nodeAddresses } from './addresses.ts';
import { hostResolvers } from './resolvers.ts';

/** Files that pin the namespaces of one node. */
export interface NodeNamespaces {
  readonly net: string;
  readonly mount: string;
  readonly uts: string;
  /** Made last: without it the building was interrupted, and what stands is built anew. */
  readonly done: string;
}

export function nodeNamespaces(cluster: string, paths: ClusterPaths, index: number): NodeNamespaces {
  const pins = join(paths.run, 'ns');
  return {
    net: `/run/netns/${machineNames(cluster).netns(index)}`,
    mount: join(pins, `${index}.mnt`),
    uts: join(pins, `${index}.uts`),
    done: join(pins, `${index}.done`),
  };
}

/** The command prefix that runs a program inside a node. */
export function enterNode(namespaces: NodeNamespaces): [string, ...string[]] {
  return ['nsenter', `--net=${namespaces.net}`, `--mount=${namespaces.mount}`, `--uts=${namespaces.uts}`];
}

/** True when the namespaces stand, built to the end (they do not survive a reboot). */
export function namespacesStand(namespaces: NodeNamespaces): boolean {
  // A pinned namespace is a mount over an empty file; /proc/self/mountinfo tells the two apart.
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  return existsSync(namespaces.done) && [namespaces.net, namespaces.mount, namespaces.uts].every((pin) => mounts.includes(` ${pin} `));
}

/** The same for every life of a node, so that nobody looks for it where it was before. `10.200.0.11` → `02:00:0a:c8:00:0b`. */
export function nodeHardwareAddress(ip: string): string {
  return ['02', '00', ...ip.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))].join(':');
}

/** Builds the namespaces of `node`; leaves them alone when they stand. */
export async function raiseNodeNamespaces(record: ClusterRecord, node: NodeRecord, paths: ClusterPaths, ctx: Ctx): Promise<NodeNamespaces> {
  const namespaces = nodeNamespaces(record.name, paths, node.index);
  if (namespacesStand(namespaces)) return namespaces;
  const names = machineNames(record.name);
  const netns = names.netns(node.index);
  const veth = names.veth(node.index);
  const pins = join(paths.run, 'ns');
  const overlay = nodePaths(paths, node.index).overlay;
  prepareOverlay(overlay);
  const prefix = record.network.nodeCidr.split('/')[1]!;
  // `unshare` keeps the host's cgroup mounts visible, which `ip netns exec` would hide (it mounts a fresh /sys). The node is a slave of the
  // host: what the host mounts or unmounts later the node sees too (it would keep a USB stick busy for ever), but never the other way round.
  // It starts as a copy of the host's mounts: the pinned namespaces of others are taken out of it, or they would live as long as this node.
  const script = `
ip netns del ${netns} 2>/dev/null || true
ip link del ${veth} 2>/dev/null || true
ip netns add ${netns}
ip link add ${veth} type veth peer name eth0 address ${nodeHardwareAddress(node.ip)} netns ${netns}
ip link set ${veth} master ${names.bridge} up
ip -n ${netns} addr add ${node.ip}/${prefix} dev eth0
ip -n ${netns} link set lo up
ip -n ${netns} link set eth0 up
ip -n ${netns} route add default via ${record.network.hostIp}
${ipv6Commands(record, node, namespaces)}mkdir -p '${pins}'
rm -f '${namespaces.done}'
umount '${namespaces.mount}' '${namespaces.uts}' 2>/dev/null || true
grep -q ' ${pins} ' /proc/self/mountinfo || { mount --bind '${pins}' '${pins}' && mount --make-private '${pins}'; }
touch '${namespaces.mount}' '${namespaces.uts}'
mkdir -p /var/lib/cni
nsenter --net='${namespaces.net}' unshare --mount='${namespaces.mount}' --uts='${namespaces.uts}' --propagation slave sh -ec '
  hostname ${node.name}
  awk "\\$0 ~ / - nsfs / || \\$5 ~ /\\/run\\/ns\\$/ { print \\$5 }" /proc/self/mountinfo | tac | xargs -r -n 1 umount 2>/dev/null || true
  mount --make-rshared /
  resolv=$(readlink -m /etc/resolv.conf)
  mount --bind "${overlay}/run" /run
  mount --bind "${overlay}/cni" /var/lib/cni
  [ -e "$resolv" ] || { mkdir -p "$(dirname "$resolv")" && touch "$resolv"; }
  mount --bind "${overlay}/resolv.conf" "$resolv"
'
touch '${namespaces.done}'
`;
  await run(['sh', '-ec', script], { signal: ctx.signal });
  return namespaces;
}

/** Lines that give the node its IPv6 address and the way out; none for a node without. Routers it takes from nobody. */
function ipv6Commands({ name, network }: ClusterRecord, node: NodeRecord, { net }: NodeNamespaces): string {
  const [, address] = nodeAddresses(network, node);
  if (!network.ipv6 || address === undefined) return '';
  const inNode = `ip -n ${machineNames(name).netns(node.index)}`;
  const settings = '/proc/sys/net/ipv6/conf/eth0';
  return `nsenter --net='${net}' sh -ec 'echo 0 > ${settings}/disable_ipv6; echo 0 > ${settings}/accept_ra'
${inNode} addr add ${address}/${network.ipv6.nodeCidr.split('/')[1]!} dev eth0 nodad
${inNode} -6 route add default via ${network.ipv6.hostIp}
`;
}

function prepareOverlay(overlay: string): void {
  mkdirSync(join(overlay, 'run'), { recursive: true, mode: 0o755 });
  mkdirSync(join(overlay, 'cni'), { recursive: true });
  writeFileSync(
    join(overlay, 'resolv.conf'),
    hostResolvers()
      .map((address) => `nameserver ${address}\n`)
      .join(''),
  );
}

/** Takes a node's namespaces away; its processes must be gone. */
export async function lowerNodeNamespaces(cluster: string, index: number, paths: ClusterPaths, ctx: Ctx): Promise<void> {
  const namespaces = nodeNamespaces(cluster, paths, index);
  const names = machineNames(cluster);
  const script = `
umount '${namespaces.mount}' 2>/dev/null
umount '${namespaces.uts}' 2>/dev/null
ip netns del ${names.netns(index)} 2>/dev/null
ip link del ${names.veth(index)} 2>/dev/null
true`;
  await run(['sh', '-c', script], { signal: ctx.signal });
  for (const file of [namespaces.mount, namespaces.uts, namespaces.done]) rmSync(file, { force: true });
}

/** Removes the place where the pins stood. */
export async function removePins(paths: ClusterPaths, { signal }: Ctx): Promise<void> {
  const pins = join(paths.run, 'ns');
  await run(['sh', '-c', `umount '${pins}' 2>/dev/null; rmdir '${pins}' 2>/dev/null; true`], { signal });
}

/**
 * Removes the mount points that nodes needed on the host, when they are empty: also the one that `ip netns add` mounts on itself and leaves.
 * Only when no cluster is left on the machine: removing a directory takes the mounts on it away in every mount namespace.
 */
export async function removeMountPoints({ signal }: Ctx): Promise<void> {
  // Where somebody else's namespace comes in between, umount (busy) and rmdir (not empty) fail, which is right.
  const script = `rmdir /var/lib/cni 2>/dev/null
[ -n "$(ls -A /run/netns 2>/dev/null)" ] || { umount /run/netns && rmdir /run/netns; } 2>/dev/null
true`;
  await run(['sh', '-c', script], { signal });
}
