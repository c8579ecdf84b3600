/**
 * Puts endpoints into slices so that few slices change: what stands stays where it is, new endpoints go into slices that change
 * anyway, then into one with room, then into new ones. Pure.
 * @source k8s.io/endpointslice reconciler.go reconcileByPortMapping, v1.35
 */
import type { discoveryv1 } from '../../api/index.ts';
import { semanticEqual } from '../semantic-equal.ts';

type Slice = discoveryv1.EndpointSlice;
type Endpoint = discoveryv1.Endpoint;

/** Endpoints that share their ports, and so may share slices. */
export interface EndpointGroup {
  readonly ports: readonly discoveryv1.EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePlan {
  readonly create: readonly EndpointGroup[];
  /** Slices with the endpoints that they get. */
  readonly update: readonly { readonly slice: Slice; readonly endpoints: readonly Endpoint[] }[];
  readonly remove: readonly Slice[];
}

export interface PackOptions {
  /** Slices of one Service and one address type. */
  readonly existing: readonly Slice[];
  readonly groups: readonly EndpointGroup[];
  readonly maxPerSlice: number;
  /** Labels or owner of a slice are not what they should be. */
  readonly isOutdated: (slice: Slice) => boolean;
}

export function packSlices({ existing, groups, maxPerSlice, isOutdated }: PackOptions): SlicePlan {
  const byPorts = Map.groupBy(existing, ({ ports = [] }) => portsKey(ports));
  const plans = groups.map((group) => {
    const key = portsKey(group.ports);
    const slices = byPorts.get(key) ?? [];
    byPorts.delete(key);
    return packGroup(group, { slices, maxPerSlice, isOutdated });
  });
  // Slices whose ports nobody has any more.
  const orphaned = [...byPorts.values()].flat();
  const create = plans.flatMap((plan) => plan.create);
  const update = plans.flatMap((plan) => plan.update);
  const remove = [...plans.flatMap((plan) => plan.remove), ...orphaned];
  return withPlaceholder({ create, update, remove }, { existing, isOutdated });
}

/** The groups with the hints that their endpoints have in the slices, so that those alone make no slice differ. */
export function withStandingHints(groups: readonly EndpointGroup[], existing: readonly Slice[]): EndpointGroup[] {
  const standing = new Map(existing.flatMap(({ endpoints }) => endpoints.map((endpoint) => [identityOf(endpoint), endpoint.hints])));
  return groups.map(({ ports, endpoints }) => ({
    ports,
    endpoints: endpoints.map((endpoint) => {
      const hints = standing.get(identityOf(endpoint));
      return hints ? { ...endpoint, hints } : endpoint;
    }),
  }));
}

/** A Service without endpoints still has one, empty slice: proof that somebody looked. */
function withPlaceholder(plan: SlicePlan, { existing, isOutdated }: Pick<PackOptions, 'existing' | 'isOutdated'>): SlicePlan {
  if (plan.create.length > 0 || plan.remove.length < existing.length) return plan;
  const kept = existing.find(({ endpoints, ports = [] }) => endpoints.length === 0 && ports.length === 0);
  if (!kept) return { ...plan, create: [{ ports: [], endpoints: [] }] };
  const remove = plan.remove.filter((slice) => slice !== kept);
  return { create: [], update: isOutdated(kept) ? [{ slice: kept, endpoints: [] }] : [], remove };
}

function packGroup(
  group: EndpointGroup,
  { slices, maxPerSlice, isOutdated }: { readonly slices: readonly Slice[] } & Pick<PackOptions, 'maxPerSlice' | 'isOutdated'>,
): SlicePlan {
  const missing = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const changed: { slice: Slice; endpoints: Endpoint[] }[] = [];
  const unchanged: Slice[] = [];
  const remove: Slice[] = [];
  for (const slice of slices) {
    const endpoints: Endpoint[] = [];
    let same = true;
    for (const endpoint of slice.endpoints) {
      const wanted = missing.get(identityOf(endpoint));
      missing.delete(identityOf(endpoint));
      if (wanted) endpoints.push(wanted);
      same &&= wanted !== undefined && semanticEqual(wanted, endpoint);
    }
    if (endpoints.length === 0) remove.push(slice);
    else if (!same || isOutdated(slice)) changed.push({ slice, endpoints });
    else unchanged.push(slice);
  }
  const left = [...missing.values()];
  changed.sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const { endpoints } of changed) endpoints.push(...left.splice(0, maxPerSlice - endpoints.length));
  const roomy = fullestWithRoom(unchanged, left.length, maxPerSlice);
  if (roomy) changed.push({ slice: roomy, endpoints: [...roomy.endpoints, ...left.splice(0)] });
  // A slice that lost all it had is refilled rather than replaced.
  while (left.length > 0 && remove.length > 0) changed.push({ slice: remove.pop()!, endpoints: left.splice(0, maxPerSlice) });
  const create: EndpointGroup[] = [];
  while (left.length > 0) create.push({ ports: group.ports, endpoints: left.splice(0, maxPerSlice) });
  return { create, update: changed, remove };
}

function fullestWithRoom(slices: readonly Slice[], count: number, max: number): Slice | undefined {
  if (count === 0) return undefined;
  const fitting = slices.filter(({ endpoints }) => endpoints.length + count <= max);
  return fitting.sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
}

/** Two endpoints with one identity are one endpoint that changed. */
export function identityOf({ addresses, hostname, targetRef }: Endpoint): string {
  return `${addresses.join()} ${hostname ?? ''} ${targetRef?.uid ?? targetRef?.name ?? ''}`;
}

export function portsKey(ports: readonly discoveryv1.EndpointPort[]): string {
  return JSON.stringify(
    ports.map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => JSON.stringify([name, port, protocol, appProtocol])).sort(),
  );
}

export function formatSlicePlan({ create, update, remove }: SlicePlan): string {
  const lines = [
    ...create.map(({ endpoints }) => `create with ${endpoints.length}`),
    ...update.map(({ slice, endpoints }) => `update ${slice.metadata.name} to ${endpoints.length}`),
    ...remove.map(({ metadata }) => `remove ${metadata.name}`),
  ];
  return lines.join('\n') || 'nothing';
}
