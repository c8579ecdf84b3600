/** Backend `host-gw`: other nodes are the next hops to their pods, which needs them on the same link. Also what vxlan's DirectRouting does. */
import { cidrContains, parseIp } from '../../api/index.ts';
import type { Entry } from '../fabric/entry.ts';
import type { Lease } from '../nodes/node-claim.ts';
import type { Backend, Place } from './backend.ts';

export function createHostGateway(places: readonly Place[]): Backend {
  return {
    devices: [],
    podMtu: Math.min(...places.map(({ mtu }) => mtu)),
    deviceCommands: () => [],
    reaches: () => places.map(({ family, publicIp }) => ({ family, publicIp, data: null })),
    entriesOf: (leases) => {
      const entries: Entry[] = [];
      for (const lease of leases) {
        const place = places.find(({ family }) => family === lease.family);
        if (!place) continue;
        if (!isOnLink(place, lease.publicIp))
          return { refused: `its address ${lease.publicIp} is not on the link of ${place.underlay.name}, which host-gw needs` };
        entries.push(directRoute(place, lease));
      }
      return entries;
    },
  };
}

/** Whether packets to the address leave by the node's interface without a gateway. */
export function isOnLink({ underlay }: Pick<Place, 'underlay'>, publicIp: string): boolean {
  const address = parseIp(publicIp)!;
  return underlay.addresses.some((own) => {
    const parsed = parseIp(own.address);
    return (
      parsed !== undefined && !own.address.startsWith('fe80:') && cidrContains({ address: parsed, prefixLength: own.prefixLength }, address)
    );
  });
}

export function directRoute({ underlay }: Pick<Place, 'underlay'>, { subnet, publicIp }: Lease): Entry {
  return { kind: 'route', subnet, via: publicIp, device: underlay.name, onlink: false };
}
