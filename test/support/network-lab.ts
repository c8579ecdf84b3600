/**
 * Machines made of network namespaces: nodes on one Ethernet, and behind each a bridge with one pod, as the CNI plugins would connect it.
 * What leads from node to node is for the tests to make.
 */
import { randomBytes } from 'node:crypto';
import { run } from '../../src/base/index.ts';
import type { corev1 } from '../../src/api/index.ts';

export interface LabNode {
  readonly name: string;
  /** What commands in the node, and in its pod, are run with. */
  readonly enter: readonly string[];
  readonly enterPod: readonly string[];
  readonly addresses: readonly string[];
  readonly subnets: readonly string[];
  readonly podAddresses: readonly string[];
}

export interface NetworkLab extends AsyncDisposable {
  /** What commands are run with on a machine on the same Ethernet, which is no node; its interface is `br0`. */
  readonly enterHost: readonly string[];
  readonly nodes: readonly LabNode[];
  readonly networks: readonly string[];
}

export const canHaveLab = process.getuid?.() === 0;

/** @param options.podMtu of the bridge and the pods behind it */
export async function openNetworkLab(count: number, options: { readonly podMtu?: number } = {}): Promise<NetworkLab> {
  const prefix = `knarr-test-net-${process.pid}-${randomBytes(2).toString('hex')}`;
  const ethernet = `${prefix}-eth`;
  const mtu = options.podMtu ?? 1430;
  const nodes = Array.from({ length: count }, (_, at): LabNode => {
    const n = at + 1;
    return {
      name: `node-${n}`,
      enter: ['nsenter', `--net=/run/netns/${prefix}-n${n}`],
      enterPod: ['nsenter', `--net=/run/netns/${prefix}-p${n}`],
      addresses: [`192.168.77.${n}`, `fd77::${n}`],
      subnets: [`10.244.${n}.0/24`, `fd44:0:0:${n}::/64`],
      podAddresses: [`10.244.${n}.2`, `fd44:0:0:${n}::2`],
    };
  });
  const lines = nodes.map((_, at) => {
    const n = at + 1;
    const [node, pod] = [`${prefix}-n${n}`, `${prefix}-p${n}`];
    return `ip netns add ${node}
ip netns add ${pod}
for each in ${node} ${pod}; do nsenter --net=/run/netns/$each sh -c 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad'; done
ip -n ${ethernet} link add port${n} type veth peer name eth0 netns ${node}
ip -n ${ethernet} link set port${n} master br0 up
ip -n ${node} -batch - <<END
link set lo up
addr add 192.168.77.${n}/24 dev eth0
addr add fd77::${n}/64 dev eth0 nodad
link set eth0 up
link add cni0 type bridge
link set cni0 mtu ${mtu} type bridge mcast_snooping 0
link set cni0 up
addr add 10.244.${n}.1/24 dev cni0
addr add fd44:0:0:${n}::1/64 dev cni0 nodad
link add pod type veth peer name eth0 netns ${pod}
link set pod master cni0 mtu ${mtu} up
END
ip -n ${pod} -batch - <<END
link set lo up
link set eth0 mtu ${mtu} up
addr add 10.244.${n}.2/24 dev eth0
addr add fd44:0:0:${n}::2/64 dev eth0 nodad
route add default via 10.244.${n}.1
route add default via fd44:0:0:${n}::1
END
nsenter --net=/run/netns/${node} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
`;
  });
  const names = [ethernet, ...nodes.flatMap((_, at) => [`${prefix}-n${at + 1}`, `${prefix}-p${at + 1}`])];
  const close = async (): Promise<void> => {
    await run(['sh', '-c', names.map((name) => `ip netns del ${name} 2>/dev/null\n`).join('') + 'true']);
  };
  try {
    await run([
      'sh',
      '-ec',
      `ip netns add ${ethernet}\nip -n ${ethernet} link add br0 type bridge\nip -n ${ethernet} link set br0 up\nip -n ${ethernet} addr add 192.168.77.254/24 dev br0\nip -n ${ethernet} addr add fd77::254/64 dev br0 nodad\n${lines.join('')}`,
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    nodes,
    enterHost: ['nsenter', `--net=/run/netns/${ethernet}`],
    networks: ['10.244.0.0/16', 'fd44::/48'],
    [Symbol.asyncDispose]: close,
  };
}

/** The Node object of a machine, before its network says anything. */
export function nodeObject(
  node: Pick<LabNode, 'name' | 'addresses' | 'subnets'>,
  annotations: Readonly<Record<string, string | null>> = {},
): corev1.Node {
  const set = Object.entries(annotations).filter((each): each is [string, string] => each[1] !== null);
  const object = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, uid: node.name, creationTimestamp: '2026-01-01T00:00:00Z', annotations: Object.fromEntries(set) },
    spec: { podCIDRs: [...node.subnets], ...(node.subnets[0] && { podCIDR: node.subnets[0] }) },
    status: { addresses: node.addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
  // A uid is a text of its own kind.
  return object as unknown as corev1.Node;
}

/** Whether a packet gets there and its answer back. */
export async function reaches(enter: readonly string[], address: string, options: { readonly size?: number } = {}): Promise<boolean> {
  const command = [...enter, 'busybox', 'ping', '-c', '1', '-W', '1', '-s', String(options.size ?? 56), address];
  return run(command as [string, ...string[]]).then(
    () => true,
    () => false,
  );
}
