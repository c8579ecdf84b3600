/**
 * What one node's policy table must hold: told of policies, pods and namespaces one change at a time, it keeps the ledger true to them.
 * The cost of a change is what it changes. Pure: time, the API and nft are not known here.
 *
 * Invariants: a pod of this node that a policy selects is closed but for what its policies allow, from the moment its address is known; an
 * address whose pod is deleted stays closed until another pod gets it.
 */
import { parseIp } from '../../api/index.ts';
import type { AddressRange } from './address-ranges.ts';
import type { CompiledPolicy, CompiledRule } from './compiled-policy.ts';
import { addressType, type Family, familyNames, familyOf, PeerSets } from './peer-sets.ts';
import { type PodChange, PodIndex } from './pod-index.ts';
import { type Allowance, allowancesOf, chainKey, type Direction, ipWord, peerCovers, RuleSets } from './pod-rules.ts';
import type { PolicyPod } from './policy-pod.ts';
import { SelectorIndex } from './selector-index.ts';
import { TableLedger } from './table-ledger.ts';

/** A Service that the nodes answer themselves; to policies it is pods with these labels, as it is elsewhere. */
export interface NodeService {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
  readonly ports: readonly { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly name: string; readonly number: number }[];
}

export interface PlannerConfig {
  readonly nodeName: string;
  readonly table: string;
  readonly nodeServices?: readonly NodeService[];
}

interface Chain {
  readonly name: string;
  readonly family: Family;
  readonly allowances: readonly Allowance[];
  users: number;
}

/** What stands in the table for one pod of this node. */
interface LocalPod {
  readonly pod: PolicyPod;
  readonly policies: ReadonlySet<CompiledPolicy>;
  /** Map and element → key of the chain it leads to. */
  readonly entries: ReadonlyMap<string, { readonly map: string; readonly ip: string; readonly chain: string }>;
}

const directions: readonly Direction[] = ['ingress', 'egress'];
export const closedChain = 'closed';

export class PolicyPlanner {
  readonly ledger: TableLedger;
  readonly #config: PlannerConfig;
  readonly #pods = new PodIndex();
  readonly #peers: PeerSets;
  readonly #ruleSets: RuleSets;
  readonly #policies = new Map<string, CompiledPolicy>();
  readonly #selecting = new Map<string, SelectorIndex<CompiledPolicy>>();
  readonly #local = new Map<string, LocalPod>();
  readonly #localByNamespace = new Map<string, Set<string>>();
  readonly #chains = new Map<string, Chain>();
  #made = 0;

  constructor(config: PlannerConfig) {
    this.#config = config;
    this.ledger = new TableLedger({ table: config.table, lines: baseChains() });
    for (const family of familyNames) {
      for (const direction of directions) this.ledger.declareSet(`${direction}-${family}`, `type ${addressType[family]} : verdict;`);
      this.ledger.declareSet(`isolated-${family}`, `type ${addressType[family]};`);
      this.ledger.declareSet(`self-${family}`, `type ${addressType[family]} . ${addressType[family]};`);
    }
    this.ledger.putChain(closedChain, ['counter drop']);
    this.#peers = new PeerSets(this.ledger, this.#pods);
    this.#ruleSets = new RuleSets(this.ledger, this.#peers);
  }

  /** Policies that select pods of this node. */
  get policiesInUse(): ReadonlySet<CompiledPolicy> {
    const used = new Set<CompiledPolicy>();
    for (const { policies } of this.#local.values()) for (const policy of policies) used.add(policy);
    return used;
  }

  get peerSetCount(): number {
    return this.#peers.count;
  }

  policy(key: string): CompiledPolicy | undefined {
    return this.#policies.get(key);
  }

  setPolicy(policy: CompiledPolicy): void {
    const before = this.#policies.get(policy.key);
    if (before) this.#selecting.get(before.namespace)!.delete(before.selects, before);
    this.#policies.set(policy.key, policy);
    const index = this.#selecting.get(policy.namespace) ?? new SelectorIndex<CompiledPolicy>();
    this.#selecting.set(policy.namespace, index);
    index.add(policy.selects, policy);
    this.#refreshSelected(policy.namespace, [policy, ...(before ? [before] : [])]);
  }

  deletePolicy(key: string): void {
    const before = this.#policies.get(key);
    if (!before) return;
    this.#policies.delete(key);
    this.#selecting.get(before.namespace)!.delete(before.selects, before);
    this.#refreshSelected(before.namespace, [before]);
  }

  /** @param options.takes the node's engine says that its addresses are this pod's */
  setPod(pod: PolicyPod, options: { readonly takes?: boolean } = {}): void {
    for (const change of this.#pods.set(pod, options)) this.#podChanged(change);
  }

  deletePod(uid: string): void {
    const change = this.#pods.delete(uid);
    if (change) this.#podChanged(change);
  }

  setNamespace(namespace: string, labels: Readonly<Record<string, string>> | undefined): void {
    this.#peers.setNamespace(namespace, labels);
    if (!this.#config.nodeServices?.some((service) => service.namespace === namespace)) return;
    for (const uid of this.#local.keys()) this.#refresh(this.#pods.get(uid));
  }

  #podChanged(change: PodChange): void {
    this.#peers.podChanged(change);
    const { before, after } = change;
    if ((after ?? before)!.nodeName !== this.#config.nodeName) return;
    if (after) this.#refresh(after);
    else this.#forget(before!);
  }

  #refreshSelected(namespace: string, policies: readonly CompiledPolicy[]): void {
    for (const uid of this.#localByNamespace.get(namespace) ?? []) {
      const pod = this.#pods.get(uid);
      if (pod && policies.some(({ selects }) => selects.matches(pod.labels))) this.#refresh(pod);
    }
  }

  /** Brings the entries of one pod of this node up to date. */
  #refresh(pod: PolicyPod | undefined): void {
    if (!pod) return;
    const before = this.#local.get(pod.uid);
    const policies = this.#policiesOf(pod);
    const entries = new Map<string, { map: string; ip: string; chain: string }>();
    for (const direction of directions) {
      const applying = [...policies].filter((policy) => policy[direction]);
      if (applying.length === 0) continue;
      const allowances = applying.flatMap((policy) => policy[direction]!.flatMap((rule) => this.#allowances(policy, rule, direction, pod)));
      for (const ip of pod.ips) {
        const map = `${direction}-${familyOf(ip)}`;
        entries.set(`${map} ${ip}`, { map, ip, chain: this.#useChain(direction, familyOf(ip), allowances) });
      }
    }
    for (const { map, ip, chain } of entries.values()) this.ledger.put(map, ip, `jump ${this.#chains.get(chain)!.name}`);
    for (const ip of pod.ips) this.#markIsolation(ip, entries.size > 0);
    for (const [key, { map, ip, chain }] of before?.entries ?? []) {
      if (!entries.has(key)) this.#open(pod, map, ip);
      this.#leaveChain(chain);
    }
    this.#local.set(pod.uid, { pod, policies, entries });
    const drawer = this.#localByNamespace.get(pod.namespace) ?? new Set();
    this.#localByNamespace.set(pod.namespace, drawer.add(pod.uid));
    this.#clearAddresses(before?.pod, pod);
  }

  /** Addresses that the pod had before and has no more: another pod has them, or nobody. */
  #clearAddresses(before: PolicyPod | undefined, after: PolicyPod): void {
    for (const ip of before?.ips ?? []) if (!after.ips.includes(ip) && !this.#isHeld(ip)) this.#clear(ip);
  }

  /** A pod that is gone may still run for a moment, when it was deleted by force: what was isolated is closed until somebody gets it. */
  #forget(pod: PolicyPod): void {
    const known = this.#local.get(pod.uid);
    this.#local.delete(pod.uid);
    const drawer = this.#localByNamespace.get(pod.namespace);
    drawer?.delete(pod.uid);
    if (drawer?.size === 0) this.#localByNamespace.delete(pod.namespace);
    if (!known) return;
    for (const { map, ip } of known.entries.values()) if (!this.#isHeld(ip)) this.ledger.put(map, ip, `jump ${closedChain}`);
    if (known.entries.size === 0) for (const ip of pod.ips) if (!this.#isHeld(ip)) this.#clear(ip);
    for (const { chain } of known.entries.values()) this.#leaveChain(chain);
  }

  #isHeld(ip: string): boolean {
    for (const { pod } of this.#local.values()) if (pod.ips.includes(ip)) return true;
    return false;
  }

  #open(pod: PolicyPod, map: string, ip: string): void {
    if (pod.ips.includes(ip)) this.ledger.remove(map, ip);
  }

  #clear(ip: string): void {
    const family = familyOf(ip);
    for (const direction of directions) this.ledger.remove(`${direction}-${family}`, ip);
    this.ledger.remove(`isolated-${family}`, ip);
    this.ledger.remove(`self-${family}`, `${ip} . ${ip}`);
  }

  #markIsolation(ip: string, isolated: boolean): void {
    const family = familyOf(ip);
    if (isolated) {
      this.ledger.put(`isolated-${family}`, ip);
      this.ledger.put(`self-${family}`, `${ip} . ${ip}`);
    } else this.#clear(ip);
  }

  #policiesOf(pod: PolicyPod): Set<CompiledPolicy> {
    const found: CompiledPolicy[] = [];
    if (pod.ips.length > 0)
      for (const policy of this.#selecting.get(pod.namespace)?.candidates(pod.labels) ?? [])
        if (policy.selects.matches(pod.labels)) found.push(policy);
    return new Set(found.sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  #allowances(policy: CompiledPolicy, rule: CompiledRule, direction: Direction, pod: PolicyPod): Allowance[] {
    const allowances = allowancesOf(policy.key, rule, direction, pod);
    if (direction === 'ingress') return allowances;
    return [...allowances, ...(this.#config.nodeServices ?? []).flatMap((service) => this.#serviceAllowances(policy, rule, service))];
  }

  #serviceAllowances({ key: policy }: CompiledPolicy, { peers, ports }: CompiledRule, service: NodeService): Allowance[] {
    const labels = this.#peers.namespaceLabels(service.namespace);
    return service.ips.flatMap((ip) => {
      const reached =
        !peers || peers.some((peer) => (peer.type === 'pods' ? peerCovers(peer, service, labels) : inRanges(peer.ranges, ip)));
      if (!reached) return [];
      return service.ports
        .filter(
          ({ protocol, name, number }) =>
            !ports ||
            ports.some(
              (port) =>
                port.protocol === protocol && (port.type === 'name' ? port.name === name : port.first <= number && number <= port.last),
            ),
        )
        .map(({ protocol, number }): Allowance => ({
          policy,
          peer: { type: 'anyone' },
          ports: { type: 'service', protocol, port: number, ip },
        }));
    });
  }

  /** @returns the chain's key */
  #useChain(direction: Direction, family: Family, allowances: readonly Allowance[]): string {
    const key = chainKey(direction, family, allowances);
    const known = this.#chains.get(key);
    if (known) {
      known.users++;
      return key;
    }
    const name = `${direction}-${family}-${++this.#made}`;
    this.ledger.putChain(name, this.#ruleSets.acquire(direction, family, allowances));
    this.#chains.set(key, { name, family, allowances, users: 1 });
    return key;
  }

  #leaveChain(key: string): void {
    const chain = this.#chains.get(key)!;
    if (--chain.users > 0) return;
    this.#chains.delete(key);
    this.ledger.dropChain(chain.name);
    this.#ruleSets.release(chain.family, chain.allowances);
  }
}

function inRanges(ranges: readonly AddressRange[], ip: string): boolean {
  const address = parseIp(ip);
  return ranges.some(({ family, first, last }) => family === address?.family && first <= address.value && address.value <= last);
}

/**
 * Where packets meet the rules. There is no blanket accept for established connections: each packet is judged by the connection it belongs
 * to. A pod always reaches itself; its node always reaches it, since nothing is asked of what the node itself opens.
 */
function baseChains(): string[] {
  const lookup = (family: Family): string[] => [
    `ct original ${ipWord(family)} saddr . ct reply ${ipWord(family)} saddr @self-${family} return`,
    `ct original ${ipWord(family)} saddr vmap @egress-${family}`,
    `ct reply ${ipWord(family)} saddr vmap @ingress-${family}`,
  ];
  const untracked = familyNames.flatMap((family) =>
    ['saddr', 'daddr'].map((side) => `ct state { invalid, untracked } ${ipWord(family)} ${side} @isolated-${family} drop`),
  );
  return [
    'chain judge {',
    '  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } return',
    '  ct state related meta l4proto { icmp, ipv6-icmp } return',
    ...untracked.map((rule) => `  ${rule}`),
    ...lookup('v4').map((rule) => `  meta nfproto ipv4 ${rule}`),
    ...lookup('v6').map((rule) => `  meta nfproto ipv6 ${rule}`),
    '}',
    'chain forward {',
    '  type filter hook forward priority filter + 5; policy accept;',
    '  jump judge',
    '}',
    '# What pods answer the node itself is not asked about.',
    'chain input {',
    '  type filter hook input priority filter + 5; policy accept;',
    '  ct direction reply return',
    '  jump judge',
    '}',
    '# The answers of the node itself to pods that may no longer ask.',
    'chain output {',
    '  type filter hook output priority filter + 5; policy accept;',
    '  ct direction reply ct state != related jump judge',
    '}',
  ];
}
