/**
 * Backend `vxlan`: a tunnel device for each family; for each other node a route to its subnet, a permanent neighbour for the next hop and
 * a forwarding entry that says where the tunnel ends. Nothing is learned or asked for.
 * @source flannel pkg/backend/vxlan, v0.26
 */
import { createHash } from 'node:crypto';
import { formatIp, type IpFamily, parseIp } from '../../api/index.ts';
import type { VxlanOptions } from '../configuration/index.ts';
import type { Entry } from '../fabric/entry.ts';
import type { Link } from '../fabric/kernel.ts';
import { NetworkError } from '../network-error.ts';
import { parseMac } from '../nodes/node-claim.ts';
import { addressCommands, type Backend, type Place } from './backend.ts';
import { directRoute, isOnLink } from './host-gateway.ts';

/** What a tunnel puts around a packet: an Ethernet header within, then VXLAN, UDP and the outer IP header. */
const overhead: Readonly<Record<IpFamily, number>> = { IPv4: 50, IPv6: 70 };

export function createVxlan(options: VxlanOptions, nodeName: string, places: readonly Place[]): Backend {
  const devices = new Map(places.map((place) => [place.family, deviceName(options, place.family)]));
  return {
    devices: [...devices.values()],
    // One bridge carries both families.
    podMtu: Math.min(...places.map(podMtuOf)),
    deviceCommands: (links) => places.flatMap((place) => deviceCommands(options, nodeName, place, links)),
    reaches: (links) =>
      places.map(({ family, publicIp }) => {
        const mac = links.find(({ name }) => name === devices.get(family))?.mac ?? macOf(nodeName, family);
        return { family, publicIp, data: { VNI: options.vni, VtepMAC: mac } };
      }),
    entriesOf: (leases) =>
      leases.flatMap((lease): Entry[] => {
        const place = places.find(({ family }) => family === lease.family);
        if (!place) return [];
        if (options.directRouting && isOnLink(place, lease.publicIp)) return [directRoute(place, lease)];
        const device = devices.get(lease.family)!;
        return [
          { kind: 'forwarding', device, mac: lease.id, destination: lease.publicIp },
          { kind: 'neighbour', device, address: lease.gateway, mac: lease.id },
          { kind: 'route', subnet: lease.subnet, via: lease.gateway, device, onlink: true },
        ];
      }),
  };
}

/** `knarr.1` and `knarr6.1`: a name has at most 15 characters, and the number up to eight. */
function deviceName({ name, vni }: VxlanOptions, family: IpFamily): string {
  if (name !== undefined) return family === 'IPv4' ? name : `${name}-6`;
  return `knarr${family === 'IPv4' ? '' : '6'}.${vni}`;
}

function podMtuOf({ family, mtu }: Place): number {
  return mtu - overhead[family];
}

/** The same each time the device is made: a node that comes back is reached by what others know already. */
function macOf(nodeName: string, family: IpFamily): string {
  const hash = createHash('sha256').update(`${family} ${nodeName}`).digest();
  // Locally administered, of one station.
  return [0x0a, ...hash.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function deviceCommands(options: VxlanOptions, nodeName: string, place: Place, links: readonly Link[]): string[] {
  const name = deviceName(options, place.family);
  const link = links.find((each) => each.name === name);
  const right = link !== undefined && isRight(link, options, place);
  const mtu = podMtuOf(place);
  if (right) {
    const resize = link.mtu === mtu ? [] : [`link set ${name} mtu ${mtu}`];
    return [...resize, ...addressCommands(name, link, place.gateway)];
  }
  if (link && link.kind !== 'vxlan') throw new NetworkError(`an interface ${name} is there already, and is no vxlan device`);
  const rival = links.find((each) => each.name !== name && isRival(each, options, place.family));
  if (rival)
    throw new NetworkError(
      `the interface ${rival.name} has vxlan network ${options.vni} on port ${options.port} already: take it away, or give another VNI or Port`,
    );
  const flags = [options.learning ? 'learning' : 'nolearning', ...(options.gbp ? ['gbp'] : [])];
  const kind = `type vxlan id ${options.vni} local ${place.address} dev ${place.underlay.name} dstport ${options.port} ${flags.join(' ')}`;
  return [
    ...(link ? [`link del ${name}`] : []),
    `link add ${name} address ${macOf(nodeName, place.family)} mtu ${mtu} ${kind}`,
    // Nobody on the tunnel listens to multicasts.
    `link set ${name} addrgenmode none`,
    ...addressCommands(name, undefined, place.gateway),
  ];
}

function isRight(link: Link, options: VxlanOptions, { address, underlay }: Place): boolean {
  const { vxlan } = link;
  return (
    vxlan !== undefined &&
    vxlan.vni === options.vni &&
    vxlan.port === options.port &&
    vxlan.learning === options.learning &&
    vxlan.gbp === options.gbp &&
    canonical(vxlan.local) === address &&
    link.over === underlay.name &&
    parseMac(link.mac) !== undefined
  );
}

/** The kernel has one device of a number and port a family. */
function isRival({ vxlan }: Link, { vni, port }: VxlanOptions, family: IpFamily): boolean {
  return vxlan !== undefined && vxlan.vni === vni && vxlan.port === port && parseIp(vxlan.local)?.family === family;
}

function canonical(text: string): string {
  const address = parseIp(text);
  return address ? formatIp(address) : '';
}
