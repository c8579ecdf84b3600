/**
 * What Services cost a node: how soon the rules of ten thousand stand in the kernel, how soon a change is there, what the proxy's process
 * holds, and what the first packet of a connection pays when there are few Services and when there are many. The machines are network
 * namespaces of this bench; what is measured runs inside the node (`proxy-machine.ts`), where API server and proxy meet on its loopback.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { run } from '../src/base/index.ts';
import type { Figure } from './figure.ts';
import { addresses, type ProxyBenchJob, ranges } from './proxy-machine.ts';

const machineProgram = fileURLToPath(new URL('./proxy-machine.ts', import.meta.url));

/** @param options.scale there are that share of the Services; for quick looks */
export async function measureProxy({ scale = 1 }: { readonly scale?: number } = {}): Promise<Figure[]> {
  const prefix = `knarr-bench-proxy-${process.pid}-${randomBytes(2).toString('hex')}`;
  const [node, client, endpoints] = ['node', 'client', 'endpoints'].map((machine) => `${prefix}-${machine}`) as [string, string, string];
  try {
    await run(['sh', '-ec', wiring(node, client, endpoints)]);
    const job: ProxyBenchJob = { client, endpoints, scale };
    const { stdout } = await run(['nsenter', `--net=/run/netns/${node}`, process.execPath, machineProgram, JSON.stringify(job)]);
    return JSON.parse(stdout) as Figure[];
  } finally {
    for (const machine of [node, client, endpoints]) await run(['sh', '-c', `ip netns del ${machine} 2>/dev/null || true`]);
  }
}

/** A pod that asks and a machine that answers at every pod address, joined by the node. */
function wiring(node: string, client: string, endpoints: string): string {
  return `for each in ${node} ${client} ${endpoints}; do ip netns add $each; ip -n $each link set lo up; done
ip -n ${node} link add pods type veth peer name eth0 netns ${client}
ip -n ${node} link add others type veth peer name eth0 netns ${endpoints}
ip -n ${node} -batch - <<END
addr add ${addresses.gateway}/24 dev pods
addr add ${addresses.node}/24 dev others
link set pods up
link set others up
route add ${ranges.endpoints} via ${addresses.endpoints}
route add ${ranges.services} via ${addresses.endpoints}
END
ip -n ${client} addr add ${addresses.client}/24 dev eth0
ip -n ${client} link set eth0 up
ip -n ${client} route add default via ${addresses.gateway}
ip -n ${endpoints} addr add ${addresses.endpoints}/24 dev eth0
ip -n ${endpoints} link set eth0 up
ip -n ${endpoints} route add default via ${addresses.node}
ip -n ${endpoints} route add local ${ranges.endpoints} dev lo
nsenter --net=/run/netns/${node} sh -ec '
  echo 1 > /proc/sys/net/ipv4/ip_forward
  nft add table ip bench
  nft add chain ip bench out "{ type filter hook output priority 200; }"
  nft add rule ip bench out ip daddr ${ranges.services} reject with tcp reset'
`;
}
