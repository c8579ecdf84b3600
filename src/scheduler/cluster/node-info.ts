/**
 * What the scheduler knows of one node: the object, the pods that are or will be on it, and what they take, as numbers. Kept up by deltas,
 * so that a filter is a few additions. The cluster's own NodeInfos are changed by the cache only; whoever tries something out clones.
 */
import { type corev1, parseQuantity } from '../../api/index.ts';
import { type HostPort, portsConflict } from './host-ports.ts';
import type { PodAmounts } from './pod-amounts.ts';
import type { PodInfo } from './pod-info.ts';
import { cpuIndex, memoryIndex, podsIndex, resourceIndex } from './resource-index.ts';

/** Generations are unique over all nodes and never come back. */
let generations = 0;

export class NodeInfo {
  /** The node's place in arrays by node: below `ClusterView.capacity`, its own as long as it exists, then given to another. */
  readonly index: number;
  /** Another after every change of the node or its pods. */
  generation: number = ++generations;
  #node: corev1.Node;
  #allocatable: number[] = [];
  #images: ReadonlyMap<string, number>;
  readonly #requested: number[] = [];
  #scoringCpu = 0;
  #scoringMemory = 0;
  readonly #pods = new Map<string, PodInfo>();
  readonly #withAffinity = new Map<string, PodInfo>();
  readonly #withRequiredAntiAffinity = new Map<string, PodInfo>();
  readonly #ports: HostPort[] = [];
  readonly #claims = new Map<string, number>();

  /** @param original the same node, whose amounts and images need not be read again */
  constructor(node: corev1.Node, index: number, original?: NodeInfo) {
    this.#node = node;
    this.index = index;
    this.#allocatable = original ? original.#allocatable : amountsOfList(node.status?.allocatable ?? {});
    this.#images = original ? original.#images : imagesOf(node);
  }

  get node(): corev1.Node {
    return this.#node;
  }

  get name(): string {
    return this.#node.metadata.name;
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.#node.metadata.labels;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  pods(): IterableIterator<PodInfo> {
    return this.#pods.values();
  }

  pod(uid: string): PodInfo | undefined {
    return this.#pods.get(uid);
  }

  podsWithAffinity(): IterableIterator<PodInfo> {
    return this.#withAffinity.values();
  }

  podsWithRequiredAntiAffinity(): IterableIterator<PodInfo> {
    return this.#withRequiredAntiAffinity.values();
  }

  get hasPodsWithAffinity(): boolean {
    return this.#withAffinity.size > 0;
  }

  get hasPodsWithRequiredAntiAffinity(): boolean {
    return this.#withRequiredAntiAffinity.size > 0;
  }

  /** @param resource number from resource-index, here and below */
  allocatable(resource: number): number {
    return this.#allocatable[resource] ?? 0;
  }

  /** What the pods here asked for. For `pods`, their count. */
  requested(resource: number): number {
    return resource === podsIndex ? this.#pods.size : (this.#requested[resource] ?? 0);
  }

  /** The same, with an assumption for containers that ask for no cpu or memory. */
  scoringRequested(resource: number): number {
    if (resource === cpuIndex) return this.#scoringCpu;
    return resource === memoryIndex ? this.#scoringMemory : this.requested(resource);
  }

  /** Image name → bytes on this node. */
  get images(): ReadonlyMap<string, number> {
    return this.#images;
  }

  /** How many pods here use the claim `namespace/name`. */
  claimUses(claim: string): number {
    return this.#claims.get(claim) ?? 0;
  }

  get usedPorts(): readonly HostPort[] {
    return this.#ports;
  }

  /** Whether a pod here holds the port. */
  holdsPort(wanted: HostPort): boolean {
    return this.#ports.some((held) => portsConflict(held, wanted));
  }

  setNode(node: corev1.Node): void {
    this.#node = node;
    this.#allocatable = amountsOfList(node.status?.allocatable ?? {});
    this.#images = imagesOf(node);
    this.generation = ++generations;
  }

  /** Puts a pod on the node, or replaces what was known of it. */
  addPod(pod: PodInfo): void {
    this.removePod(pod.uid);
    this.#pods.set(pod.uid, pod);
    if (pod.hasAffinity) this.#withAffinity.set(pod.uid, pod);
    if (pod.terms.requiredAntiAffinity.length > 0) this.#withRequiredAntiAffinity.set(pod.uid, pod);
    this.#count(pod.amounts, 1);
    if (pod.hostPorts.length > 0) this.#ports.push(...pod.hostPorts);
    for (const claim of pod.claims) this.#claims.set(claim, (this.#claims.get(claim) ?? 0) + 1);
    this.generation = ++generations;
  }

  /** Returns what was there. */
  removePod(uid: string): PodInfo | undefined {
    const pod = this.#pods.get(uid);
    if (!pod) return undefined;
    this.#pods.delete(uid);
    this.#withAffinity.delete(uid);
    this.#withRequiredAntiAffinity.delete(uid);
    this.#count(pod.amounts, -1);
    for (const port of pod.hostPorts) this.#ports.splice(this.#ports.indexOf(port), 1);
    for (const claim of pod.claims) {
      const left = (this.#claims.get(claim) ?? 0) - 1;
      if (left > 0) this.#claims.set(claim, left);
      else this.#claims.delete(claim);
    }
    this.generation = ++generations;
    return pod;
  }

  /** The pod's object changed in nothing that counts here. */
  replacePod(pod: PodInfo): void {
    this.#pods.set(pod.uid, pod);
    if (this.#withAffinity.has(pod.uid)) this.#withAffinity.set(pod.uid, pod);
    if (this.#withRequiredAntiAffinity.has(pod.uid)) this.#withRequiredAntiAffinity.set(pod.uid, pod);
  }

  /** A copy to try things on; it has the same index. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.#node, this.index, this);
    copy.#requested.push(...this.#requested);
    copy.#scoringCpu = this.#scoringCpu;
    copy.#scoringMemory = this.#scoringMemory;
    copy.#ports.push(...this.#ports);
    for (const [uid, pod] of this.#pods) copy.#pods.set(uid, pod);
    for (const [uid, pod] of this.#withAffinity) copy.#withAffinity.set(uid, pod);
    for (const [uid, pod] of this.#withRequiredAntiAffinity) copy.#withRequiredAntiAffinity.set(uid, pod);
    for (const [claim, uses] of this.#claims) copy.#claims.set(claim, uses);
    return copy;
  }

  #count(amounts: PodAmounts, sign: 1 | -1): void {
    const requested = this.#requested;
    for (const { resource, amount } of amounts.requests) {
      while (requested.length <= resource) requested.push(0);
      requested[resource]! += sign * amount;
    }
    this.#scoringCpu += sign * amounts.scoringCpu;
    this.#scoringMemory += sign * amounts.scoringMemory;
  }
}

function amountsOfList(list: Readonly<Record<string, string>>): number[] {
  const amounts = [0, 0, 0, 0];
  for (const [name, text] of Object.entries(list)) {
    const resource = resourceIndex(name);
    const quantity = parseQuantity(text);
    while (amounts.length <= resource) amounts.push(0);
    amounts[resource] = resource === cpuIndex ? quantity.milliValue() : quantity.value();
  }
  return amounts;
}

function imagesOf(node: corev1.Node): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names, sizeBytes } of node.status?.images ?? []) for (const name of names ?? []) images.set(name, sizeBytes ?? 0);
  return images;
}
