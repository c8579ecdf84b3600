/**
 * One thing that the kernel is told of a peer. An entry has a key, under which the kernel holds at most one, and commands that set or
 * remove it whatever stood before. Every value in it was printed by us. Pure.
 */
import { assertNever } from '../../base/index.ts';

export type Entry =
  /** Who has a next hop's address on a tunnel. */
  | { readonly kind: 'neighbour'; readonly device: string; readonly address: string; readonly mac: string }
  /** Where a tunnel sends what is for a station. */
  | {
      readonly kind: 'forwarding';
      readonly device: string;
      readonly mac: string;
      readonly destination: string;
      /** One of several for this station, which somebody else appended. */
      readonly extra?: true;
    }
  | {
      readonly kind: 'route';
      readonly subnet: string;
      /** Left out: the device itself knows, or (`unreachable`) there is no way. */
      readonly via?: string;
      readonly device: string;
      readonly onlink: boolean;
    };

/** Marks the routes that are ours, where a device does not. A number that no routing daemon has. */
export const routeProtocol = 107;

/** The next hop of a subnet that has none: packets for nobody are answered instead of following the default route out of the cluster. */
export const nowhere = 'unreachable';

export function keyOf(entry: Entry): string {
  switch (entry.kind) {
    case 'neighbour':
      return `neighbour ${entry.device} ${entry.address}`;
    case 'forwarding':
      return `forwarding ${entry.device} ${entry.mac}${entry.extra ? ` ${entry.destination}` : ''}`;
    case 'route':
      return `route ${entry.subnet}`;
    default:
      return assertNever(entry);
  }
}

/** Whether two entries of one key say the same. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return setCommand(a) === setCommand(b);
}

/** The program that takes an entry's commands. */
export type Program = 'bridge' | 'ip';

export function programOf({ kind }: Entry): Program {
  return kind === 'forwarding' ? 'bridge' : 'ip';
}

/** The command, without its program, that makes the entry stand. */
export function setCommand(entry: Entry): string {
  switch (entry.kind) {
    case 'neighbour':
      return `neigh replace ${entry.address} lladdr ${entry.mac} dev ${entry.device} nud permanent`;
    case 'forwarding':
      return `fdb replace ${entry.mac} dev ${entry.device} dst ${entry.destination} self permanent`;
    case 'route':
      if (entry.device === nowhere) return `route replace unreachable ${entry.subnet} proto ${routeProtocol}`;
      return `route replace ${entry.subnet}${entry.via ? ` via ${entry.via}` : ''} dev ${entry.device}${entry.onlink ? ' onlink' : ''} proto ${routeProtocol}`;
    default:
      return assertNever(entry);
  }
}

export function removeCommand(entry: Entry): string {
  switch (entry.kind) {
    case 'neighbour':
      return `neigh del ${entry.address} dev ${entry.device}`;
    case 'forwarding':
      return `fdb del ${entry.mac} dev ${entry.device} dst ${entry.destination} self`;
    case 'route':
      return entry.device === nowhere
        ? `route del unreachable ${entry.subnet} proto ${routeProtocol}`
        : `route del ${entry.subnet} dev ${entry.device}`;
    default:
      return assertNever(entry);
  }
}
