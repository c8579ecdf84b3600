/** Defaults of a Service. Addresses, families and node ports come from the API server's allocators. @source pkg/apis/core/v1/defaults.go, v1.35 */
import type { Service, ServiceSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';

/** How long ClientIP affinity lasts when nothing is said, in seconds. */
const affinitySeconds = 10_800;

export function applyServiceDefaults(service: Draft<Service>): void {
  service.spec ??= {};
  service.status ??= {};
  service.status.loadBalancer ??= {};
  const { spec } = service;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (!port.targetPort) port.targetPort = port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status.loadBalancer.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}

/** Reached from outside the cluster: by load balancer, node port or external address. */
export function isExternallyAccessible(spec: ServiceSpec | Draft<ServiceSpec>): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
}
