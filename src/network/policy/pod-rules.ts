/**
 * The rules of one direction of one pod: what its policies allow, as data and as the lines of a chain. Pods with the same allowances share
 * a chain. Pure.
 *
 * Rules look at the connection, not at the packet: `ct original saddr` is who opened it, before any masquerading, and `ct reply saddr` who
 * answers, after any Service. So packets of both directions get one answer, and a connection that is no longer allowed stops both ways.
 */
import { assertNever } from '../../base/index.ts';
import type { BlockPeer, CompiledRule, Peer, PodsPeer, Protocol } from './compiled-policy.ts';
import { formatRange } from './address-ranges.ts';
import { addressType, commentText, type Family, type PeerSets } from './peer-sets.ts';
import { type PolicyPod, portNumber } from './policy-pod.ts';
import type { TableLedger } from './table-ledger.ts';

export type Direction = 'ingress' | 'egress';

/** One thing that a policy allows. */
export interface Allowance {
  readonly policy: string;
  readonly peer: Peer | { readonly type: 'anyone' };
  readonly ports: AllowedPorts;
}

export type AllowedPorts =
  | { readonly type: 'all' }
  | { readonly type: 'ranges'; readonly protocol: Protocol; readonly ranges: readonly PortRange[] }
  /** Whatever the other side calls so. */
  | { readonly type: 'named'; readonly protocol: Protocol; readonly name: string }
  /** A Service that the nodes themselves answer. */
  | { readonly type: 'service'; readonly protocol: Protocol; readonly port: number; readonly ip: string };

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What `rule` allows to or from this pod. A port's name means the receiving pod's port: for ingress, this one's. */
export function allowancesOf(policy: string, rule: CompiledRule, direction: Direction, pod: PolicyPod): Allowance[] {
  const peers: readonly Allowance['peer'][] = rule.peers ?? [{ type: 'anyone' }];
  const ports = allowedPorts(rule, direction, pod);
  return peers.flatMap((peer) => ports.map((each): Allowance => ({ policy, peer, ports: each })));
}

function allowedPorts({ ports }: CompiledRule, direction: Direction, pod: PolicyPod): AllowedPorts[] {
  if (!ports) return [{ type: 'all' }];
  const ranges = new Map<Protocol, PortRange[]>();
  const named: AllowedPorts[] = [];
  for (const port of ports) {
    const { protocol } = port;
    if (port.type === 'name' && direction === 'egress') {
      named.push({ type: 'named', protocol, name: port.name });
      continue;
    }
    const number = port.type === 'name' ? portNumber(pod, port.name, protocol) : undefined;
    if (port.type === 'name' && number === undefined) continue;
    const range = port.type === 'name' ? { first: number!, last: number! } : { first: port.first, last: port.last };
    ranges.set(protocol, [...(ranges.get(protocol) ?? []), range]);
  }
  return [...[...ranges].map(([protocol, each]): AllowedPorts => ({ type: 'ranges', protocol, ranges: mergeRanges(each) })), ...named];
}

/** Sorted, and none touches another, as nft asks of a set. */
export function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before && range.first <= before.last + 1)
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    else merged.push(range);
  }
  return merged;
}

/** Tells chains apart. */
export function chainKey(direction: Direction, family: Family, allowances: readonly Allowance[]): string {
  const parts = allowances.map(({ policy, peer, ports }) => [policy, peer.type === 'anyone' ? '' : peer.key, portsText(ports)]);
  return JSON.stringify([direction, family, parts]);
}

function portsText(ports: AllowedPorts): string {
  switch (ports.type) {
    case 'all':
      return '';
    case 'ranges':
      return `${ports.protocol} ${ports.ranges.map(({ first, last }) => `${first}-${last}`).join(',')}`;
    case 'named':
      return `${ports.protocol} ${ports.name}`;
    case 'service':
      return `${ports.protocol} ${ports.ip} ${ports.port}`;
    default:
      return assertNever(ports);
  }
}

/** Asks for the sets that a chain's rules use, or gives them back. */
export class RuleSets {
  readonly #ledger: TableLedger;
  readonly #peers: PeerSets;
  readonly #blocks = new Map<string, { readonly name: string; users: number }>();
  #made = 0;

  constructor(ledger: TableLedger, peers: PeerSets) {
    this.#ledger = ledger;
    this.#peers = peers;
  }

  /** The lines of a chain that returns for what is allowed and drops everything else. */
  acquire(direction: Direction, family: Family, allowances: readonly Allowance[]): string[] {
    return [...allowances.flatMap((allowance) => this.#lines(direction, family, allowance)), 'counter drop'];
  }

  release(family: Family, allowances: readonly Allowance[]): void {
    for (const allowance of allowances) {
      if (allowance.ports.type === 'service') continue;
      const { peer, ports } = allowance;
      if (ports.type === 'named') this.#peers.releasePortName(ports.name, ports.protocol);
      if (peer.type === 'pods') this.#peers.release(peer);
      if (peer.type === 'block') this.#releaseBlock(peer, family);
    }
  }

  #lines(direction: Direction, family: Family, { policy, peer, ports }: Allowance): string[] {
    const end = `return comment "${commentText(policy)}"`;
    if (ports.type === 'service') return serviceLines(family, ports, end);
    const who = this.#peerText(direction, family, peer);
    if (ports.type === 'all') return [`${who}${end}`];
    const protocol = ports.protocol.toLowerCase();
    if (ports.type === 'ranges') return [`${who}meta l4proto ${protocol} ${rangesText(ports.ranges)}${end}`];
    const set = `@${this.#peers.acquirePortName(ports.name, ports.protocol)}-${family}`;
    const answering = `ct reply ${ipWord(family)} saddr`;
    return [
      `${who}meta l4proto ${protocol} ct direction original ${answering} . th dport ${set} ${end}`,
      `${who}meta l4proto ${protocol} ct direction reply ${answering} . th sport ${set} ${end}`,
    ];
  }

  #peerText(direction: Direction, family: Family, peer: Allowance['peer']): string {
    if (peer.type === 'anyone') return '';
    const set = peer.type === 'pods' ? this.#peers.acquire(peer) : this.#acquireBlock(peer, family);
    const side = direction === 'ingress' ? 'original' : 'reply';
    return `ct ${side} ${ipWord(family)} saddr @${set}-${family} `;
  }

  #acquireBlock(peer: BlockPeer, family: Family): string {
    const key = `${family} ${peer.key}`;
    const known = this.#blocks.get(key);
    if (known) {
      known.users++;
      return known.name;
    }
    const name = `block-${++this.#made}`;
    this.#blocks.set(key, { name, users: 1 });
    this.#ledger.declareSet(`${name}-${family}`, `type ${addressType[family]}; flags interval;`);
    const wanted = family === 'v4' ? 'IPv4' : 'IPv6';
    for (const range of peer.ranges) if (range.family === wanted) this.#ledger.put(`${name}-${family}`, formatRange(range));
    return name;
  }

  #releaseBlock(peer: BlockPeer, family: Family): void {
    const key = `${family} ${peer.key}`;
    const block = this.#blocks.get(key)!;
    if (--block.users > 0) return;
    this.#blocks.delete(key);
    this.#ledger.dropSet(`${block.name}-${family}`);
  }
}

/** Does the peer mean pods with these labels in such a namespace? */
export function peerCovers(
  peer: PodsPeer,
  pod: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  const inNamespace = peer.namespace === undefined ? peer.namespaces.matches(namespaceLabels) : peer.namespace === pod.namespace;
  return inNamespace && peer.pods.matches(pod.labels);
}

export function ipWord(family: Family): 'ip' | 'ip6' {
  return family === 'v4' ? 'ip' : 'ip6';
}

function serviceLines(family: Family, { ip, protocol, port }: Extract<AllowedPorts, { type: 'service' }>, end: string): string[] {
  if (ip.includes(':') !== (family === 'v6')) return [];
  return [`ct original ${ipWord(family)} daddr ${ip} meta l4proto ${protocol.toLowerCase()} ct original proto-dst ${port} ${end}`];
}

function rangesText(ranges: readonly PortRange[]): string {
  if (ranges.length === 1 && ranges[0]!.first === 0 && ranges[0]!.last === 65_535) return '';
  const texts = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return `ct reply proto-src ${texts.length === 1 ? texts[0] : `{ ${texts.join(', ')} }`} `;
}
