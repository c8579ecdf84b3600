/** What the pod network renders for others to apply: the CNI configuration and the egress rules. Pure. */

/** The bridge that a node's pods are on. */
export const podBridge = 'cni0';

export interface CniNetwork {
  readonly name: string;
  /** The node's own part of the pod range. */
  readonly subnet: string;
  readonly ipamDir: string;
  readonly mtu: number;
}

/** A CNI network list: bridge with addresses from the node's subnet, then host ports. @source CNI specification 0.4.0 */
export function renderCniConfig({ name, subnet, ipamDir, mtu }: CniNetwork): string {
  const bridge = {
    type: 'bridge',
    bridge: podBridge,
    isGateway: true,
    isDefaultGateway: true,
    // Masquerading here would hide pods of other nodes from each other; the egress table does it.
    ipMasq: false,
    hairpinMode: true,
    mtu,
    ipam: { type: 'host-local', dataDir: ipamDir, ranges: [[{ subnet }]] },
  };
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true };
  return `${JSON.stringify({ cniVersion: '0.4.0', name, plugins: [bridge, portmap] }, null, 2)}\n`;
}

/** Pods talk to each other with their own addresses, and to everyone else with the node's. */
export function renderEgressTable(name: string, clusterCidr: string): string {
  return `add table ip ${name}-egress
delete table ip ${name}-egress
table ip ${name}-egress {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${clusterCidr} ip daddr != { ${clusterCidr}, 224.0.0.0/4 } masquerade fully-random
  }
}
`;
}
