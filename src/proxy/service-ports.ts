/**
 * Which endpoints stand behind which address: Services and EndpointSlices turned into a flat list of virtual ports, as this node has to
 * serve them. Pure. @source kube-proxy v1.35, pkg/proxy (service and endpoint trackers, topology)
 */
import type { corev1, discoveryv1 } from '../api/index.ts';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** An endpoint's address and port. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
}

/** One address and port at which a Service is reached. */
export interface VirtualPort {
  /** `namespace/name:port`, for messages. */
  readonly service: string;
  /** The virtual address; undefined for a node port, which stands on every address of the node. */
  readonly ip: string | undefined;
  readonly protocol: Protocol;
  readonly port: number;
  readonly backends: readonly Backend[];
  /** No endpoint may be used: `reject` where the Service has none at all, `drop` where it has some, but none on this node as its policy asks. */
  readonly whenEmpty: 'reject' | 'drop';
  /** Seconds for which a client stays with its endpoint; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  /** Keep the client's address: only endpoints of this node are used, so the answer finds its way back. */
  readonly keepSource: boolean;
}

export interface ProxyInput {
  readonly services: readonly corev1.Service[];
  /** Slices by `namespace/service`. */
  readonly slicesOf: (namespace: string, service: string) => readonly discoveryv1.EndpointSlice[];
  readonly nodeName: string;
}

const serviceProxyLabel = 'service.kubernetes.io/service-proxy-name';
const defaultAffinitySeconds = 10_800;

/** Every virtual port of every Service, in a stable order. */
export function virtualPorts(input: ProxyInput): VirtualPort[] {
  return input.services.flatMap((service) => (isProxied(service) ? portsOf(service, input) : []));
}

function isProxied({ metadata, spec }: corev1.Service): boolean {
  return (
    spec.type !== 'ExternalName' &&
    Boolean(spec.clusterIP) &&
    spec.clusterIP !== 'None' &&
    metadata.labels?.[serviceProxyLabel] === undefined
  );
}

function portsOf(service: corev1.Service, input: ProxyInput): VirtualPort[] {
  const { spec, metadata } = service;
  const slices = input.slicesOf(metadata.namespace ?? '', metadata.name).filter(({ addressType }) => addressType === 'IPv4');
  return (spec.ports ?? []).flatMap((port) => {
    const all = usableEndpoints(slices, port, () => true);
    const local = usableEndpoints(slices, port, ({ nodeName }) => nodeName === input.nodeName);
    const base = {
      service: `${metadata.namespace}/${metadata.name}${port.name ? `:${port.name}` : ''}`,
      protocol: port.protocol ?? ('TCP' as const),
      affinitySeconds:
        spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : undefined,
    };
    const policy = (localOnly: boolean): Pick<VirtualPort, 'backends' | 'whenEmpty'> => ({
      backends: localOnly ? local : all,
      whenEmpty: localOnly && all.length > 0 ? 'drop' : 'reject',
    });
    const inside = policy(spec.internalTrafficPolicy === 'Local');
    const outsideLocal = spec.externalTrafficPolicy === 'Local';
    const outside = { ...policy(outsideLocal), keepSource: outsideLocal };
    const externalIps = [...(spec.externalIPs ?? []), ...loadBalancerIps(service)];
    return [
      ...clusterIps(spec).map((ip): VirtualPort => ({ ...base, ...inside, ip, port: port.port, keepSource: false })),
      ...externalIps.map((ip): VirtualPort => ({ ...base, ...outside, ip, port: port.port })),
      ...(port.nodePort ? [{ ...base, ...outside, ip: undefined, port: port.nodePort }] : []),
    ];
  });
}

function clusterIps(spec: corev1.ServiceSpec): string[] {
  return (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((ip) => ip.includes('.'));
}

function loadBalancerIps({ status }: corev1.Service): string[] {
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip?.includes('.') && ipMode !== 'Proxy' ? [ip] : []));
}

/** Ready endpoints; where there are none, those that still serve while they end. */
function usableEndpoints(
  slices: readonly discoveryv1.EndpointSlice[],
  port: corev1.ServicePort,
  isWanted: (endpoint: discoveryv1.Endpoint) => boolean,
): Backend[] {
  const ready = new Map<string, Backend>();
  const ending = new Map<string, Backend>();
  for (const { endpoints = [], ports = [] } of slices) {
    const slicePort = ports?.find(({ name }) => (name ?? '') === (port.name ?? ''));
    if (slicePort?.port === undefined) continue;
    for (const endpoint of endpoints ?? []) {
      const ip = endpoint.addresses[0];
      if (ip === undefined || !isWanted(endpoint)) continue;
      const backend = { ip, port: slicePort.port };
      const { conditions = {} } = endpoint;
      if (conditions.ready !== false) ready.set(`${ip}:${backend.port}`, backend);
      else if (conditions.serving !== false && conditions.terminating) ending.set(`${ip}:${backend.port}`, backend);
    }
  }
  const chosen = ready.size > 0 ? ready : ending;
  return [...chosen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend);
}
