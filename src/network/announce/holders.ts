/**
 * Which node answers for which address of the pool. Every node decides by itself and comes to the same: the highest hash of address and
 * node among those that can serve, so that an address moves only when its holder goes or a better one comes. Pure.
 */
import { createHash } from 'node:crypto';
import { type AddressPool, type corev1, type discoveryv1, formatIp, isConditionTrue, parseIp, poolContains } from '../../api/index.ts';

export interface HolderInput {
  /** Those that may have addresses of the pool. */
  readonly services: readonly corev1.Service[];
  /** Slices of a Service. */
  readonly slicesOf: (service: corev1.Service) => readonly discoveryv1.EndpointSlice[];
  readonly nodes: readonly corev1.Node[];
  readonly pool: AddressPool;
}

export interface Holder {
  readonly ip: string;
  readonly node: string;
  /** The Service whose address it is. */
  readonly service: corev1.Service;
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

/** One holder for each address; none for an address that no node can serve. Where two Services claim an address, the older one has it. */
export function holdersOf({ services, slicesOf, nodes, pool }: HolderInput): Holder[] {
  const candidates = nodes.filter(canAnnounce).map(({ metadata }) => metadata.name);
  const holders = new Map<string, Holder>();
  for (const service of services.toSorted(byAge)) {
    const ips = pooledAddresses(service, pool).filter((ip) => !holders.has(ip));
    if (ips.length === 0) continue;
    const able = isLocal(service) ? keepServing(candidates, slicesOf(service)) : candidates;
    for (const ip of ips) {
      const node = highest(ip, able);
      if (node !== undefined) holders.set(ip, { ip, node, service });
    }
  }
  return [...holders.values()];
}

/** Addresses of the pool that the Service was given, in canonical text. */
export function pooledAddresses({ spec, status }: corev1.Service, pool: AddressPool): string[] {
  if (spec.type !== 'LoadBalancer') return [];
  const ips = (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => {
    const address = ip === undefined ? undefined : parseIp(ip);
    return address && poolContains(pool, address) ? [formatIp(address)] : [];
  });
  return [...new Set(ips)];
}

/** A node that is sent traffic of load balancers. */
export function canAnnounce({ metadata, spec, status }: corev1.Node): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    metadata.labels?.[excludeLabel] === undefined &&
    !(spec?.taints ?? []).some(({ key }) => key === toBeDeletedTaint) &&
    isConditionTrue(status?.conditions, 'Ready')
  );
}

/** Only nodes with endpoints may have the traffic. */
export function isLocal({ spec }: corev1.Service): boolean {
  return spec.externalTrafficPolicy === 'Local';
}

/** The nodes with a ready endpoint; where there is none, those with one that ends and still serves. */
function keepServing(nodes: readonly string[], slices: readonly discoveryv1.EndpointSlice[]): string[] {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const namesOf = (usable: readonly discoveryv1.Endpoint[]): Set<string> => new Set(usable.flatMap(({ nodeName }) => nodeName ?? []));
  const ready = namesOf(endpoints.filter(({ conditions }) => conditions?.ready !== false));
  const best = nodes.filter((node) => ready.has(node));
  if (best.length > 0) return best;
  const ending = namesOf(endpoints.filter(({ conditions }) => conditions?.serving !== false && conditions?.terminating === true));
  return nodes.filter((node) => ending.has(node));
}

function highest(ip: string, nodes: readonly string[]): string | undefined {
  const weighed = nodes.map((node) => ({ node, weight: createHash('sha256').update(`${ip} ${node}`).digest('hex') }));
  return weighed.toSorted((a, b) => (a.weight < b.weight ? 1 : -1))[0]?.node;
}

function byAge(a: corev1.Service, b: corev1.Service): number {
  const text = ({ metadata }: corev1.Service): string => `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
  return text(a) < text(b) ? -1 : 1;
}
