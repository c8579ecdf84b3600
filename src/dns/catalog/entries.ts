/**
 * What DNS keeps of the cluster's objects: small plain data that travel to the thread that answers, one Service or one slice at a time. Pure.
 */
import type { corev1, discoveryv1 } from '../../api/index.ts';

export interface PortEntry {
  readonly name: string;
  /** Lower case. */
  readonly protocol: string;
  readonly port: number;
}

export interface ServiceEntry {
  /** `<namespace>/<name>` */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'clusterIp' | 'headless' | 'externalName';
  /** Its own addresses. */
  readonly ips: readonly string[];
  readonly externalName: string;
  readonly ports: readonly PortEntry[];
  /** Left out where nobody asks for them. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface EndpointEntry {
  readonly ips: readonly string[];
  readonly hostname?: string;
  /** The pod behind it. */
  readonly pod?: string;
}

export interface SliceEntry {
  /** `<namespace>/<name>` of the slice. */
  readonly id: string;
  /** `<namespace>/<name>` of the Service. */
  readonly service: string;
  /** Those that are ready. */
  readonly endpoints: readonly EndpointEntry[];
  readonly ports: readonly PortEntry[];
  /** When the change that this version tells of happened, in milliseconds since the epoch. */
  readonly triggeredMs?: number;
}

export interface NamespaceEntry {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PodEntry {
  readonly id: string;
  readonly namespace: string;
  readonly ips: readonly string[];
}

/** Which objects changed, by kind: what they are now, and the keys of those that are gone. */
export interface CatalogDelta {
  /** Everything known before is forgotten first. */
  readonly reset: boolean;
  readonly services: Delta<ServiceEntry>;
  readonly slices: Delta<SliceEntry>;
  readonly namespaces: Delta<NamespaceEntry>;
  readonly pods: Delta<PodEntry>;
}

export interface Delta<Entry> {
  readonly put: readonly Entry[];
  readonly gone: readonly string[];
}

const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const serviceLabel = 'kubernetes.io/service-name';

export function serviceEntry({ metadata, spec }: corev1.Service, options: { readonly labels: boolean }): ServiceEntry {
  const { namespace = '', name, labels } = metadata;
  const external = spec.type === 'ExternalName';
  const given = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const headless = given[0] === 'None';
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    kind: external ? 'externalName' : headless ? 'headless' : 'clusterIp',
    ips: external || headless ? [] : given,
    externalName: external ? (spec.externalName ?? '') : '',
    ports: (spec.ports ?? []).map((port) => portEntry(port)),
    ...(options.labels && labels && { labels }),
  };
}

/** @returns undefined for slices that belong to no Service or hold names instead of addresses */
export function sliceEntry({ metadata, addressType, endpoints, ports }: discoveryv1.EndpointSlice): SliceEntry | undefined {
  const service = metadata.labels?.[serviceLabel];
  if (!service || addressType === 'FQDN') return undefined;
  const { namespace = '', name, annotations } = metadata;
  const triggeredMs = Date.parse(annotations?.[triggerAnnotation] ?? '');
  return {
    id: `${namespace}/${name}`,
    service: `${namespace}/${service}`,
    endpoints: (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .map(({ addresses, hostname, targetRef }) => ({
        ips: addresses,
        ...(hostname !== undefined && hostname !== '' && { hostname: hostname.toLowerCase() }),
        ...(targetRef?.kind === 'Pod' && targetRef.name && { pod: targetRef.name }),
      })),
    ports: (ports ?? []).map((port) => portEntry(port)),
    ...(Number.isFinite(triggeredMs) && { triggeredMs }),
  };
}

export function podEntry({ metadata, status }: corev1.Pod): PodEntry {
  const ips = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return { id: `${metadata.namespace}/${metadata.name}`, namespace: metadata.namespace ?? '', ips };
}

function portEntry({ name, protocol, port }: { readonly name?: string; readonly protocol?: string; readonly port?: number }): PortEntry {
  return { name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port: port ?? 0 };
}
