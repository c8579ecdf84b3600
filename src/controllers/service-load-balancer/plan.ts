/**
 * Which addresses a Service of type LoadBalancer gets: those of nodes, shared port by port, or one of a pool that is its own. Pure; sees
 * what others hold and changes nothing. @source cloud-provider v1.35, controllers/service (which nodes count)
 */
import {
  type AddressPool,
  type corev1,
  firstFree,
  formatIp,
  ipFamilyOf,
  type IpFamily,
  isConditionTrue,
  parseIp,
  poolContains,
} from '../../api/index.ts';

export const loadBalancerIpsAnnotation = 'knarr.io/load-balancer-ips';
export const nodeAddressesClass = 'knarr.io/node-addresses';
export const poolClass = 'knarr.io/pool';

/** What a Service has of addresses. */
export interface Holding {
  /** `namespace/name`. */
  readonly key: string;
  readonly ips: readonly string[];
  readonly ports: readonly corev1.ServicePort[];
}

export interface PlanInput {
  readonly service: corev1.Service;
  /** What it has now. */
  readonly current: readonly string[];
  /** What the other Services have. */
  readonly others: readonly Holding[];
  readonly nodes: readonly corev1.Node[];
  /** Names of nodes with endpoints of the Service. */
  readonly nodesWithEndpoints: ReadonlySet<string>;
  /** Without ranges: node addresses are the way. */
  readonly pool: AddressPool;
}

export type Plan = { readonly type: 'have'; readonly ips: readonly string[] } | { readonly type: 'refuse'; readonly message: string };

/** Ports of the node itself: who took them would cut it off. Kubelet, proxy health, proxy metrics, and the pods' tunnel. */
const nodePorts: readonly { readonly protocol: string; readonly port: number }[] = [
  { protocol: 'TCP', port: 10_250 },
  { protocol: 'TCP', port: 10_256 },
  { protocol: 'TCP', port: 10_249 },
  { protocol: 'UDP', port: 8_472 },
];
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

/** The Service is this controller's: of its type, without a class or with one of ours. */
export function wantsLoadBalancer({ spec }: corev1.Service): boolean {
  return spec.type === 'LoadBalancer' && (spec.loadBalancerClass === undefined || spec.loadBalancerClass.startsWith('knarr.io/'));
}

export function planAddresses(input: PlanInput): Plan {
  const { service, pool } = input;
  const given = service.spec.loadBalancerClass;
  if (given !== undefined && given !== poolClass && given !== nodeAddressesClass)
    return refuse(`there is no load balancer class "${given}": ${nodeAddressesClass} and ${poolClass} are`);
  const asked = askedAddresses(service);
  if ('type' in asked) return asked;
  if (given === nodeAddressesClass || (given === undefined && pool.ranges.length === 0)) return nodeAddresses(input, asked);
  return poolAddresses(input, asked);
}

/** A node that may be sent traffic of load balancers. */
export function canServe({ metadata, spec, status }: corev1.Node): boolean {
  return (
    metadata.labels?.[excludeLabel] === undefined &&
    !(spec?.taints ?? []).some(({ key }) => key === toBeDeletedTaint) &&
    isConditionTrue(status?.conditions, 'Ready')
  );
}

function nodeAddresses({ service, current, others, nodes, nodesWithEndpoints }: PlanInput, asked: readonly string[]): Plan {
  const serving = nodes.filter(canServe).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  // Nothing better is known when no node is Ready: what it has stays.
  if (serving.length === 0) return { type: 'have', ips: current };
  const withEndpoints = serving.filter(({ metadata }) => nodesWithEndpoints.has(metadata.name));
  const chosen = service.spec.externalTrafficPolicy === 'Local' && withEndpoints.length > 0 ? withEndpoints : serving;
  const families = familiesOf(service);
  const all = chosen.flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(canonical));
  const usable = all.filter((ip) => families.includes(ipFamilyOf(ip) ?? 'IPv4'));
  const foreign = asked.find((ip) => !usable.includes(ip));
  if (foreign !== undefined) return refuse(`the address ${foreign} that is asked for is not one of a node that can serve`);
  const ips = asked.length > 0 ? asked : usable;
  const ports = service.spec.ports ?? [];
  const own = ports.find((port) => nodePorts.some((each) => samePort(each, port)));
  if (own) return refuse(`port ${own.port}/${own.protocol ?? 'TCP'} of the nodes' addresses is the nodes' own`);
  for (const other of others) {
    const clash = other.ports.find((taken) => ports.some((port) => samePort(taken, port)));
    if (clash && other.ips.some((ip) => ips.includes(ip)))
      return refuse(`port ${clash.port}/${clash.protocol ?? 'TCP'} of the nodes' addresses is taken by Service "${other.key}"`);
  }
  return { type: 'have', ips };
}

function poolAddresses({ service, current, others, pool }: PlanInput, asked: readonly string[]): Plan {
  const taken = new Map(others.flatMap(({ key, ips }) => ips.map((ip) => [ip, key] as const)));
  const inPool = (ip: string): boolean => {
    const address = parseIp(ip);
    return address !== undefined && poolContains(pool, address);
  };
  for (const ip of asked) {
    if (!inPool(ip)) return refuse(`the address ${ip} that is asked for is not in the pool`);
    if (taken.has(ip)) return refuse(`the address ${ip} that is asked for is taken by Service "${taken.get(ip)}"`);
  }
  const ips: string[] = [];
  for (const [index, family] of familiesOf(service).entries()) {
    const mine = (ip: string): boolean => ipFamilyOf(ip) === family && inPool(ip) && !taken.has(ip);
    const ip = asked.find(mine) ?? current.find(mine) ?? firstFree(pool, family, (each) => !taken.has(each));
    if (ip !== undefined) ips.push(ip);
    else if (index === 0 || service.spec.ipFamilyPolicy === 'RequireDualStack') return refuse(`the pool has no free ${family} address`);
  }
  return { type: 'have', ips };
}

/** Addresses that the spec or the annotation asks for, in canonical text. */
function askedAddresses({ spec, metadata }: corev1.Service): string[] | (Plan & { readonly type: 'refuse' }) {
  const texts = [spec.loadBalancerIP ?? '', ...(metadata.annotations?.[loadBalancerIpsAnnotation] ?? '').split(',')];
  const asked: string[] = [];
  for (const text of texts.map((each) => each.trim()).filter((each) => each !== '')) {
    const address = parseIp(text);
    if (!address) return refuse(`"${text}" that is asked for is no address`);
    asked.push(formatIp(address));
  }
  return [...new Set(asked)];
}

function familiesOf({ spec }: corev1.Service): readonly IpFamily[] {
  const families = (spec.ipFamilies ?? []).filter((family): family is IpFamily => family === 'IPv4' || family === 'IPv6');
  return families.length > 0 ? families : ['IPv4'];
}

function canonical({ address }: corev1.NodeAddress): string {
  const parsed = parseIp(address);
  return parsed ? formatIp(parsed) : address;
}

function samePort(a: { readonly protocol?: string; readonly port: number }, b: corev1.ServicePort): boolean {
  return a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP');
}

function refuse(message: string): Plan & { readonly type: 'refuse' } {
  return { type: 'refuse', message };
}
