/**
 * One virtual port as elements of the table's maps, with the chains and sets it shares with others. Pure.
 *
 * Where traffic from outside is kept to the node (`shortCircuit`), the port leads to `by-source`, which tells traffic of this node and its
 * pods (`near-services`, slots from `nearOffset` on) from what came from elsewhere (`far-services`).
 */
import type { IpFamily } from '../api/index.ts';
import type { Backend, VirtualPort } from './service-ports.ts';
import { balancingChain, nearOffset, type SharedChain, sourcesChain } from './shared-chain.ts';
import { assignSlots, stickyIds } from './slots.ts';
import type { MapName, TableOptions } from './table-frame.ts';

/** A virtual port on one address, with the slots of its endpoints. */
export interface PlacedPort {
  readonly key: string;
  readonly port: VirtualPort;
  /** `IP . port` of the endpoints by slot. */
  readonly slots: readonly string[];
  /** The same for the short circuit. */
  readonly nearSlots: readonly string[];
}

/** An element of a map or (without a value) of a set. */
export interface Element {
  readonly family: IpFamily;
  readonly map: MapName;
  readonly key: string;
  readonly value: string | undefined;
}

/** What a port puts into the table. */
export interface PortParts {
  /** Elements of its own. */
  readonly elements: readonly Element[];
  /** Elements of sets that other ports may ask for too. */
  readonly shared: readonly Element[];
  readonly chains: readonly SharedChain[];
}

const noParts: PortParts = { elements: [], shared: [], chains: [] };

/** The key of a virtual port in every map: `address . protocol . port`. */
export function portKey(ip: string, { protocol, port }: Pick<VirtualPort, 'protocol' | 'port'>): string {
  return `${ip} . ${protocol.toLowerCase()} . ${port}`;
}

/** The port with its endpoints in slots that differ as little as can be from those before. */
export function placePort(key: string, port: VirtualPort, before: PlacedPort | undefined): PlacedPort {
  return {
    key,
    port,
    slots: assignSlots(before?.slots ?? [], port.backends.map(textOf)),
    nearSlots: assignSlots(before?.nearSlots ?? [], (port.shortCircuit ?? []).map(textOf)),
  };
}

function textOf({ ip, port }: Backend): string {
  return `${ip} . ${port}`;
}

/** Everything that a port needs in the table; nothing for one that is not there. */
export function partsOf(placed: PlacedPort | undefined, options: TableOptions): PortParts {
  if (!placed) return noParts;
  const { key, port, slots, nearSlots } = placed;
  const { family } = port;
  const elements: Element[] = [];
  const chains: SharedChain[] = [];
  const add = (map: MapName, elementKey: string, value: string): void => void elements.push({ family, map, key: elementKey, value });
  const balance = (near: boolean): string => {
    const chosen = near ? nearSlots : slots;
    const masquerade = near ? 'never' : port.masquerade;
    const chain = balancingChain(family, { masquerade, count: chosen.length, affinitySeconds: port.affinitySeconds, near, key }, options);
    chains.push(chain);
    for (const [name, slot, value] of slotElements(chosen, { near, sticky: port.affinitySeconds !== undefined }))
      add(name, `${key} . ${slot}`, value);
    return `goto ${chain.name}`;
  };
  if (port.allowedSources !== undefined) {
    const chain = sourcesChain(family, port.allowedSources);
    chains.push(chain);
    add('firewall', key, `goto ${chain.name}`);
  }
  if (nearSlots.length > 0) {
    add('services', key, 'goto by-source');
    add('near-services', key, balance(true));
    if (slots.length > 0) add('far-services', key, balance(false));
  } else if (slots.length > 0) add('services', key, balance(false));
  if (slots.length === 0) add('no-endpoints', key, port.whenEmpty === 'drop' ? 'drop' : 'goto refuse');
  return { elements, shared: sharedElements(placed), chains };
}

function slotElements(
  slots: readonly string[],
  { near, sticky }: { readonly near: boolean; readonly sticky: boolean },
): (readonly [MapName, number, string])[] {
  const first = near ? nearOffset : 0;
  if (!sticky) return slots.map((backend, slot) => ['endpoints', first + slot, backend] as const);
  const ids = stickyIds(slots);
  return slots.flatMap((backend, slot) => {
    const id = ids.get(backend)! + (near ? 2 ** 31 : 0);
    return [['picks', first + slot, String(id)] as const, ['sticky', id, backend] as const];
  });
}

function sharedElements({ key, port, slots, nearSlots }: PlacedPort): Element[] {
  const { family } = port;
  const addresses = new Set([...slots, ...nearSlots].map((backend) => backend.slice(0, backend.indexOf(' '))));
  const shared = [...addresses].map((ip): Element => ({ family, map: 'hairpin', key: `${ip} . ${ip}`, value: undefined }));
  if (port.kind === 'clusterIP') shared.push({ family, map: 'cluster-ips', key: key.slice(0, key.indexOf(' ')), value: undefined });
  return shared;
}
