/** What policies need to know of a pod, and nothing else: ten thousand of them are kept on every node. Pure. */
import { type corev1, type Draft, formatIp, isPodTerminal, isSidecar, parseIp } from '../../api/index.ts';

export interface PolicyPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string;
  /** When it was made; of two pods that claim an address the younger one has it. */
  readonly created: string;
  /** Canonical text. Empty: it has none yet, has given it back, or lives in the node's network, which policies do not see. */
  readonly ips: readonly string[];
  readonly ports: readonly NamedPort[];
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly number: number;
}

/** @param assigned addresses that the node's engine gave, when they are known before the API server knows them */
export function policyPodOf(pod: corev1.Pod, assigned?: readonly string[]): PolicyPod {
  const { metadata, spec, status } = pod;
  const given = assigned ?? (status?.podIPs ?? []).map(({ ip }) => ip ?? '');
  const hidden = spec.hostNetwork === true || isPodTerminal(pod);
  return {
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    labels: metadata.labels ?? {},
    nodeName: spec.nodeName ?? '',
    created: metadata.creationTimestamp ?? '',
    ips: hidden ? [] : given.flatMap((text) => canonical(text)),
    ports: namedPorts(spec),
  };
}

/** What a cache keeps of a pod. */
export function slimPod({ apiVersion, kind, metadata, spec, status }: corev1.Pod): corev1.Pod {
  const { name, namespace, uid, resourceVersion, labels, creationTimestamp } = metadata;
  const ports = (of: readonly corev1.Container[] | undefined): Draft<corev1.Container>[] =>
    (of ?? []).flatMap((container) => {
      const named = container.ports?.filter((port) => port.name);
      if (!named?.length) return [];
      return [{ name: container.name, ports: named, ...(container.restartPolicy && { restartPolicy: container.restartPolicy }) }];
    });
  const init = ports(spec.initContainers);
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(namespace && { namespace }),
      ...(labels && { labels }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    spec: {
      containers: ports(spec.containers),
      ...(init.length > 0 && { initContainers: init }),
      ...(spec.nodeName && { nodeName: spec.nodeName }),
      ...(spec.hostNetwork && { hostNetwork: true }),
    },
    status: { ...(status?.phase && { phase: status.phase }), ...(status?.podIPs && { podIPs: status.podIPs }) },
  } as corev1.Pod;
}

/** The number behind a port's name. @source pkg/api/v1/pod FindPort: containers first, then sidecars */
export function portNumber({ ports }: PolicyPod, name: string, protocol: string): number | undefined {
  return ports.find((port) => port.name === name && port.protocol === protocol)?.number;
}

function namedPorts({ containers, initContainers = [] }: corev1.PodSpec): NamedPort[] {
  const named: NamedPort[] = [];
  for (const container of [...containers, ...initContainers.filter(isSidecar)])
    for (const { name, protocol = 'TCP', containerPort } of container.ports ?? [])
      if (name) named.push({ name, protocol, number: containerPort });
  return named;
}

function canonical(text: string): string[] {
  const address = parseIp(text);
  return address ? [formatIp(address)] : [];
}
