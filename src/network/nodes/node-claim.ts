/**
 * What a Node object claims of the network: its pods' subnets and how to reach them. Whoever controls a node can write anything there, so
 * every value is parsed and printed anew, and one that is out of place costs that node alone. Pure.
 */
import {
  addressAt,
  type Cidr,
  cidrContains,
  type corev1,
  formatCidr,
  formatIp,
  type IpFamily,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  parseCidr,
  parseIp,
} from '../../api/index.ts';
import type { BackendType } from '../configuration/index.ts';
import { annotationNames, type Annotations } from './annotations.ts';

/** One family of a node: where its pods are, and where packets to them go. */
export interface Lease {
  readonly family: IpFamily;
  /** Canonical, such as `10.244.2.0/24`. */
  readonly subnet: string;
  /** The subnet's first address: the node's own in the network. */
  readonly gateway: string;
  readonly publicIp: string;
  /** MAC of the vxlan endpoint; empty for a backend without. */
  readonly id: string;
}

export interface Claim {
  readonly node: string;
  readonly createdAt: string;
  readonly leases: readonly Lease[];
  /** The node's status has these addresses too: the claim on them is better than that of a node whose status has not. */
  readonly vouched: boolean;
}

/** What all nodes of the network have in common. */
export interface Membership {
  readonly type: BackendType;
  /** 0 for a backend without. */
  readonly vni: number;
  readonly families: readonly IpFamily[];
  /** The pods' ranges; a family without is not checked. */
  readonly networks: { readonly [Family in IpFamily]?: string };
}

/** A claim; or why the node is left out; or `absent`: it says nothing yet. */
export type ClaimReading =
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'absent' };

/** All that `readClaim` looks at, as a text to compare: Nodes change every few seconds, and this hardly ever. */
export function claimSource({ metadata, spec, status }: corev1.Node): string {
  const annotations = metadata.annotations ?? {};
  const { backendData, publicIp, managed, backendType } = annotationNames;
  return JSON.stringify([
    metadata.uid,
    spec.podCIDRs ?? spec.podCIDR,
    [managed, backendType, backendData.IPv4, backendData.IPv6, publicIp.IPv4, publicIp.IPv6].map((name) => annotations[name]),
    status?.addresses?.map(({ address }) => address),
  ]);
}

export function readClaim(node: corev1.Node, membership: Membership): ClaimReading {
  const annotations = node.metadata.annotations ?? {};
  if (annotations[annotationNames.managed] !== 'true') return { kind: 'absent' };
  const type = annotations[annotationNames.backendType];
  if (type !== membership.type) return refused(`its backend is ${printable(type)}, not ${membership.type}`);
  const subnets = readSubnets(node, membership);
  if (typeof subnets === 'string') return refused(subnets);
  const leases: Lease[] = [];
  for (const subnet of subnets) {
    const lease = readLease(subnet, annotations, membership);
    if (typeof lease === 'string') return refused(lease);
    leases.push(lease);
  }
  if (leases.length === 0) return { kind: 'absent' };
  const addresses = new Set(node.status?.addresses?.map(({ address }) => address));
  return {
    kind: 'claim',
    claim: {
      node: node.metadata.name,
      createdAt: node.metadata.creationTimestamp ?? '',
      leases,
      vouched: leases.every(({ publicIp }) => addresses.has(publicIp)),
    },
  };
}

/** The node's pod subnets in the network's families, each once and inside of the network; or what is wrong with them. */
export function readSubnets(node: corev1.Node, { families, networks }: Pick<Membership, 'families' | 'networks'>): Cidr[] | string {
  const texts = node.spec.podCIDRs ?? (node.spec.podCIDR ? [node.spec.podCIDR] : []);
  const subnets: Cidr[] = [];
  for (const text of texts) {
    const cidr = parseCidr(text);
    if (!cidr) return `its pod subnet ${printable(text)} is no range`;
    const { family } = cidr.address;
    if (!families.includes(family)) continue;
    if (subnets.some((other) => other.address.family === family)) return `it has two ${family} pod subnets`;
    const network = networks[family] === undefined ? undefined : parseCidr(networks[family]);
    if (network && (cidr.prefixLength < network.prefixLength || !cidrContains(network, cidr.address)))
      return `its pod subnet ${formatCidr(cidr)} is outside of the pod network ${networks[family]}`;
    subnets.push(cidr);
  }
  return subnets;
}

function readLease(subnet: Cidr, annotations: Annotations, membership: Membership): Lease | string {
  const { family } = subnet.address;
  const written = annotations[annotationNames.publicIp[family]];
  const address = written === undefined ? undefined : parseIp(written);
  if (address?.family !== family) return `its public ${family} address ${printable(written)} is none`;
  const multicast = family === 'IPv4' ? address.value >> 28n >= 0xen : address.value >> 120n === 0xffn;
  if (isLoopback(address) || isUnspecified(address) || isLinkLocalUnicast(address) || multicast)
    return `its public address ${formatIp(address)} is none of a node`;
  const network = membership.networks[family];
  if (network !== undefined && cidrContains(parseCidr(network)!, address))
    return `its public address ${formatIp(address)} is inside of the pod network`;
  const id = readId(annotations[annotationNames.backendData[family]], membership);
  if (id === undefined) return `its ${family} backend data ${printable(annotations[annotationNames.backendData[family]])} are not usable`;
  return { family, subnet: formatCidr(subnet), gateway: formatIp(addressAt(subnet, 0n)), publicIp: formatIp(address), id };
}

/** What names the node in the backend; undefined when it is not what the backend needs. */
function readId(text: string | undefined, { type, vni }: Membership): string | undefined {
  if (type !== 'vxlan') return '';
  const data = parseObject(text);
  return data?.['VNI'] === vni && typeof data['VtepMAC'] === 'string' ? parseMac(data['VtepMAC']) : undefined;
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const data: unknown = JSON.parse(text ?? 'null');
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The address of one station in lower case; undefined for anything else, a group's or the empty address too. */
export function parseMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const mac = text.toLowerCase();
  const group = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return group || mac === '00:00:00:00:00:00' ? undefined : mac;
}

function refused(reason: string): ClaimReading {
  return { kind: 'refused', reason };
}

/** A stranger's text for a log line. */
function printable(text: string | undefined): string {
  return text === undefined ? 'missing' : JSON.stringify(text.slice(0, 80));
}
