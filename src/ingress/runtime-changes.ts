/**
 * What the running server is told so that it does as another plan says, without a new configuration. Routes and endpoints can be told;
 * backends, their places and certificates cannot. Pure.
 */
import { mapFile, renderMap, type ServerSettings, slotName } from './haproxy-config.ts';
import { type IngressPlan, mapNames } from './plan.ts';
import type { Slots } from './server-slots.ts';

/** What a running server has been given. */
export interface Applied {
  readonly plan: Pick<IngressPlan, 'backends' | 'maps' | 'certificates'>;
  readonly slots: ReadonlyMap<string, Slots>;
}

/** Orders are sent in pieces of at most this many characters; the server reads an order into one buffer. */
const maxOrderLength = 12_000;

/** Whether the server has all that the plan needs; backends and certificates that it has beyond that do no harm. */
export function canBeTold(applied: Applied, wanted: Applied): boolean {
  for (const [id, slots] of wanted.slots) if (applied.slots.get(id)?.length !== slots.length) return false;
  const before = applied.plan.certificates;
  const after = wanted.plan.certificates;
  return (
    before.length === after.length &&
    after.every(({ name, pem, hosts }, i) => {
      const old = before[i]!;
      return old.name === name && old.pem === pem && old.hosts.join(' ') === hosts.join(' ');
    })
  );
}

/** Orders for one backend's places: first whoever comes to a free place, so that there is always somebody to serve. */
export function slotOrders(backend: string, before: Slots, after: Slots): string[] {
  const coming: string[] = [];
  const leaving: string[] = [];
  for (const [i, endpoint] of after.entries()) {
    if (endpoint === before[i]) continue;
    const server = `${backend}/${slotName(i)}`;
    const leave = before[i] === undefined ? [] : [`set server ${server} state maint`];
    if (endpoint === undefined) leaving.push(...leave);
    else {
      const [address, port] = endpoint.split(' ');
      const come = [`set server ${server} addr ${address} port ${port}`, `set server ${server} state ready`];
      if (leave.length === 0) coming.push(...come);
      else leaving.push(...leave, ...come);
    }
  }
  return [...coming, ...leaving];
}

/** A map whose content is to be these lines. */
export interface ChangedMap {
  readonly file: string;
  readonly lines: readonly string[];
}

/** The maps that change, whole, since a map is replaced in one step; that of the hosts last, so that no host is known before its routes. */
export function changedMaps(
  settings: Pick<ServerSettings, 'directory'>,
  before: Applied['plan']['maps'],
  after: Applied['plan']['maps'],
): ChangedMap[] {
  return mapNames.toReversed().flatMap((name) => {
    const lines = renderMap(after[name]).split('\n').filter(Boolean);
    return renderMap(before[name]) === renderMap(after[name]) ? [] : [{ file: mapFile(settings, name), lines }];
  });
}

/** Cuts lines into pieces that the server takes as one order each. */
export function pieces(lines: readonly string[]): string[][] {
  const cut: string[][] = [[]];
  let length = 0;
  for (const line of lines) {
    if (length + line.length > maxOrderLength && length > 0) {
      cut.push([]);
      length = 0;
    }
    cut.at(-1)!.push(line);
    length += line.length + 1;
  }
  return cut;
}
