/** The endpoints that a Service should have, grouped by the ports that its pods have for it. Pure. */
import { type corev1, type discoveryv1, isPodReady } from '../../api/index.ts';
import { hostnameOf, isReachable, podIpOf, portOn, targetRefOf } from '../service-endpoints/pod-endpoints.ts';
import { type EndpointGroup, portsKey } from './pack.ts';

type Service = corev1.Service;
type Pod = corev1.Pod;

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
  return {
    addresses: [address],
    conditions: { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    targetRef: targetRefOf(pod),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    ...(hostname && { hostname }),
    ...(zone && { zone }),
  };
}

function portsOn(pod: Pod, service: Service): discoveryv1.EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = portOn(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}
