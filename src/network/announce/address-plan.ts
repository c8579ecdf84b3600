/**
 * What is to be told to the kernel so that the node answers for exactly these addresses. The kernel itself answers for what stands on the
 * interface, and tells the neighbours when the interface is given a hardware address, also the one that it has. Pure.
 */
import { type AddressPool, parseIp, poolContains } from '../../api/index.ts';
import type { Link } from '../fabric/kernel.ts';

export interface AddressPlan {
  /** Lines of one `ip -batch`; none when all is as it should be. */
  readonly lines: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * @param link the interface that has the node's own address
 * @param wanted addresses in canonical text
 */
export function planAnnouncement(link: Link, wanted: readonly string[], pool: AddressPool): AddressPlan {
  const has = heldAddresses(link, pool);
  const added = wanted.filter((ip) => !has.includes(ip));
  const removed = has.filter((ip) => !wanted.includes(ip));
  return {
    added,
    removed,
    lines: [
      ...removed.map((ip) => `addr del ${host(ip)} dev ${link.name}`),
      // An address of a Service is never what the node itself speaks by: "deprecated" keeps it from being chosen.
      ...added.map((ip) => `addr add ${host(ip)} dev ${link.name}${ip.includes(':') ? ' nodad preferred_lft 0' : ''}`),
      ...(added.length > 0 ? [tellNeighbours(link)] : []),
    ],
  };
}

/** The line that has the kernel tell all neighbours of the interface's addresses. */
export function tellNeighbours({ name, mac }: Link): string {
  return `link set dev ${name} address ${mac}`;
}

/** Addresses of the pool that stand on the interface: nobody but an announcer puts them there. */
export function heldAddresses({ addresses }: Link, pool: AddressPool): string[] {
  return addresses.flatMap(({ address, prefixLength }) => {
    const parsed = parseIp(address);
    const single = prefixLength === (parsed?.family === 'IPv6' ? 128 : 32);
    return parsed && single && poolContains(pool, parsed) ? [address] : [];
  });
}

function host(ip: string): string {
  return `${ip}/${ip.includes(':') ? 128 : 32}`;
}
