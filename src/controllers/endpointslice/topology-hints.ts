/**
 * Hints that share the ready endpoints of a Service out among zones by the CPU that each zone has, so that most traffic stays in its zone
 * and none of them gets more than a fifth too much. Pure; slices that stand keep their hints while these leave every zone its minimum.
 * @source k8s.io/endpointslice topologycache, v1.35 (annotation service.kubernetes.io/topology-mode)
 */
import type { corev1, discoveryv1 } from '../../api/index.ts';
import type { EndpointGroup, SlicePlan } from './pack.ts';

type Endpoint = discoveryv1.Endpoint;
type Slice = discoveryv1.EndpointSlice;

/** Share of the cluster's CPU by zone; together 1. */
export type ZoneRatios = ReadonlyMap<string, number>;
/** How many endpoints serve each zone. */
export type ZoneCounts = ReadonlyMap<string, number>;

/** So much more than its share of the traffic an endpoint may get. */
const overloadThreshold = 0.2;

const annotations = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'] as const;

/** Whether the Service asks for hints by its annotation. The old annotation goes before the new one. */
export function wantsTopologyHints({ metadata }: corev1.Service): boolean {
  const value = metadata.annotations?.[annotations[0]] ?? metadata.annotations?.[annotations[1]];
  return value === 'Auto' || value === 'auto';
}

/** Either hints in every slice that is written, or why there are none. */
export type HintedPlan =
  | { readonly type: 'hinted'; readonly plan: SlicePlan; readonly counts: ZoneCounts }
  | { readonly type: 'refused'; readonly plan: SlicePlan; readonly reason: string };

export interface TopologyOptions {
  /** Slices of the Service and address type, as they stand. */
  readonly existing: readonly Slice[];
  /** Undefined: not every node says its zone and CPU, or there are fewer than two zones. */
  readonly ratios: ZoneRatios | undefined;
}

export function addTopologyHints(plan: SlicePlan, { existing, ratios }: TopologyOptions): HintedPlan {
  const refused = (reason: string): HintedPlan => ({ type: 'refused', plan: withoutHints(plan, existing), reason });
  const untouched = unchangedSlices(plan, existing);
  const total = readyCount([...plan.create, ...plan.update, ...untouched]);
  const allocations = allocate(total, ratios);
  if (typeof allocations === 'string') return refused(allocations);
  const counts = new Map<string, number>();
  const update = [...plan.update];
  for (const slice of untouched) {
    const own = standingHints(slice, { allocations, counts });
    if (!own) update.push({ slice, endpoints: slice.endpoints });
    else for (const [zone, count] of own) counts.set(zone, (counts.get(zone) ?? 0) + count);
  }
  const written = [...plan.create, ...update].flatMap(({ endpoints }) => endpoints);
  const ready = written.filter(isReady);
  if (ready.some(({ zone }) => !zone)) return refused('One or more endpoints do not have a zone specified');
  for (const { zone } of ready) counts.set(zone!, (counts.get(zone!) ?? 0) + 1);
  const moved = redistribute(ready, { allocations, counts });
  if (counts.size === 0) return refused('No hints allocated for zones');
  const hinted = <T extends { readonly endpoints: readonly Endpoint[] }>(part: T): T => ({
    ...part,
    endpoints: part.endpoints.map((endpoint) =>
      isReady(endpoint) ? { ...endpoint, hints: { forZones: [{ name: moved.get(endpoint) ?? endpoint.zone! }] } } : unhinted(endpoint),
    ),
  });
  return { type: 'hinted', plan: { create: plan.create.map(hinted), update: update.map(hinted), remove: plan.remove }, counts };
}

/** Whether some zone has fewer endpoints than its share of the traffic needs. */
export function isOverloaded(counts: ZoneCounts, ratios: ZoneRatios | undefined): boolean {
  if (!ratios) return true;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...ratios].some(([zone, ratio]) => (counts.get(zone) ?? -1) < leastOf(total * ratio));
}

/** The zones' shares of the CPU of ready nodes; control planes serve no traffic. */
export function zoneRatios(nodes: readonly corev1.Node[], cpuMillis: (node: corev1.Node) => number): ZoneRatios | undefined {
  const millis = new Map<string, number>();
  for (const node of nodes) {
    const { labels = {} } = node.metadata;
    if (excludedRoles.some((role) => Object.hasOwn(labels, role)) || !isNodeReady(node)) continue;
    const zone = labels['topology.kubernetes.io/zone'];
    const cpu = cpuMillis(node);
    if (!zone || cpu === 0) return undefined;
    millis.set(zone, (millis.get(zone) ?? 0) + cpu);
  }
  if (millis.size < 2) return undefined;
  const total = [...millis.values()].reduce((sum, each) => sum + each, 0);
  return new Map([...millis].map(([zone, each]) => [zone, each / total]));
}

const excludedRoles = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

function isNodeReady({ status }: corev1.Node): boolean {
  return (status.conditions ?? []).find(({ type }) => type === 'Ready')?.status === 'True';
}

interface Allocation {
  readonly maximum: number;
  readonly desired: number;
}

function leastOf(desired: number): number {
  return Math.ceil(desired / (1 + overloadThreshold));
}

/** How many endpoints each zone is to have; a sentence when no shares come out right. */
function allocate(total: number, ratios: ZoneRatios | undefined): ReadonlyMap<string, Allocation> | string {
  if (!ratios) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const counted = `(${total} endpoints, ${ratios.size} zones)`;
  if (ratios.size > total) return `Insufficient number of endpoints ${counted}`;
  const minima = new Map([...ratios].map(([zone, ratio]) => [zone, leastOf(ratio * total)]));
  const spare = total - [...minima.values()].reduce((sum, least) => sum + least, 0);
  if (spare < 0) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counted}`;
  return new Map(
    [...minima].map(([zone, least]) => [zone, { maximum: least + spare, desired: Math.max(ratios.get(zone)! * total, least) }]),
  );
}

/** The zones of an unchanged slice's hints; undefined when they cannot stay. */
function standingHints(
  { endpoints }: Slice,
  { allocations, counts }: { readonly allocations: ReadonlyMap<string, Allocation>; readonly counts: ZoneCounts },
): ZoneCounts | undefined {
  const own = new Map<string, number>();
  for (const endpoint of endpoints.filter(isReady)) {
    const zones = endpoint.hints?.forZones ?? [];
    if (zones.length === 0) return undefined;
    for (const { name } of zones) {
      if (!allocations.has(name)) return undefined;
      own.set(name, (own.get(name) ?? 0) + 1);
    }
  }
  const tooMany = [...own].some(([zone, count]) => count + (counts.get(zone) ?? 0) > allocations.get(zone)!.maximum);
  return tooMany ? undefined : own;
}

/** Gives endpoints of zones with more than their share to zones with less; changes `counts`. Returns the endpoints' new zones. */
function redistribute(
  ready: readonly Endpoint[],
  { allocations, counts }: { readonly allocations: ReadonlyMap<string, Allocation>; readonly counts: Map<string, number> },
): ReadonlyMap<Endpoint, string> {
  const { giving, receiving } = givingAndReceiving(allocations, counts);
  const moved = new Map<Endpoint, string>();
  for (const endpoint of ready) {
    const from = endpoint.zone!;
    const [to] = receiving.keys();
    if (to === undefined || giving.size === 0) break;
    if (!giving.has(from)) continue;
    moved.set(endpoint, to);
    for (const [zones, zone] of [[giving, from] as const, [receiving, to] as const]) {
      const left = zones.get(zone)! - 1;
      if (left === 0) zones.delete(zone);
      else zones.set(zone, left);
    }
    counts.set(to, (counts.get(to) ?? 0) + 1);
    counts.set(from, (counts.get(from) ?? 0) - 1);
  }
  return moved;
}

function givingAndReceiving(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ZoneCounts,
): { readonly giving: Map<string, number>; readonly receiving: Map<string, number> } {
  const surplus = new Map<string, number>();
  const lack = new Map<string, number>();
  for (const [zone, { desired }] of allocations) {
    const difference = (counts.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) lack.set(zone, -difference);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [from, toGive] = greatest(surplus);
    const [to, toReceive] = greatest(lack);
    // Half an endpoint is rounded to one, where the other side has a whole one.
    if (from === undefined || to === undefined || (toGive < 1 && toReceive < 1) || toGive < 0.5 || toReceive < 0.5) break;
    giving.set(from, (giving.get(from) ?? 0) + 1);
    surplus.set(from, toGive - 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
    lack.set(to, toReceive - 1);
  }
  return { giving, receiving };
}

function greatest(zones: ReadonlyMap<string, number>): [string | undefined, number] {
  let found: [string | undefined, number] = [undefined, 0];
  for (const entry of zones) if (entry[1] > found[1]) found = entry;
  return found;
}

/** The plan with no hints anywhere: slices that have some are written too. */
function withoutHints(plan: SlicePlan, existing: readonly Slice[]): SlicePlan {
  const stale = unchangedSlices(plan, existing).filter(({ endpoints }) => endpoints.some(({ hints }) => hints !== undefined));
  const bare = ({ ports, endpoints }: EndpointGroup): EndpointGroup => ({ ports, endpoints: endpoints.map(unhinted) });
  const update = [...plan.update, ...stale.map((slice) => ({ slice, endpoints: slice.endpoints }))];
  return {
    create: plan.create.map(bare),
    update: update.map(({ slice, endpoints }) => ({ slice, endpoints: endpoints.map(unhinted) })),
    remove: plan.remove,
  };
}

function unchangedSlices({ update, remove }: SlicePlan, existing: readonly Slice[]): Slice[] {
  const changed = new Set([...update.map(({ slice }) => slice), ...remove]);
  return existing.filter((slice) => !changed.has(slice));
}

function unhinted(endpoint: Endpoint): Endpoint {
  const { hints: _, ...rest } = endpoint;
  return rest;
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

function readyCount(parts: readonly { readonly endpoints: readonly Endpoint[] }[]): number {
  return parts.reduce((sum, { endpoints }) => sum + endpoints.filter(isReady).length, 0);
}
