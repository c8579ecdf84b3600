/**
 * The latest changes of nodes and placed pods, in order. A plugin that keeps an index over the cluster (counts by topology domain, say)
 * remembers how far it has read and catches up when it needs the index next: no registration, nothing to clean up, and a class of pods that
 * nobody schedules any more costs nothing. Whoever is too far behind builds anew.
 *
 * Invariants: the log is told after the NodeInfos have changed; a pod is only ever on a node that was added; a node that goes is preceded
 * by the removal of all its pods.
 */
import type { corev1 } from '../../api/index.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

export type ClusterChange =
  | { readonly type: 'podAdded' | 'podRemoved'; readonly pod: PodInfo; readonly node: NodeInfo }
  | { readonly type: 'nodeAdded' | 'nodeRemoved'; readonly node: NodeInfo }
  | { readonly type: 'nodeChanged'; readonly node: NodeInfo; readonly old: corev1.Node; readonly labelsChanged: boolean };

const defaultCapacity = 1 << 16;

export class ChangeLog {
  readonly #ring: ClusterChange[] = [];
  readonly #capacity: number;
  #head = 0;

  constructor(capacity: number = defaultCapacity) {
    this.#capacity = capacity;
  }

  /** The position behind the newest change. */
  get head(): number {
    return this.#head;
  }

  append(change: ClusterChange): void {
    this.#ring[this.#head % this.#capacity] = change;
    this.#head++;
  }

  /** Visits every change from `position` on, in order; false (and nothing is visited) when some of them are forgotten. */
  readFrom(position: number, visit: (change: ClusterChange) => void): boolean {
    if (this.#head - position > this.#capacity) return false;
    for (let at = position; at < this.#head; at++) visit(this.#ring[at % this.#capacity]!);
    return true;
  }
}
