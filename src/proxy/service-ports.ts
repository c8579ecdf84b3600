/**
 * What a Service means on this node: its addresses and ports, the endpoints behind each, and what is done with the packets, as a flat list
 * that says nothing of how rules are written. Pure: one Service and its slices in, so that a change costs what it changes.
 * @source kube-proxy v1.35, pkg/proxy/serviceport.go and servicechangetracker.go
 */
import { type corev1, type discoveryv1, formatIp, type IpFamily, parseIp } from '../api/index.ts';
import { chooseEndpoints, type EndpointChoice, type NodePlace } from './endpoint-choice.ts';
import { type Backend, endpointsOf } from './endpoint-list.ts';
import { sourceRangesOf } from './source-ranges.ts';

export type { Backend } from './endpoint-list.ts';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** One address and port at which a Service is reached, in one family. */
export interface VirtualPort {
  /** `namespace/name:port`, for messages. */
  readonly service: string;
  readonly family: IpFamily;
  /** What the address is of; where two Services claim one, cluster IPs go before the rest. */
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancerIP' | 'nodePort';
  /** The virtual address in canonical text; undefined for a node port, which stands on every address of the node. */
  readonly ip: string | undefined;
  readonly protocol: Protocol;
  readonly port: number;
  /** Endpoints for all traffic, save what `shortCircuit` says. */
  readonly backends: readonly Backend[];
  /**
   * Endpoints for traffic of this node's pods (source kept) and of the node itself (masqueraded): what stands in for a load balancer that
   * would bring them to any node. Present where external traffic is kept to the node; may have endpoints where `backends` has none.
   */
  readonly shortCircuit: readonly Backend[] | undefined;
  /** No endpoint may be used: `reject` where the Service has none at all, `drop` where it has some, but none on this node as its policy asks. */
  readonly whenEmpty: 'reject' | 'drop';
  /** Seconds for which a client stays with its endpoint; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  /**
   * Whose source becomes the node's, so that the answer comes back this way: of all (`always`), of all but pods (`unlessPod`), of none
   * (`never`: only endpoints of this node are used). An endpoint that reaches itself is always masqueraded.
   */
  readonly masquerade: 'always' | 'unlessPod' | 'never';
  /** Ranges in canonical text from which packets are let in, the others are dropped; undefined: from everywhere. May be empty: from nowhere. */
  readonly allowedSources: readonly string[] | undefined;
}

/** What of the node matters. */
export interface ProxyContext extends NodePlace {
  /** The node's own addresses. */
  readonly nodeIps: readonly string[];
}

export interface ProxyInput extends ProxyContext {
  readonly services: readonly corev1.Service[];
  /** Slices by `namespace/service`. */
  readonly slicesOf: (namespace: string, service: string) => readonly discoveryv1.EndpointSlice[];
}

const serviceProxyLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';
const defaultAffinitySeconds = 10_800;

/** Every virtual port of every Service, in a stable order. */
export function virtualPorts(input: ProxyInput): VirtualPort[] {
  return input.services.flatMap((service) =>
    virtualPortsOf(service, input.slicesOf(service.metadata.namespace ?? '', service.metadata.name), input),
  );
}

/** The virtual ports of one Service; none when it is not ours to serve. @param slices those labelled with its name */
export function virtualPortsOf(
  service: corev1.Service,
  slices: readonly discoveryv1.EndpointSlice[],
  context: ProxyContext,
): VirtualPort[] {
  if (!isProxied(service)) return [];
  return clusterIpsOf(service).flatMap(({ ip, family }) =>
    (service.spec.ports ?? []).flatMap((port) => {
      const choice = chooseEndpoints(endpointsOf(slices, port, { family, nodeName: context.nodeName }), context);
      return portsOf(service, port, { clusterIp: ip, family, choice, context });
    }),
  );
}

/** This proxy serves it: it has a cluster IP, and no label gives it to another. */
export function isProxied({ metadata, spec }: corev1.Service): boolean {
  return (
    spec.type !== 'ExternalName' &&
    Boolean(spec.clusterIP) &&
    spec.clusterIP !== 'None' &&
    metadata.labels?.[serviceProxyLabel] === undefined &&
    metadata.labels?.[headlessLabel] === undefined
  );
}

/** Traffic from outside stays on the node that it comes to. @source k8s.io/kubernetes/pkg/api/v1/service ExternalPolicyLocal */
export function externalPolicyIsLocal({ spec }: corev1.Service): boolean {
  const fromOutside = spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.externalIPs ?? []).length > 0;
  return fromOutside && spec.externalTrafficPolicy === 'Local';
}

interface PortContext {
  readonly clusterIp: string;
  readonly family: IpFamily;
  readonly choice: EndpointChoice;
  readonly context: ProxyContext;
}

function portsOf(service: corev1.Service, port: corev1.ServicePort, { clusterIp, family, choice, context }: PortContext): VirtualPort[] {
  const { spec, metadata } = service;
  const common = {
    service: `${metadata.namespace}/${metadata.name}${port.name ? `:${port.name}` : ''}`,
    family,
    protocol: port.protocol ?? ('TCP' as const),
    port: port.port,
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : undefined,
    shortCircuit: undefined,
    allowedSources: undefined,
  };
  const inside = backendsBy(spec.internalTrafficPolicy === 'Local', choice);
  const outside: Pick<VirtualPort, 'backends' | 'whenEmpty' | 'masquerade' | 'shortCircuit'> = externalPolicyIsLocal(service)
    ? { ...backendsBy(true, choice), masquerade: 'never', shortCircuit: choice.cluster }
    : { ...backendsBy(false, choice), masquerade: 'always', shortCircuit: undefined };
  const external = addressesOf(spec.externalIPs ?? [], family);
  const balanced = addressesOf(balancerIps(service), family);
  const allowedSources = balanced.length > 0 ? sourceRangesOf(service, { family, nodeIps: context.nodeIps }).allowed : undefined;
  return [
    { ...common, ...inside, kind: 'clusterIP', ip: clusterIp, masquerade: 'unlessPod' },
    ...external.map((ip): VirtualPort => ({ ...common, ...outside, kind: 'externalIP', ip })),
    ...balanced.map((ip): VirtualPort => ({ ...common, ...outside, kind: 'loadBalancerIP', ip, allowedSources })),
    ...(port.nodePort ? [{ ...common, ...outside, kind: 'nodePort' as const, ip: undefined, port: port.nodePort }] : []),
  ];
}

function backendsBy(local: boolean, choice: EndpointChoice): Pick<VirtualPort, 'backends' | 'whenEmpty'> {
  const backends = (local ? choice.local : choice.cluster).map(({ ip, port }) => ({ ip, port }));
  return { backends, whenEmpty: choice.any ? 'drop' : 'reject' };
}

/** One cluster IP a family: without one the Service does not exist there. */
function clusterIpsOf({ spec }: corev1.Service): { readonly ip: string; readonly family: IpFamily }[] {
  const texts = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return texts.flatMap((text) => {
    const address = parseIp(text);
    return address ? [{ ip: formatIp(address), family: address.family }] : [];
  });
}

/** The balancer's addresses that packets carry when they reach a node: not those of one that makes connections of its own. */
function balancerIps({ status }: corev1.Service): string[] {
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : []));
}

/** Those of one family in canonical text, each once; texts that are no address are left out. */
function addressesOf(texts: readonly string[], family: IpFamily): string[] {
  const addresses = texts.flatMap((text) => {
    const address = parseIp(text);
    return address?.family === family ? [formatIp(address)] : [];
  });
  return [...new Set(addresses)];
}
