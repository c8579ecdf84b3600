/** The semantics of NetworkPolicy, evaluated for one packet straight from the API objects: slow, and plain to check against the documentation. For tests. */
import { cidrContains, type corev1, labelSelectorMatcher, type metav1, type networkingv1, parseCidr, parseIp } from '../../api/index.ts';

export interface World {
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly pods: readonly corev1.Pod[];
  readonly policies: readonly networkingv1.NetworkPolicy[];
}

export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

type Side = 'Ingress' | 'Egress';

export function isAllowed(world: World, packet: Packet): boolean {
  if (packet.from === packet.to) return true;
  return passes(world, packet, 'Egress') && passes(world, packet, 'Ingress');
}

/** One side alone. */
export function passes(world: World, packet: Packet, side: Side): boolean {
  const subject = podAt(world, side === 'Ingress' ? packet.to : packet.from);
  if (!subject) return true;
  const applying = world.policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === subject.metadata.namespace &&
      selects(spec.podSelector ?? {}, subject.metadata.labels) &&
      typesOf(spec).includes(side),
  );
  if (applying.length === 0) return true;
  return applying.some((policy) => {
    const rules =
      side === 'Ingress'
        ? (policy.spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (policy.spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    const other = side === 'Ingress' ? packet.from : packet.to;
    return rules.some(
      ({ peers, ports }) =>
        (!peers?.length || peers.some((peer) => peerIs(world, peer, other, policy.metadata.namespace!))) &&
        (!ports?.length || ports.some((port) => portIs(world, port, packet))),
    );
  });
}

function typesOf({ policyTypes, egress }: networkingv1.NetworkPolicySpec): readonly string[] {
  return policyTypes?.length ? policyTypes : egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

function podAt({ pods }: World, ip: string): corev1.Pod | undefined {
  return pods.find(
    ({ spec, status }) =>
      !spec.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && status?.podIPs?.some((each) => each.ip === ip),
  );
}

function peerIs(
  world: World,
  { ipBlock, namespaceSelector, podSelector }: networkingv1.NetworkPolicyPeer,
  ip: string,
  own: string,
): boolean {
  if (ipBlock) return inRange(ipBlock.cidr, ip) && !(ipBlock.except ?? []).some((hole) => inRange(hole, ip));
  const pod = podAt(world, ip);
  if (!pod) return false;
  const namespace = pod.metadata.namespace!;
  const there = namespaceSelector ? selects(namespaceSelector, world.namespaces.get(namespace)) : namespace === own;
  return there && (!podSelector || selects(podSelector, pod.metadata.labels));
}

function portIs(world: World, { protocol = 'TCP', port, endPort }: networkingv1.NetworkPolicyPort, packet: Packet): boolean {
  if (protocol !== packet.protocol) return false;
  if (port === undefined) return true;
  if (typeof port === 'number') return port <= packet.port && packet.port <= (endPort ?? port);
  const ports = podAt(world, packet.to)?.spec.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.find((each) => each.name === port && (each.protocol ?? 'TCP') === protocol)?.containerPort === packet.port;
}

function selects(selector: metav1.LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return labelSelectorMatcher(selector).matches(labels);
}

function inRange(range: string, ip: string): boolean {
  return cidrContains(parseCidr(range)!, parseIp(ip)!);
}
