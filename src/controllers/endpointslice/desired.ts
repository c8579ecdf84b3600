/** The endpoints that a Service should have, grouped by the ports that its pods have for it. Pure. */
import { type corev1, type discoveryv1, isPodReady } from '../../api/index.ts';
import { hostnameOf, isReachable, podIpOf, portOn, targetRefOf } from '../service-endpoints/pod-endpoints.ts';
import { type EndpointGroup, portsKey } from './pack.ts';
import { wantsTopologyHints } from './topology-hints.ts';

type Service = corev1.Service;
type Pod = corev1.Pod;

/** Values of `trafficDistribution` for which endpoints say where they are. @source KEP-3015, KEP-4444 */
const zoneDistributions = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode']);

const zoneLabel = 'topology.kubernetes.io/zone';

export interface DesiredOptions {
  /** `IPv4` or `IPv6`. */
  readonly family: string;
  readonly nodeOf: (name: string) => corev1.Node | undefined;
}

export interface DesiredEndpoints {
  readonly groups: readonly EndpointGroup[];
  /** Pods on nodes that are not known: left out, and looked at again later. */
  readonly withoutNode: readonly Pod[];
}

export function desiredEndpoints(service: Service, pods: readonly Pod[], { family, nodeOf }: DesiredOptions): DesiredEndpoints {
  const groups = new Map<string, { ports: readonly discoveryv1.EndpointPort[]; endpoints: discoveryv1.Endpoint[] }>();
  const withoutNode: Pod[] = [];
  for (const pod of pods) {
    const address = podIpOf(pod, family);
    if (!isReachable(pod) || address === undefined) continue;
    const node = nodeOf(pod.spec.nodeName ?? '');
    if (!node && !service.spec.publishNotReadyAddresses) {
      withoutNode.push(pod);
      continue;
    }
    const ports = portsOn(pod, service);
    const group = groups.get(portsKey(ports)) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, { service, address, node }));
    groups.set(portsKey(ports), group);
  }
  return { groups: [...groups.values()], withoutNode };
}

function endpointOf(
  pod: Pod,
  { service, address, node }: { service: Service; address: string; node: corev1.Node | undefined },
): discoveryv1.Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const hostname = hostnameOf(pod, service);
  const zone = node?.metadata.labels?.[zoneLabel];
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hints = ready ? preferredPlaces(service, { zone, nodeName: pod.spec.nodeName }) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    targetRef: targetRefOf(pod),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    ...(hostname && { hostname }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  };
}

/** Who should prefer the endpoint, by the Service's `trafficDistribution`. An annotation for topology hints goes before it. */
function preferredPlaces(
  service: Service,
  { zone, nodeName }: { readonly zone: string | undefined; readonly nodeName: string | undefined },
): discoveryv1.EndpointHints | undefined {
  const { trafficDistribution = '' } = service.spec;
  if (!zoneDistributions.has(trafficDistribution) || wantsTopologyHints(service)) return undefined;
  const forNodes = trafficDistribution === 'PreferSameNode' && nodeName ? [{ name: nodeName }] : undefined;
  if (!zone && !forNodes) return undefined;
  return { ...(zone && { forZones: [{ name: zone }] }), ...(forNodes && { forNodes }) };
}

function portsOn(pod: Pod, service: Service): discoveryv1.EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = portOn(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}
