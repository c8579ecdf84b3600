/**
 * What the API server fills in or drops when a Service is written: the two fields for cluster addresses agree, what was allocated
 * before and is not named now stays, and what belonged to the former type goes, so that a client may change `type` alone.
 * @source pkg/registry/core/service/storage/storage.go normalizeClusterIPs, patchAllocatedValues; strategy.go
 * dropTypeDependentFields, v1.35
 */
import type { Service, ServiceSpec } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';
import { sameJson } from '../../immutable.ts';
import { isExternallyAccessible } from './defaults.ts';

type Spec = ServiceSpec | Draft<ServiceSpec>;

const hasClusterIp = ({ type }: Spec): boolean => type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer';
const hasNodePorts = ({ type }: Spec): boolean => type === 'NodePort' || type === 'LoadBalancer';
const hasHealthCheckPort = ({ type, externalTrafficPolicy }: Spec): boolean => type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

/** `clusterIP` is the first of `clusterIPs`: works out which of the two a client meant that wrote only one. */
export function normalizeClusterIps({ spec }: Draft<Service>, old: Service | undefined): void {
  const [now, then] = [spec.clusterIP ?? '', old?.spec.clusterIP ?? ''];
  const listed = spec.clusterIPs?.length ?? 0;
  if (!old) {
    if (now !== '' && listed === 0) spec.clusterIPs = [now];
    return;
  }
  const same = sameJson(spec.clusterIPs, old.spec.clusterIPs);
  if (listed === 0 && old.spec.clusterIPs?.length && now === then) spec.clusterIPs = [...old.spec.clusterIPs];
  else if (now !== then && same) {
    if (now === '') delete spec.clusterIPs;
    else spec.clusterIPs = [now];
  }
}

/** Fills in addresses and ports that were allocated before and that the client does not name. */
export function keepAllocated({ spec }: Draft<Service>, { spec: old }: Service): void {
  if (hasClusterIp(spec) && hasClusterIp(old)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && spec.clusterIP === old.clusterIP && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) keepNodePorts(spec, old);
  if (hasHealthCheckPort(spec) && hasHealthCheckPort(old) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** A port keeps its node port by name, unless another port has taken that number. */
function keepNodePorts({ ports = [] }: Draft<ServiceSpec>, { ports: oldPorts = [] }: ServiceSpec): void {
  const byName = new Map(oldPorts.map(({ name = '', nodePort }) => [name, nodePort]));
  const used = new Set(ports.map(({ nodePort }) => nodePort).filter(Boolean));
  for (const port of ports) {
    const before = byName.get(port.name ?? '');
    if (port.nodePort || !before || used.has(before)) continue;
    port.nodePort = before;
    used.add(before);
  }
}

/** Drops what only the former type had, as far as the client did not touch it. */
export function dropTypeDependentFields({ spec }: Draft<Service>, { spec: old }: Service): void {
  if (hasClusterIp(old) && !hasClusterIp(spec)) {
    if (spec.clusterIP === old.clusterIP && sameJson(spec.clusterIPs, old.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
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
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) {
    delete spec.externalTrafficPolicy;
  }
}

/** No node port of the new ports is one that the old ones did not have. */
function sameNodePorts({ ports = [] }: Spec, { ports: oldPorts = [] }: Spec): boolean {
  const before = new Set(oldPorts.map(({ nodePort }) => nodePort));
  return ports.every(({ nodePort }) => !nodePort || before.has(nodePort));
}
