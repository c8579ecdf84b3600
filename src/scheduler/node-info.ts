/**
 * What the scheduler knows of one node: the object, the pods that are or will be on it, and what they take. Kept up by deltas, so that a
 * filter is a few additions.
 */
import { type corev1, parseQuantity, podRequests, type ResourceAmounts } from '../api/index.ts';

/** Amounts by resource: cpu in millicores, everything else in units (bytes, counts). */
export type Amounts = Map<string, number>;

/** What scoring assumes of a container that asks for nothing. @source kube-scheduler util/pod_resources.go */
const assumedRequests = { cpu: '100m', memory: '200Mi' } as const;

interface PodShare {
  readonly pod: corev1.Pod;
  readonly requests: Amounts;
  readonly scoringRequests: Amounts;
  readonly hostPorts: readonly HostPort[];
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyAddress = '0.0.0.0';

export class NodeInfo {
  #node: corev1.Node;
  #allocatable: Amounts;
  #images: ReadonlyMap<string, number>;
  readonly #pods = new Map<string, PodShare>();
  readonly #requested: Amounts = new Map();
  readonly #scoringRequested: Amounts = new Map();

  constructor(node: corev1.Node) {
    this.#node = node;
    this.#allocatable = amountsOfList(node.status.allocatable ?? {});
    this.#images = imagesOf(node);
  }

  get node(): corev1.Node {
    return this.#node;
  }

  get name(): string {
    return this.#node.metadata.name;
  }

  get pods(): readonly corev1.Pod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  get podCount(): number {
    return this.#pods.size;
  }

  allocatable(resource: string): number {
    return this.#allocatable.get(resource) ?? 0;
  }

  /** What the pods here asked for. */
  requested(resource: string): number {
    return this.#requested.get(resource) ?? 0;
  }

  /** The same, with an assumption for containers that ask for nothing. */
  scoringRequested(resource: string): number {
    return this.#scoringRequested.get(resource) ?? 0;
  }

  /** Image name → bytes on this node. */
  get images(): ReadonlyMap<string, number> {
    return this.#images;
  }

  setNode(node: corev1.Node): void {
    this.#node = node;
    this.#allocatable = amountsOfList(node.status.allocatable ?? {});
    this.#images = imagesOf(node);
  }

  /** Puts a pod on the node, or replaces what was known of it. */
  addPod(pod: corev1.Pod): void {
    this.removePod(pod.metadata.uid);
    const share: PodShare = { pod, requests: podAmounts(pod), scoringRequests: scoringAmounts(pod), hostPorts: hostPortsOf(pod) };
    this.#pods.set(pod.metadata.uid, share);
    addInto(this.#requested, share.requests, 1);
    addInto(this.#scoringRequested, share.scoringRequests, 1);
  }

  removePod(uid: string): boolean {
    const share = this.#pods.get(uid);
    if (!share) return false;
    this.#pods.delete(uid);
    addInto(this.#requested, share.requests, -1);
    addInto(this.#scoringRequested, share.scoringRequests, -1);
    return true;
  }

  /** Whether a pod here holds the port: the same protocol and port, on the same address or where one side takes all addresses. */
  holdsPort(wanted: HostPort): boolean {
    for (const { hostPorts } of this.#pods.values()) {
      for (const held of hostPorts) {
        const sameAddress = held.ip === wanted.ip || held.ip === anyAddress || wanted.ip === anyAddress;
        if (sameAddress && held.port === wanted.port && held.protocol === wanted.protocol) return true;
      }
    }
    return false;
  }
}

/** What a pod asks for, as the node has to give it. */
export function podAmounts(pod: corev1.Pod): Amounts {
  return toNumbers(podRequests(pod, { useStatusResources: true }));
}

export function scoringAmounts(pod: corev1.Pod): Amounts {
  return toNumbers(podRequests(pod, { useStatusResources: true, nonMissingContainerRequests: assumedRequests }));
}

/** Host ports of all containers, sidecars among them. */
export function hostPortsOf(pod: corev1.Pod): HostPort[] {
  const sidecars = pod.spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? [];
  return [...pod.spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || anyAddress, protocol: protocol ?? 'TCP', port: hostPort }] : [],
    ),
  );
}

function toNumbers(amounts: ResourceAmounts): Amounts {
  return new Map([...amounts].map(([name, quantity]) => [name, name === 'cpu' ? quantity.milliValue() : quantity.value()]));
}

function amountsOfList(list: Readonly<Record<string, string>>): Amounts {
  return toNumbers(new Map(Object.entries(list).map(([name, text]) => [name, parseQuantity(text)])));
}

function addInto(total: Amounts, amounts: Amounts, sign: 1 | -1): void {
  for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + sign * amount);
}

function imagesOf(node: corev1.Node): Map<string, number> {
  return new Map(
    (node.status.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name): [string, number] => [name, sizeBytes])),
  );
}
