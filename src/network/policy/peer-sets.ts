/**
 * The nftables sets of peers: one a distinct selector, however many policies and pods use it, and one a port name. They hold addresses and
 * follow pods and namespaces; a change touches the sets that the pod enters or leaves. Pure.
 */
import type { PodsPeer, Protocol } from './compiled-policy.ts';
import type { PodChange, PodIndex } from './pod-index.ts';
import { type PolicyPod, portNumber } from './policy-pod.ts';
import { SelectorIndex } from './selector-index.ts';
import type { TableLedger } from './table-ledger.ts';

export const familyNames = ['v4', 'v6'] as const;
export type Family = (typeof familyNames)[number];
export const addressType = { v4: 'ipv4_addr', v6: 'ipv6_addr' } as const;

export function familyOf(ip: string): Family {
  return ip.includes(':') ? 'v6' : 'v4';
}

interface PeerSet {
  /** Of its nftables sets, but for the family. */
  readonly name: string;
  readonly peer: PodsPeer;
  users: number;
}

interface PortNameSet {
  readonly name: string;
  readonly portName: string;
  readonly protocol: Protocol;
  users: number;
}

type Labels = Readonly<Record<string, string>>;

export class PeerSets {
  readonly #ledger: TableLedger;
  readonly #pods: PodIndex;
  readonly #sets = new Map<string, PeerSet>();
  readonly #portNames = new Map<string, PortNameSet>();
  /** Sets of one namespace's pods, and those of matching namespaces' pods, by namespace. */
  readonly #byNamespace = new Map<string, SelectorIndex<PeerSet>>();
  readonly #across = new Set<PeerSet>();
  readonly #labels = new Map<string, Labels>();
  readonly #memberships = new Map<string, Set<PeerSet>>();
  #made = 0;

  constructor(ledger: TableLedger, pods: PodIndex) {
    this.#ledger = ledger;
    this.#pods = pods;
  }

  /** The set of a peer's addresses; whoever asks gives it back. */
  acquire(peer: PodsPeer): string {
    const known = this.#sets.get(peer.key);
    if (known) {
      known.users++;
      return known.name;
    }
    const set: PeerSet = { name: `pods-${++this.#made}`, peer, users: 1 };
    this.#sets.set(peer.key, set);
    for (const family of familyNames)
      this.#ledger.declareSet(`${set.name}-${family}`, `type ${addressType[family]}; comment "${commentText(peer.key)}";`);
    if (peer.namespace === undefined) {
      this.#across.add(set);
      for (const namespace of this.#labels.keys()) this.#enter(set, namespace);
    } else {
      this.#index(peer.namespace).add(peer.pods, set);
      this.#fill(set, peer.namespace);
    }
    return set.name;
  }

  release(peer: PodsPeer): void {
    const set = this.#sets.get(peer.key)!;
    if (--set.users > 0) return;
    this.#sets.delete(peer.key);
    this.#across.delete(set);
    const reached = peer.namespace === undefined ? [...this.#labels.keys()] : [peer.namespace];
    for (const namespace of reached) {
      this.#byNamespace.get(namespace)?.delete(peer.pods, set);
      for (const pod of this.#pods.selected(namespace, peer.pods)) this.#memberships.get(pod.uid)?.delete(set);
    }
    for (const family of familyNames) this.#ledger.dropSet(`${set.name}-${family}`);
  }

  /** The set of `address . port` of every pod that gives the port this name. */
  acquirePortName(portName: string, protocol: Protocol): string {
    const key = `${protocol} ${portName}`;
    const known = this.#portNames.get(key);
    if (known) {
      known.users++;
      return known.name;
    }
    const set: PortNameSet = { name: `port-${++this.#made}`, portName, protocol, users: 1 };
    this.#portNames.set(key, set);
    for (const family of familyNames)
      this.#ledger.declareSet(
        `${set.name}-${family}`,
        `type ${addressType[family]} . inet_service; comment "${commentText(`${protocol} ports named ${portName}`)}";`,
      );
    for (const pod of this.#pods.withPortName(portName)) this.#putPort(set, pod);
    return set.name;
  }

  releasePortName(portName: string, protocol: Protocol): void {
    const key = `${protocol} ${portName}`;
    const set = this.#portNames.get(key)!;
    if (--set.users > 0) return;
    this.#portNames.delete(key);
    for (const family of familyNames) this.#ledger.dropSet(`${set.name}-${family}`);
  }

  /** A pod changed; the index knows already. */
  podChanged({ before, after }: PodChange): void {
    const uid = (after ?? before)!.uid;
    const was = this.#memberships.get(uid) ?? new Set<PeerSet>();
    const is = after && after.ips.length > 0 ? this.#matching(after) : new Set<PeerSet>();
    for (const set of was) for (const ip of before?.ips ?? []) if (!is.has(set) || !after?.ips.includes(ip)) this.#remove(set, ip);
    for (const set of is) for (const ip of after!.ips) this.#put(set, ip);
    if (is.size > 0) this.#memberships.set(uid, is);
    else this.#memberships.delete(uid);
    if (this.#portNames.size === 0) return;
    if (before)
      for (const set of this.#portNamesOf(before))
        for (const [name, element] of portElements(set, before)) this.#ledger.remove(name, element);
    if (after) for (const set of this.#portNamesOf(after)) this.#putPort(set, after);
  }

  /** @param labels undefined: the namespace is gone */
  setNamespace(namespace: string, labels: Labels | undefined): void {
    const before = this.#labels.get(namespace);
    if (labels) this.#labels.set(namespace, labels);
    else this.#labels.delete(namespace);
    for (const set of this.#across) {
      const was = before !== undefined && set.peer.namespaces.matches(before);
      const is = labels !== undefined && set.peer.namespaces.matches(labels);
      if (is && !was) this.#enter(set, namespace);
      if (was && !is) this.#leave(set, namespace);
    }
  }

  namespaceLabels(namespace: string): Labels | undefined {
    return this.#labels.get(namespace);
  }

  get count(): number {
    return this.#sets.size + this.#portNames.size;
  }

  #enter(set: PeerSet, namespace: string): void {
    if (!set.peer.namespaces.matches(this.#labels.get(namespace))) return;
    this.#index(namespace).add(set.peer.pods, set);
    this.#fill(set, namespace);
  }

  #leave(set: PeerSet, namespace: string): void {
    this.#byNamespace.get(namespace)?.delete(set.peer.pods, set);
    for (const pod of this.#pods.selected(namespace, set.peer.pods)) {
      this.#memberships.get(pod.uid)?.delete(set);
      for (const ip of pod.ips) this.#remove(set, ip);
    }
  }

  #fill(set: PeerSet, namespace: string): void {
    for (const pod of this.#pods.selected(namespace, set.peer.pods)) {
      if (pod.ips.length === 0) continue;
      const memberships = this.#memberships.get(pod.uid) ?? new Set<PeerSet>();
      this.#memberships.set(pod.uid, memberships.add(set));
      for (const ip of pod.ips) this.#put(set, ip);
    }
  }

  #matching(pod: PolicyPod): Set<PeerSet> {
    const found = new Set<PeerSet>();
    for (const set of this.#byNamespace.get(pod.namespace)?.candidates(pod.labels) ?? [])
      if (set.peer.pods.matches(pod.labels)) found.add(set);
    return found;
  }

  #index(namespace: string): SelectorIndex<PeerSet> {
    const known = this.#byNamespace.get(namespace) ?? new SelectorIndex<PeerSet>();
    this.#byNamespace.set(namespace, known);
    return known;
  }

  #put({ name }: PeerSet, ip: string): void {
    this.#ledger.put(`${name}-${familyOf(ip)}`, ip);
  }

  #remove({ name }: PeerSet, ip: string): void {
    this.#ledger.remove(`${name}-${familyOf(ip)}`, ip);
  }

  *#portNamesOf(pod: PolicyPod): Generator<PortNameSet> {
    for (const { name, protocol } of pod.ports) {
      const set = this.#portNames.get(`${protocol} ${name}`);
      if (set) yield set;
    }
  }

  #putPort(set: PortNameSet, pod: PolicyPod): void {
    for (const [name, element] of portElements(set, pod)) this.#ledger.put(name, element);
  }
}

function portElements({ name, portName, protocol }: PortNameSet, pod: PolicyPod): [string, string][] {
  const number = portNumber(pod, portName, protocol);
  return number === undefined ? [] : pod.ips.map((ip) => [`${name}-${familyOf(ip)}`, `${ip} . ${number}`]);
}

/** Text that nft takes as a comment: for people who read the table. */
export function commentText(text: string): string {
  const plain = text.replaceAll(/[^\w ./:=!(),*-]/g, '?');
  return plain.length > 120 ? `${plain.slice(0, 117)}...` : plain;
}
