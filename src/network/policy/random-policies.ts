/** Random policies over four pods of two namespaces, and every packet worth judging between them: for tests. */
import fc from 'fast-check';
import type { corev1, metav1, networkingv1 } from '../../api/index.ts';
import { compilePolicy } from './compiled-policy.ts';
import type { Packet, World } from './policy-oracle.ts';
import { PolicyPlanner } from './policy-planner.ts';
import { policyPodOf } from './policy-pod.ts';

export const namespaces: World['namespaces'] = new Map(['x', 'y'].map((ns) => [ns, { ns }] as const));

export interface PlainPod {
  readonly namespace: string;
  readonly name: string;
  /** One of each family. */
  readonly ips: readonly string[];
  /** What its port named `http` is. */
  readonly http: number;
}

export const plainPods: readonly PlainPod[] = ['p', 'q', 'r', 's'].map((name, at) => ({
  namespace: at < 2 ? 'x' : 'y',
  name,
  ips: [`10.9.0.${at + 2}`, `fd09::${at + 2}`],
  http: at % 2 ? 8080 : 80,
}));
export const portNumbers = [80, 81, 8080] as const;

export function podOf({ namespace, name, ips, http }: PlainPod): corev1.Pod {
  const port = { name: 'http', containerPort: http, protocol: 'TCP' };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, uid: `${namespace}-${name}`, resourceVersion: '1', labels: { pod: name, ns: namespace } },
    spec: { nodeName: 'n', containers: [{ name: 'c', ports: [port] }] },
    status: { phase: 'Running', podIPs: ips.map((ip) => ({ ip })) },
  };
  // A uid is a text of its own kind.
  return pod as unknown as corev1.Pod;
}

export function policyOf(name: string, namespace: string, spec: networkingv1.NetworkPolicySpec): networkingv1.NetworkPolicy {
  const metadata = { namespace, name, uid: name, resourceVersion: '1' };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec } as unknown as networkingv1.NetworkPolicy;
}

export function plannerOf(world: World): PolicyPlanner {
  const planner = new PolicyPlanner({ nodeName: 'n', table: 'knarr-test-policies' });
  for (const [name, labels] of world.namespaces) planner.setNamespace(name, labels);
  for (const pod of world.pods) planner.setPod(policyPodOf(pod));
  for (const policy of world.policies) planner.setPolicy(compilePolicy(policy));
  return planner;
}

/** Between these addresses, of one family each. */
export function packetsBetween(addresses: readonly string[], protocols: readonly Packet['protocol'][]): Packet[] {
  return addresses.flatMap((from) =>
    addresses
      .filter((to) => to.includes(':') === from.includes(':'))
      .flatMap((to) => protocols.flatMap((protocol) => portNumbers.map((port) => ({ from, to, protocol, port })))),
  );
}

const selector: fc.Arbitrary<metav1.LabelSelector> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('p', 'q', 'r', 's').map((name) => ({ matchLabels: { pod: name } })),
  fc.constantFrom('p', 'r').map((name) => ({ matchExpressions: [{ key: 'pod', operator: 'NotIn', values: [name] }] })),
  fc.constantFrom('x', 'y').map((ns) => ({ matchExpressions: [{ key: 'ns', operator: 'In', values: [ns] }] })),
);
const peer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ namespaceSelector: selector, podSelector: selector }),
  fc.constantFrom(
    { ipBlock: { cidr: '10.9.0.0/24', except: ['10.9.0.2/32', '10.9.0.4/31'] } },
    { ipBlock: { cidr: '0.0.0.0/0' } },
    { ipBlock: { cidr: 'fd00::/8' } },
    { ipBlock: { cidr: 'fd09::/64', except: ['fd09::3/128', 'fd09::4/127'] } },
  ),
);
const port = fc.constantFrom<networkingv1.NetworkPolicyPort>(
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 79, endPort: 82 },
  { protocol: 'UDP' },
  { protocol: 'UDP', port: 81, endPort: 8080 },
  { protocol: 'SCTP', port: 81 },
  { port: 'http' },
  { protocol: 'TCP', port: 81 },
);
const optional = <T>(each: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(each, { nil: undefined });
const rules = optional(
  fc.array(fc.record({ peers: optional(fc.array(peer, { maxLength: 2 })), ports: optional(fc.array(port, { maxLength: 3 })) }), {
    maxLength: 2,
  }),
);
const types = fc.constantFrom<string[] | undefined>(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']);

/** At most four. */
export const somePolicies = fc.array(fc.tuple(fc.constantFrom('x', 'y'), selector, rules, rules, types), { maxLength: 4 }).map((all) =>
  all.map(([namespace, podSelector, into, out, policyTypes], at) =>
    policyOf(`${at}`, namespace, {
      podSelector,
      ...(into && { ingress: into.map(({ peers, ports }) => ({ ...(peers && { from: peers }), ...(ports && { ports }) })) }),
      ...(out && { egress: out.map(({ peers, ports }) => ({ ...(peers && { to: peers }), ...(ports && { ports }) })) }),
      ...(policyTypes && { policyTypes }),
    } as networkingv1.NetworkPolicySpec),
  ),
);
