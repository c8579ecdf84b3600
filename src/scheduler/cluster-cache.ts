/**
 * The scheduler's picture of the cluster: what the watches say, and, ahead of them, the pods it has just placed ("assumed").
 * Invariants: a pod counts on at most one node; an assumed pod stays assumed until its own watch event confirms it or its binding fails.
 */
import type { corev1 } from '../api/index.ts';
import type { ClusterView } from './framework.ts';
import { NodeInfo } from './node-info.ts';

export class ClusterCache implements ClusterView {
  readonly #nodes = new Map<string, NodeInfo>();
  /** Pods whose node is not known (yet): by node name, by uid. */
  readonly #waitingForNode = new Map<string, Map<string, corev1.Pod>>();
  /** Pod uid → node. */
  readonly #placed = new Map<string, string>();
  readonly #assumed = new Set<string>();
  readonly #imageNodes = new Map<string, number>();

  get nodes(): ReadonlyMap<string, NodeInfo> {
    return this.#nodes;
  }

  imageNodeCount = (image: string): number => this.#imageNodes.get(image) ?? 0;

  setNode(node: corev1.Node): void {
    const known = this.#nodes.get(node.metadata.name);
    if (known) {
      this.#countImages(known, -1);
      known.setNode(node);
      this.#countImages(known, 1);
      return;
    }
    const info = new NodeInfo(node);
    this.#nodes.set(node.metadata.name, info);
    this.#countImages(info, 1);
    for (const pod of this.#waitingForNode.get(node.metadata.name)?.values() ?? []) info.addPod(pod);
    this.#waitingForNode.delete(node.metadata.name);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    this.#countImages(info, -1);
    this.#nodes.delete(name);
    for (const pod of info.pods) this.#hold(name, pod);
  }

  /** A pod with a node, as the watch tells of it; confirms an assumed one. */
  setPod(pod: corev1.Pod): void {
    this.#assumed.delete(pod.metadata.uid);
    this.#place(pod, pod.spec.nodeName ?? '');
  }

  removePod(uid: string): void {
    const node = this.#placed.get(uid);
    if (node === undefined) return;
    this.#placed.delete(uid);
    this.#assumed.delete(uid);
    this.#nodes.get(node)?.removePod(uid);
    this.#waitingForNode.get(node)?.delete(uid);
  }

  /** Counts a pod on a node before the API server has confirmed it. */
  assume(pod: corev1.Pod, node: string): void {
    this.#assumed.add(pod.metadata.uid);
    this.#place(pod, node);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** Takes an assumption back; a pod that the watch has confirmed meanwhile stays. */
  forget(uid: string): void {
    if (this.#assumed.has(uid)) this.removePod(uid);
  }

  #place(pod: corev1.Pod, node: string): void {
    const { uid } = pod.metadata;
    const before = this.#placed.get(uid);
    if (before !== undefined && before !== node) {
      this.#nodes.get(before)?.removePod(uid);
      this.#waitingForNode.get(before)?.delete(uid);
    }
    this.#placed.set(uid, node);
    const info = this.#nodes.get(node);
    if (info) info.addPod(pod);
    else this.#hold(node, pod);
  }

  #hold(node: string, pod: corev1.Pod): void {
    const held = this.#waitingForNode.get(node) ?? new Map<string, corev1.Pod>();
    held.set(pod.metadata.uid, pod);
    this.#waitingForNode.set(node, held);
  }

  #countImages(info: NodeInfo, change: 1 | -1): void {
    for (const image of info.images.keys()) {
      const count = (this.#imageNodes.get(image) ?? 0) + change;
      if (count > 0) this.#imageNodes.set(image, count);
      else this.#imageNodes.delete(image);
    }
  }
}
