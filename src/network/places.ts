/** Where this node is in the network: its subnets, its addresses and the interfaces that have them. Pure. */
import { addressAt, type corev1, formatCidr, formatIp, parseIp } from '../api/index.ts';
import type { Place } from './backends/backend.ts';
import type { NetworkConfiguration } from './configuration/index.ts';
import type { Link } from './fabric/kernel.ts';
import { NetworkError } from './network-error.ts';
import { annotationNames } from './nodes/annotations.ts';
import { type Membership, readSubnets } from './nodes/node-claim.ts';

/**
 * A place for each family in which the node has a subnet; none when the cluster has not given it one yet.
 * @throws NetworkError when a subnet is out of place, or no interface has the node's address
 */
export function findPlaces(
  node: corev1.Node,
  links: readonly Link[],
  options: { readonly nodeIps: readonly string[]; readonly configuration: NetworkConfiguration; readonly membership: Membership },
): Place[] {
  const subnets = readSubnets(node, options.membership);
  if (typeof subnets === 'string') throw new NetworkError(`node ${node.metadata.name}: ${subnets}`);
  return subnets.map((subnet) => {
    const { family } = subnet.address;
    const address = options.nodeIps.map(parseIp).find((each) => each?.family === family);
    if (!address) throw new NetworkError(`the node has ${family} pods (${formatCidr(subnet)}) and no ${family} address of its own`);
    const text = formatIp(address);
    const has = (link: Link): boolean => link.addresses.some((each) => parseIp(each.address)?.value === address.value);
    const underlay = links.find(has);
    if (!underlay) throw new NetworkError(`no interface has the node's address ${text}`);
    const overwrite = node.metadata.annotations?.[annotationNames.publicIpOverwrite[family]];
    const publicIp = overwrite === undefined || overwrite === '' ? address : parseIp(overwrite);
    if (publicIp?.family !== family)
      throw new NetworkError(
        `the annotation ${annotationNames.publicIpOverwrite[family]} is no ${family} address: ${JSON.stringify(overwrite)}`,
      );
    return {
      family,
      subnet: formatCidr(subnet),
      gateway: formatIp(addressAt(subnet, 0n)),
      address: text,
      publicIp: formatIp(publicIp),
      underlay,
      mtu: options.configuration.mtu ?? underlay.mtu,
    };
  });
}
