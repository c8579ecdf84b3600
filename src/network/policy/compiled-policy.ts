/**
 * A NetworkPolicy made ready: selectors as matchers, blocks as ranges, ports as numbers or names. What cannot be read costs this policy
 * only: a peer or port like that allows nothing, so that a policy which once closed a pod never opens it by being half readable. Pure.
 * @source NetworkPolicy of networking.k8s.io/v1 as the API reference says it, v1.35
 */
import { type LabelMatcher, labelSelectorMatcher, matchEverything, type networkingv1, SelectorError } from '../../api/index.ts';
import { type AddressRange, blockRanges, formatRange } from './address-ranges.ts';

export interface CompiledPolicy {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly selects: LabelMatcher;
  /** What may come in; undefined: the policy does not speak of it. None: nothing may. */
  readonly ingress: readonly CompiledRule[] | undefined;
  readonly egress: readonly CompiledRule[] | undefined;
  /** What could not be read, and so allows nothing. */
  readonly faults: readonly string[];
}

export interface CompiledRule {
  /** Undefined: anyone. */
  readonly peers: readonly Peer[] | undefined;
  /** Undefined: every port of every protocol. */
  readonly ports: readonly RulePort[] | undefined;
}

export type Peer = PodsPeer | BlockPeer;

/** Pods by their labels: of one namespace, or of all that match. Peers with equal keys are the same pods. */
export interface PodsPeer {
  readonly type: 'pods';
  readonly key: string;
  readonly namespace: string | undefined;
  readonly namespaces: LabelMatcher;
  readonly pods: LabelMatcher;
}

export interface BlockPeer {
  readonly type: 'block';
  readonly key: string;
  readonly ranges: readonly AddressRange[];
}

export type RulePort =
  | { readonly type: 'range'; readonly protocol: Protocol; readonly first: number; readonly last: number }
  | { readonly type: 'name'; readonly protocol: Protocol; readonly name: string };

export const protocols = ['TCP', 'UDP', 'SCTP'] as const;
export type Protocol = (typeof protocols)[number];

const lastPort = 65_535;

/** A part of the policy cannot be enforced as it is written. */
class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** @throws SelectorError when it cannot be said which pods it is for; validation should have refused it */
export function compilePolicy({ metadata, spec }: networkingv1.NetworkPolicy): CompiledPolicy {
  const namespace = metadata.namespace ?? '';
  const types = spec.policyTypes?.length ? spec.policyTypes : spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  const faults: string[] = [];
  const readable = <From, To>(parts: readonly From[], compile: (part: From) => To): readonly To[] | undefined =>
    parts.length === 0 ? undefined : parts.flatMap((part) => tryCompile(() => compile(part), faults));
  const rule = (
    peers: readonly networkingv1.NetworkPolicyPeer[] = [],
    ports: readonly networkingv1.NetworkPolicyPort[] = [],
  ): CompiledRule => ({ peers: readable(peers, (peer) => compilePeer(peer, namespace)), ports: readable(ports, compilePort) });
  return {
    key: `${namespace}/${metadata.name}`,
    namespace,
    resourceVersion: metadata.resourceVersion,
    selects: spec.podSelector ? labelSelectorMatcher(spec.podSelector) : matchEverything,
    ingress: types.includes('Ingress') ? (spec.ingress ?? []).map(({ from, ports }) => rule(from, ports)) : undefined,
    egress: types.includes('Egress') ? (spec.egress ?? []).map(({ to, ports }) => rule(to, ports)) : undefined,
    faults,
  };
}

/** The same isolation, and nothing allowed. */
export function closedPolicy(policy: CompiledPolicy): CompiledPolicy {
  return { ...policy, ingress: policy.ingress && [], egress: policy.egress && [] };
}

export function isClosedPolicy({ ingress = [], egress = [] }: CompiledPolicy): boolean {
  return ingress.length + egress.length === 0;
}

function tryCompile<T>(compile: () => T, faults: string[]): T[] {
  try {
    return [compile()];
  } catch (error) {
    if (!(error instanceof PolicyError || error instanceof SelectorError)) throw error;
    faults.push(error.message);
    return [];
  }
}

function compilePeer({ ipBlock, podSelector, namespaceSelector }: networkingv1.NetworkPolicyPeer, own: string): Peer {
  if (ipBlock) {
    const ranges = blockRanges(ipBlock);
    if (!ranges) throw new PolicyError(`ipBlock ${JSON.stringify(ipBlock.cidr)} is not a range of addresses`);
    return { type: 'block', key: `block ${ranges.map(formatRange).join(' ')}`, ranges };
  }
  if (!podSelector && !namespaceSelector) throw new PolicyError('a peer says neither pods nor addresses');
  const pods = podSelector ? labelSelectorMatcher(podSelector) : matchEverything;
  if (!namespaceSelector)
    return { type: 'pods', key: `pods of ${own}: ${selectorText(pods)}`, namespace: own, namespaces: matchEverything, pods };
  const namespaces = labelSelectorMatcher(namespaceSelector);
  return {
    type: 'pods',
    key: `pods of namespaces ${selectorText(namespaces)}: ${selectorText(pods)}`,
    namespace: undefined,
    namespaces,
    pods,
  };
}

function selectorText(matcher: LabelMatcher): string {
  return matcher.isEverything ? '*' : matcher.toString();
}

function compilePort({ protocol = 'TCP', port, endPort }: networkingv1.NetworkPolicyPort): RulePort {
  const known = protocols.find((each) => each === protocol);
  if (!known) throw new PolicyError(`protocol ${JSON.stringify(protocol)} is not known`);
  if (port === undefined) return { type: 'range', protocol: known, first: 0, last: lastPort };
  if (typeof port === 'string') return { type: 'name', protocol: known, name: port };
  const last = endPort ?? port;
  if (!(port >= 0 && port <= last && last <= lastPort)) throw new PolicyError(`ports ${port}-${last} are no range of ports`);
  return { type: 'range', protocol: known, first: port, last };
}
