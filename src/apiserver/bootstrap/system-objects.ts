/**
 * Objects that every cluster has from its first moment: the namespaces of the system, its priority classes, what aggregated API
 * servers need to know of clients, and the Service under which pods find the API server. Pure: what they should be, and whether
 * they are.
 * @source kubernetes pkg/controlplane/controller/{systemnamespaces,kubernetesservice,clusterauthenticationtrust}; pkg/registry/scheduling/rest
 */
import { type corev1, type discoveryv1, getCondition, ipFamilyOf, type networkingv1, type Unsaved } from '../../api/index.ts';
import { systemPriorityClasses } from '../../api/kinds/index.ts';
import { defaultServiceCidrName } from '../allocators/index.ts';

/** Where clients find this API server. */
export interface ServerAddress {
  /** An address that pods can reach; never loopback. */
  readonly ip: string;
  readonly port: number;
}

export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export { systemPriorityClasses };

export function namespaceNamed(name: string): Unsaved<corev1.Namespace> {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} };
}

/** The Service `default/kubernetes`. @param clusterIP the first address of the service range */
export function kubernetesService(clusterIP: string, { port }: ServerAddress): Unsaved<corev1.Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: [ipFamilyOf(clusterIP) ?? 'IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
  };
}

/** The ranges that Services get addresses from, as an object: its name says that they are the configured ones. */
export function kubernetesServiceCidr(cidrs: readonly string[]): Unsaved<networkingv1.ServiceCIDR> {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: defaultServiceCidrName }, spec: { cidrs } };
}

/** Whether the cluster has got a second family since the object was made: the range of it is added. */
export function lacksSecondFamily({ metadata, spec }: networkingv1.ServiceCIDR, cidrs: readonly string[]): boolean {
  return metadata.deletionTimestamp === undefined && cidrs.length === 2 && spec.cidrs?.length === 1 && spec.cidrs[0] === cidrs[0];
}

/** Whether the stored ranges are the configured ones and nobody has said yet whether it is ready. */
export function awaitsReady({ metadata, spec, status }: networkingv1.ServiceCIDR, cidrs: readonly string[]): boolean {
  if (metadata.deletionTimestamp !== undefined || spec.cidrs?.join() !== cidrs.join()) return false;
  const ready = getCondition(status.conditions, 'Ready');
  return ready === undefined || ready.status === 'Unknown';
}

/** Whether the stored Service leads to the port that is served. Labels and annotations are the administrator's. */
export function leadsTo(service: corev1.Service, { port }: ServerAddress): boolean {
  const [only, ...more] = service.spec.ports ?? [];
  return more.length === 0 && only?.name === 'https' && only.port === 443 && only.protocol === 'TCP' && only.targetPort === port;
}

export function kubernetesEndpoints(addresses: readonly string[], { port }: ServerAddress): Unsaved<corev1.Endpoints> {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    // The EndpointSlice below is kept here too, so nobody has to make one from these.
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}

export function kubernetesEndpointSlice(addresses: readonly string[], { port }: ServerAddress): Unsaved<discoveryv1.EndpointSlice> {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: ipFamilyOf(addresses[0] ?? '') ?? 'IPv4',
    endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}

/** Addresses and port that stored Endpoints lead to, as one text to compare by. */
export function endpointsTargets({ subsets }: Pick<corev1.Endpoints, 'subsets'>): string {
  const targets = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    addresses.flatMap(({ ip }) => ports.map(({ name, port }) => `${ip}:${port}/${name ?? ''}`)),
  );
  return targets.toSorted().join(' ');
}

/** The same of an EndpointSlice. */
export function sliceTargets({ endpoints, ports }: Pick<discoveryv1.EndpointSlice, 'endpoints' | 'ports'>): string {
  const targets = endpoints.flatMap(({ addresses }) =>
    addresses.flatMap((ip) => (ports ?? []).map(({ name, port }) => `${ip}:${port}/${name ?? ''}`)),
  );
  return targets.toSorted().join(' ');
}

/** Since which day uses of tokens of old are noted; the cleaner of such tokens reads it. */
export function tokenTrackingConfigMap(today: string): Unsaved<corev1.ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
    data: { since: today },
  };
}

/** What aggregated API servers check client certificates with. */
export function authenticationConfigMap(clientCa: string): Unsaved<corev1.ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: { 'client-ca-file': clientCa },
  };
}
