/**
 * What a backend is: how packets for another node's pods get there. A backend decides, from what is there; running its commands is the
 * fabric's. Pure, all of it.
 */
import type { IpFamily } from '../../api/index.ts';
import type { Entry } from '../fabric/entry.ts';
import type { Link } from '../fabric/kernel.ts';
import type { Reach } from '../nodes/annotations.ts';
import type { Lease } from '../nodes/node-claim.ts';

/** This node in one family. */
export interface Place {
  readonly family: IpFamily;
  /** The node's pods. */
  readonly subnet: string;
  /** The subnet's first address. */
  readonly gateway: string;
  /** The node's own address, by which it sends. */
  readonly address: string;
  /** What other nodes are told to send to. */
  readonly publicIp: string;
  /** The interface that has `address`. */
  readonly underlay: Link;
  /** Largest packet that leaves the node. */
  readonly mtu: number;
}

export interface Backend {
  /** Names of interfaces that are the backend's own. */
  readonly devices: readonly string[];
  /** Largest packet of a pod. */
  readonly podMtu: number;
  /**
   * Lines of `ip -batch` that make the devices what they shall be; none when they are. A device that is right is never built anew: packets
   * of running pods are in it.
   * @throws NetworkError when something is in the way
   */
  deviceCommands(links: readonly Link[]): readonly string[];
  /** What other nodes have to know, once the devices stand. */
  reaches(links: readonly Link[]): readonly Reach[];
  /** What leads to another node; or why nothing can. */
  entriesOf(leases: readonly Lease[]): readonly Entry[] | { readonly refused: string };
}

/** Lines that give a device exactly this address (beside the link's own) and bring it up. */
export function addressCommands(device: string, link: Link | undefined, address: string): string[] {
  const prefixLength = address.includes(':') ? 128 : 32;
  const has = link?.addresses ?? [];
  const right = (each: Link['addresses'][number]): boolean => each.address === address && each.prefixLength === prefixLength;
  return [
    ...has
      .filter((each) => !right(each) && !each.address.startsWith('fe80:'))
      .map((each) => `addr del ${each.address}/${each.prefixLength} dev ${device}`),
    ...(has.some(right) ? [] : [`addr add ${address}/${prefixLength} dev ${device}${prefixLength === 128 ? ' nodad' : ''}`]),
    ...(link?.up ? [] : [`link set ${device} up`]),
  ];
}
