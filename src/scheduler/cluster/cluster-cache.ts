/**
 * The scheduler's picture of the cluster: what the watches say, and, ahead of them, the pods it has just placed ("assumed").
 *
 * Invariants: a pod counts on at most one node; an assumed pod stays assumed until its own watch event confirms it or its binding fails;
 * pods of a node that is not known are held until it is, and count nowhere meanwhile.
 */
import type { corev1 } from '../../api/index.ts';
import { ChangeLog } from './change-log.ts';
import type { ClusterView } from './cluster-view.ts';
import { NodeInfo } from './node-info.ts';
import { inTurns, zoneOf } from './node-order.ts';
import { PodInfo } from './pod-info.ts';
import { PodShapes } from './pod-shape.ts';

interface Placement {
  readonly info: PodInfo;
  readonly nodeName: string;
  readonly assumed: boolean;
}

export class ClusterCache implements ClusterView {
  readonly changes: ChangeLog = new ChangeLog();
  readonly shapes: PodShapes = new PodShapes();
  readonly nodesWithAffinity: Set<NodeInfo> = new Set<NodeInfo>();
  readonly nodesWithRequiredAntiAffinity: Set<NodeInfo> = new Set<NodeInfo>();
  readonly #nodes = new Map<string, NodeInfo>();
  /** By uid; the node may be unknown. */
  readonly #placed = new Map<string, Placement>();
  /** Pods whose node is not known (yet): by node name, by uid. */
  readonly #held = new Map<string, Map<string, PodInfo>>();
  readonly #imageNodes = new Map<string, number>();
  readonly #claims = new Map<string, number>();
  readonly #freeIndexes: number[] = [];
  #capacity = 0;
  #order: readonly NodeInfo[] | undefined;
  #assumed = 0;

  get nodes(): readonly NodeInfo[] {
    return (this.#order ??= inTurns(this.#nodes.values()));
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  get capacity(): number {
    return this.#capacity;
  }

  imageNodeCount(image: string): number {
    return this.#imageNodes.get(image) ?? 0;
  }

  claimUses(claim: string): number {
    return this.#claims.get(claim) ?? 0;
  }

  /** How many of each there are; `scheduler_cache_size` in metrics. */
  get sizes(): { readonly nodes: number; readonly pods: number; readonly assumedPods: number } {
    return { nodes: this.#nodes.size, pods: this.#placed.size, assumedPods: this.#assumed };
  }

  podInfo(pod: corev1.Pod): PodInfo {
    return new PodInfo(pod, this.shapes.of(pod));
  }

  setNode(node: corev1.Node): void {
    const known = this.#nodes.get(node.metadata.name);
    if (!known) {
      this.#addNode(node);
      return;
    }
    const old = known.node;
    this.#countImages(known, -1);
    known.setNode(node);
    this.#countImages(known, 1);
    if (zoneOf(old) !== zoneOf(node)) this.#order = undefined;
    this.changes.append({ type: 'nodeChanged', node: known, old, labelsChanged: !sameLabels(old.metadata.labels, node.metadata.labels) });
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    for (const pod of info.pods()) {
      this.#takeOff(info, pod.uid);
      this.#hold(name, pod);
    }
    this.#countImages(info, -1);
    this.#nodes.delete(name);
    this.#freeIndexes.push(info.index);
    this.#order = undefined;
    this.changes.append({ type: 'nodeRemoved', node: info });
  }

  /** A pod with a node, as the watch tells of it; confirms an assumed one. */
  setPod(pod: corev1.Pod): void {
    const info = this.podInfo(pod);
    const nodeName = pod.spec.nodeName ?? '';
    const before = this.#placed.get(info.uid);
    if (before?.assumed) this.#assumed--;
    this.#placed.set(info.uid, { info, nodeName, assumed: false });
    if (before && before.nodeName === nodeName && countsAlike(before.info, info)) {
      this.#nodes.get(nodeName)?.replacePod(info);
      this.#held.get(nodeName)?.set(info.uid, info);
      return;
    }
    if (before) this.#takeAway(before);
    this.#put(info, nodeName);
  }

  removePod(uid: string): void {
    const placement = this.#placed.get(uid);
    if (!placement) return;
    this.#placed.delete(uid);
    if (placement.assumed) this.#assumed--;
    this.#takeAway(placement);
  }

  /** Counts a pod on a node before the API server has confirmed it. */
  assume(info: PodInfo, nodeName: string): void {
    const before = this.#placed.get(info.uid);
    if (before) this.removePod(info.uid);
    this.#placed.set(info.uid, { info, nodeName, assumed: true });
    this.#assumed++;
    this.#put(info, nodeName);
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.assumed ?? false;
  }

  isPlaced(uid: string): boolean {
    return this.#placed.has(uid);
  }

  /** Takes an assumption back; a pod that the watch has confirmed meanwhile stays. True when there was one. */
  forget(uid: string): boolean {
    if (!this.isAssumed(uid)) return false;
    this.removePod(uid);
    return true;
  }

  #addNode(node: corev1.Node): void {
    const { name } = node.metadata;
    const info = new NodeInfo(node, this.#freeIndexes.pop() ?? this.#capacity++);
    this.#nodes.set(name, info);
    this.#countImages(info, 1);
    this.#order = undefined;
    this.changes.append({ type: 'nodeAdded', node: info });
    const held = this.#held.get(name);
    this.#held.delete(name);
    for (const pod of held?.values() ?? []) this.#put(pod, name);
  }

  #put(pod: PodInfo, nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (!node) {
      this.#hold(nodeName, pod);
      return;
    }
    node.addPod(pod);
    for (const claim of pod.claims) this.#claims.set(claim, this.claimUses(claim) + 1);
    if (pod.hasAffinity) this.#fileByAffinity(node);
    this.changes.append({ type: 'podAdded', pod, node });
  }

  #takeAway({ info, nodeName }: Placement): void {
    const node = this.#nodes.get(nodeName);
    if (node) this.#takeOff(node, info.uid);
    else this.#release(nodeName, info.uid);
  }

  #takeOff(node: NodeInfo, uid: string): void {
    const pod = node.removePod(uid);
    if (!pod) return;
    for (const claim of pod.claims) {
      const left = this.claimUses(claim) - 1;
      if (left > 0) this.#claims.set(claim, left);
      else this.#claims.delete(claim);
    }
    if (pod.hasAffinity) this.#fileByAffinity(node);
    this.changes.append({ type: 'podRemoved', pod, node });
  }

  #fileByAffinity(node: NodeInfo): void {
    if (node.hasPodsWithAffinity) this.nodesWithAffinity.add(node);
    else this.nodesWithAffinity.delete(node);
    if (node.hasPodsWithRequiredAntiAffinity) this.nodesWithRequiredAntiAffinity.add(node);
    else this.nodesWithRequiredAntiAffinity.delete(node);
  }

  #hold(nodeName: string, pod: PodInfo): void {
    const held = this.#held.get(nodeName);
    if (held) held.set(pod.uid, pod);
    else this.#held.set(nodeName, new Map([[pod.uid, pod]]));
  }

  #release(nodeName: string, uid: string): void {
    const held = this.#held.get(nodeName);
    held?.delete(uid);
    if (held?.size === 0) this.#held.delete(nodeName);
  }

  #countImages(info: NodeInfo, change: 1 | -1): void {
    for (const image of info.images.keys()) {
      const count = this.imageNodeCount(image) + change;
      if (count > 0) this.#imageNodes.set(image, count);
      else this.#imageNodes.delete(image);
    }
  }
}

/** Whether the two states of a pod are the same to every plugin: what it takes, its labels, and whether it is leaving. */
function countsAlike(a: PodInfo, b: PodInfo): boolean {
  if (a.shape !== b.shape || !sameLabels(a.labels, b.labels)) return false;
  if ((a.pod.metadata.deletionTimestamp === undefined) !== (b.pod.metadata.deletionTimestamp === undefined)) return false;
  if (a.amounts === b.amounts) return true;
  const [before, after] = [a.amounts, b.amounts];
  return (
    before.scoringCpu === after.scoringCpu &&
    before.scoringMemory === after.scoringMemory &&
    before.requests.length === after.requests.length &&
    before.requests.every(({ resource, amount }, i) => after.requests[i]!.resource === resource && after.requests[i]!.amount === amount)
  );
}

function sameLabels(a: Readonly<Record<string, string>> | undefined, b: Readonly<Record<string, string>> | undefined): boolean {
  if (a === b) return true;
  const names = Object.keys(a ?? {});
  return names.length === Object.keys(b ?? {}).length && names.every((name) => b![name] === a![name]);
}
