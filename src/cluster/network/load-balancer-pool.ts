/**
 * The addresses that a cluster's load balancers get: which pool is possible, and how the host reaches what lies outside the nodes' network.
 * The host looks for all of them on the bridge, where the node that holds one answers.
 */
import {
  type AddressPool,
  type AddressRange,
  addressAt,
  cidrContains,
  cidrsOf,
  cidrSize,
  formatCidr,
  formatIp,
  networkOf,
  parseAddressPool,
  parseCidr,
  parseIp,
  poolContains,
} from '../../api/index.ts';
import { type Ctx, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import type { ClusterRecord } from '../cluster-record.ts';
import { machineNames } from '../home.ts';

type Known = Pick<ClusterRecord, 'network' | 'loadBalancerPool'>;

/** What `auto` stands for: the end of the nodes' network, beyond the addresses that nodes can have. */
const autoFirst = 240n;
const autoLast = 254n;
/** Most routes that a pool may need: a range with crooked ends costs two dozen. */
const maxRoutes = 256;

/** What the record is to say: as before when nothing is asked; `auto` becomes addresses, `none` nothing. Pure. */
export function poolRequest(text: string | undefined, { network, loadBalancerPool }: Known): Pick<ClusterRecord, 'loadBalancerPool'> {
  if (text === undefined) return loadBalancerPool === undefined ? {} : { loadBalancerPool };
  if (text === 'none') return {};
  const nodes = parseCidr(network.nodeCidr)!;
  const auto = [autoFirst, autoLast].map((each) => formatIp(addressAt(nodes, each))).join('-');
  const parts = text.split(',').map((part) => part.trim());
  return { loadBalancerPool: parts.map((part) => (part === 'auto' ? auto : part)).join() };
}

/** Whether an address is one of the pool. Pure. */
export function isPooled(pool: string | undefined, ip: string): boolean {
  const address = parseIp(ip);
  return pool !== undefined && address !== undefined && poolContains(parseAddressPool(pool), address);
}

/**
 * Sees to it that the record's pool is possible. @param others clusters of this machine that may be down
 * @throws ClusterError that says what is in the way
 */
export async function refusePool(record: ClusterRecord, others: readonly ClusterRecord[], { signal }: Ctx): Promise<void> {
  if (record.loadBalancerPool === undefined) return;
  const { bridge } = machineNames(record.name);
  const routes: Route[] = [];
  for (const family of ['-4', '-6']) {
    const { stdout } = await run(['ip', '-j', family, 'route', 'show', 'table', 'all'], { signal });
    routes.push(...(JSON.parse(stdout) as Route[]));
  }
  const foreign = routes.filter(({ dev, dst, type }) => dev !== bridge && dst && dst !== 'default' && type !== 'multicast');
  const taken = [
    ...foreign.map(({ dst = '', dev = '?' }) => ({ cidr: dst, what: `a route of this machine (${dst} dev ${dev})` })),
    ...others.flatMap(({ name, network }) => rangesOf(network).map((cidr) => ({ cidr, what: `cluster "${name}" (${cidr})` }))),
    ...others.flatMap(({ name, loadBalancerPool = '' }) =>
      parseAddressPool(loadBalancerPool)
        .ranges.flatMap(cidrsOf)
        .map((cidr) => ({ cidr: formatCidr(cidr), what: `the load balancers of cluster "${name}"` })),
    ),
  ];
  const fault = poolFault(record, taken);
  if (fault) throw new ClusterError(`--load-balancer-pool: ${fault}`);
}

interface Route {
  readonly dst?: string;
  readonly dev?: string;
  readonly type?: string;
}

/** Why the pool of a cluster is impossible; undefined when it is not, or there is none. Pure. @param taken what others have, outside the cluster */
export function poolFault(
  { network, nodes, loadBalancerPool }: Pick<ClusterRecord, 'network' | 'nodes' | 'loadBalancerPool'>,
  taken: readonly { readonly cidr: string; readonly what: string }[] = [],
): string | undefined {
  if (loadBalancerPool === undefined) return undefined;
  const pool = parseAddressPool(loadBalancerPool);
  if (pool.invalid.length > 0)
    return `${pool.invalid.map((each) => JSON.stringify(each)).join(', ')} is no range: give FIRST-LAST or a CIDR, separated by commas, or auto, or none`;
  if (pool.ranges.length === 0) return 'it has no addresses: give FIRST-LAST or a CIDR, separated by commas, or auto, or none';
  if (!network.ipv6 && pool.ranges.some(({ family }) => family === 'IPv6'))
    return 'the cluster has no IPv6: only clusters made with --ip-family dual have IPv6 load balancers';
  const fixed = [...nodes.map(({ ip }) => ip), network.hostIp, ...(network.ipv6 ? [network.ipv6.hostIp] : [])];
  const own = fixed.find((ip) => isPooled(loadBalancerPool, ip));
  if (own !== undefined) return `${own} is the address of a node or of this machine`;
  const ipv6Nodes = network.ipv6 && parseCidr(network.ipv6.nodeCidr);
  // Where nodes' IPv6 addresses lie follows from their number; the pool keeps clear of all of them.
  if (ipv6Nodes && overlaps(pool, formatCidr({ ...ipv6Nodes, prefixLength: 112 }))) return 'it overlaps the IPv6 addresses of nodes';
  const edges = nodeRanges(network).flatMap((cidr) => {
    const parsed = parseCidr(cidr)!;
    return parsed.address.family === 'IPv4' ? [networkOf(parsed), addressAt(parsed, cidrSize(parsed) - 1n)] : [];
  });
  const edge = edges.find((each) => poolContains(pool, each));
  if (edge) return `${formatIp(edge)} is the first or the last address of the nodes' network, which nobody can have`;
  const inside = [network.podCidr, network.serviceCidr, ...(network.ipv6 ? [network.ipv6.podCidr, network.ipv6.serviceCidr] : [])];
  const overlapped = inside.find((cidr) => overlaps(pool, cidr));
  if (overlapped !== undefined) return `it overlaps the addresses of pods or Services, ${overlapped}`;
  const unusable = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'].find((cidr) => overlaps(pool, cidr));
  if (unusable !== undefined) return `it overlaps ${unusable}, whose addresses no load balancer can have`;
  const clash = taken.find(({ cidr }) => overlaps(pool, cidr));
  if (clash) return `it overlaps ${clash.what}`;
  const routes = routedCidrs(pool, network).length;
  return routes > maxRoutes ? `it needs ${routes} routes; give fewer or rounder ranges` : undefined;
}

/** Routes of the host to addresses outside the nodes' network. Pure. */
export function renderPoolRoutes({
  name,
  network,
  loadBalancerPool,
}: Pick<ClusterRecord, 'name' | 'network' | 'loadBalancerPool'>): string {
  const { bridge } = machineNames(name);
  return routedCidrs(parseAddressPool(loadBalancerPool ?? ''), network)
    .map((cidr) => `route replace ${cidr} dev ${bridge} src ${cidr.includes(':') ? network.ipv6!.hostIp : network.hostIp}\n`)
    .join('');
}

function routedCidrs(pool: AddressPool, network: ClusterRecord['network']): string[] {
  const onLink = nodeRanges(network).map((cidr) => parseCidr(cidr)!);
  return pool.ranges
    .flatMap(cidrsOf)
    .filter(({ address }) => !onLink.some((cidr) => cidrContains(cidr, address)))
    .map(formatCidr);
}

function nodeRanges({ nodeCidr, ipv6 }: ClusterRecord['network']): string[] {
  return ipv6 ? [nodeCidr, ipv6.nodeCidr] : [nodeCidr];
}

function rangesOf(network: ClusterRecord['network']): string[] {
  const { podCidr, serviceCidr, ipv6 } = network;
  return [...nodeRanges(network), podCidr, serviceCidr, ...(ipv6 ? [ipv6.podCidr, ipv6.serviceCidr] : [])];
}

/** True when the pool has an address of the CIDR; what is none overlaps nothing. */
function overlaps({ ranges }: AddressPool, text: string): boolean {
  const single = parseIp(text);
  const cidr = parseCidr(text) ?? (single && { address: single, prefixLength: single.family === 'IPv4' ? 32 : 128 });
  if (!cidr) return false;
  const [first, last] = [networkOf(cidr).value, addressAt(cidr, cidrSize(cidr) - 1n).value];
  return ranges.some((range: AddressRange) => range.family === cidr.address.family && range.first <= last && first <= range.last);
}
