/** Which pods stand behind a Service and how they are reached. Pure. @source k8s.io/endpointslice util, pkg/api/v1/pod, v1.35 */
import { type corev1, ipFamilyOf, isPodReady, isPodTerminal, isSidecar } from '../../api/index.ts';

type Pod = corev1.Pod;
type Service = corev1.Service;

/** It has an address and has not ended. */
export function isReachable(pod: Pod): boolean {
  return !isPodTerminal(pod) && podIps(pod).length > 0;
}

export function podIps({ status }: Pod): readonly string[] {
  const ips = (status.podIPs ?? []).map(({ ip }) => ip);
  return ips.length > 0 ? ips : status.podIP ? [status.podIP] : [];
}

export function podIpOf(pod: Pod, family: string): string | undefined {
  return podIps(pod).find((ip) => ipFamilyOf(ip) === family);
}

/** The name that DNS gives the pod under the Service. */
export function hostnameOf({ spec, metadata }: Pod, service: Service): string | undefined {
  const named = spec.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace;
  return named ? spec.hostname : undefined;
}

/** The number of a Service's port on this pod; undefined when the pod has no port of that name. */
export function portOn(pod: Pod, { targetPort, port, protocol = 'TCP' }: corev1.ServicePort): number | undefined {
  if (typeof targetPort === 'number') return targetPort || port;
  if (targetPort === undefined || targetPort === '') return port;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.find((own) => own.name === targetPort && (own.protocol ?? 'TCP') === protocol)?.containerPort;
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None';
}

/** Everything about a pod that an endpoint shows: while it stays the same, no Service needs to look. */
export function endpointSignature(pod: Pod): string {
  const { hostname, subdomain, nodeName } = pod.spec;
  const deleting = pod.metadata.deletionTimestamp !== undefined;
  return JSON.stringify([podIps(pod), hostname, subdomain, nodeName, isPodReady(pod), isPodTerminal(pod), deleting]);
}

/** A reference to the pod as endpoints carry it. */
export function targetRefOf({ metadata }: Pod): corev1.ObjectReference {
  const { namespace, name, uid } = metadata;
  return { kind: 'Pod', ...(namespace !== undefined && { namespace }), name, uid };
}
