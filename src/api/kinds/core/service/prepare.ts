/**
 * What an update of a Service keeps or drops by itself: addresses that the client left out stay, and what belonged to the former
 * type goes, so that a client may change `type` alone.
 * @source pkg/registry/core/service/strategy.go and storage/rest patchAllocatedValues, v1.35
 */
import type { Service, ServiceSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import { sameJson } from '../../immutable.ts';

type Spec = ServiceSpec | Draft<ServiceSpec>;

const hasClusterIp = ({ type }: Spec): boolean => type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer';
const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: Spec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
const hasHealthCheckPort = ({ type, externalTrafficPolicy }: Spec): boolean => type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

/** Fills in addresses and ports that were allocated before and that the client does not name. */
export function keepDefaultedFields({ spec }: Draft<Service>, { spec: old }: Service): void {
  if (hasClusterIp(spec) && hasClusterIp(old)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if ((spec.clusterIPs?.length ?? 0) === 0 && spec.clusterIP === old.clusterIP && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) {
    const ports = new Map((old.ports ?? []).map((port) => [`${port.protocol}/${port.port}`, port.nodePort]));
    const used = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort).filter(Boolean));
    for (const port of spec.ports ?? []) {
      const before = ports.get(`${port.protocol}/${port.port}`);
      if (!port.nodePort && before && !used.has(before)) port.nodePort = before;
    }
  }
  if (hasHealthCheckPort(spec) && hasHealthCheckPort(old) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** Carries `clusterIP` over to `clusterIPs` for clients that know the older field only. */
export function normalizeClusterIps({ spec }: Draft<Service>, old: ServiceSpec | undefined): void {
  const { clusterIP = '', clusterIPs = [] } = spec;
  if (!old) {
    if (clusterIP !== '' && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  if (clusterIP === (old.clusterIP ?? '')) {
    if (clusterIPs.length === 0 && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  } else if (sameJson(clusterIPs, old.clusterIPs ?? [])) {
    if (clusterIP === '') delete spec.clusterIPs;
    else spec.clusterIPs = [clusterIP];
  }
}

/** Drops what only the former type had, as far as the client did not touch it. */
export function dropTypeDependentFields({ spec }: Draft<Service>, { spec: old }: Service): void {
  if (hasClusterIp(old) && !hasClusterIp(spec) && sameJson(spec.clusterIP, old.clusterIP) && sameJson(spec.clusterIPs, old.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (hasClusterIp(old) && !hasClusterIp(spec)) {
    if (sameJson(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(old) && !hasNodePorts(spec) && sameNodePorts(spec, old)) for (const port of spec.ports ?? []) delete port.nodePort;
  if (hasHealthCheckPort(old) && !hasHealthCheckPort(spec) && spec.healthCheckNodePort === old.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
  const external = ({ type, externalIPs }: Spec): boolean =>
    type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);
  if (external(old) && !external(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
}

function sameNodePorts(spec: Spec, old: Spec): boolean {
  const nodePorts = ({ ports = [] }: Spec): Set<number | undefined> => new Set(ports.map(({ nodePort }) => nodePort || undefined));
  const before = nodePorts(old);
  return [...nodePorts(spec)].every((port) => before.has(port));
}
