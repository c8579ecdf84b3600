/**
 * The scheduling framework: the extension points at which plugins take part in placing one pod. A cycle decides without an await, so the
 * live cache is its snapshot; only binding waits.
 * @source kube-scheduler v1.35, KEP-624
 */
import type { corev1 } from '../api/index.ts';
import type { NodeInfo } from './node-info.ts';

/** Why a pod cannot go somewhere. Undefined in a plugin's answer means: nothing against it. */
export interface Rejection {
  readonly plugin: string;
  /** Sentences as `kubectl describe pod` counts them by node, such as `Insufficient cpu`. */
  readonly reasons: readonly string[];
  /** False when no eviction of other pods could help (upstream's UnschedulableAndUnresolvable). */
  readonly resolvable: boolean;
}

/** A value that a plugin computes once in a cycle and reads again at a later point. */
export interface StateKey<T> {
  readonly name: string;
  /** Carries the type to the compiler; never set. */
  readonly value?: T;
}

/** What the plugins of one cycle remember. */
export class CycleState {
  readonly #values = new Map<string, unknown>();

  read<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key.name) as T | undefined;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key.name, value);
  }
}

/** Changes in the cluster that can make a pod fit; a plugin names those that can lift its rejections. */
export type ClusterEvent =
  | 'node added'
  | 'node allocatable'
  | 'node labels'
  | 'node taints'
  | 'assigned pod added'
  | 'assigned pod changed'
  | 'assigned pod deleted'
  | 'pod changed';

/** What a plugin's event hint may look at: the change, before and after. */
export interface EventDetail {
  readonly event: ClusterEvent;
  readonly node?: corev1.Node;
  readonly oldNode?: corev1.Node;
  readonly pod?: corev1.Pod;
  readonly oldPod?: corev1.Pod;
}

/** Every score is in 0…100 after normalizing. */
export const maxNodeScore = 100;

/** What the plugins can look at beside the pod and one node. */
export interface ClusterView {
  readonly nodes: ReadonlyMap<string, NodeInfo>;
  /** How many nodes have an image, by image name. */
  readonly imageNodeCount: (image: string) => number;
}

/**
 * A plugin takes part at the points that it implements. Points in the order of a cycle:
 * preEnqueue → preFilter → filter → (postFilter when nothing fits) → preScore → score → normalizeScore → reserve → permit → preBind →
 * bind → postBind; unreserve undoes reserve when anything after it fails.
 */
export interface Plugin {
  readonly name: string;
  /** Events that can lift this plugin's rejections. */
  readonly events?: readonly ClusterEvent[];
  /** Whether the event can help this pod; default: yes. */
  readonly hint?: (pod: corev1.Pod, detail: EventDetail) => boolean;
  readonly less?: (a: QueuedPod, b: QueuedPod) => boolean;
  /** A rejection keeps the pod out of the queue altogether. */
  readonly preEnqueue?: (pod: corev1.Pod) => Rejection | undefined;
  /** May say that only some nodes come into question, or that the plugin's filter has nothing to do (`skip`). */
  readonly preFilter?: (
    state: CycleState,
    pod: corev1.Pod,
    view: ClusterView,
  ) => { readonly nodes: ReadonlySet<string> } | 'skip' | Rejection | undefined;
  readonly filter?: (state: CycleState, pod: corev1.Pod, node: NodeInfo) => Rejection | undefined;
  /** Tries to make room when no node fits; returns the node to nominate, and a sentence for the pod's condition. */
  readonly postFilter?: (
    state: CycleState,
    pod: corev1.Pod,
    rejections: ReadonlyMap<string, Rejection>,
  ) => { readonly nominatedNode?: string; readonly message: string } | undefined;
  readonly preScore?: (state: CycleState, pod: corev1.Pod, nodes: readonly NodeInfo[]) => 'skip' | undefined;
  readonly score?: (state: CycleState, pod: corev1.Pod, node: NodeInfo, view: ClusterView) => number;
  /** Brings the plugin's raw scores into 0…100, in place. */
  readonly normalizeScore?: (scores: Map<string, number>) => void;
  readonly reserve?: (state: CycleState, pod: corev1.Pod, node: string) => Rejection | undefined;
  readonly unreserve?: (state: CycleState, pod: corev1.Pod, node: string) => void;
  /** Resolves when the pod may be bound; a rejection sends it back. */
  readonly permit?: (state: CycleState, pod: corev1.Pod, node: string, signal: AbortSignal) => Promise<Rejection | undefined>;
  readonly preBind?: (state: CycleState, pod: corev1.Pod, node: string, signal: AbortSignal) => Promise<Rejection | undefined>;
  /** The first plugin that binds ends the point. @throws ApiError */
  readonly bind?: (state: CycleState, pod: corev1.Pod, node: string, signal: AbortSignal) => Promise<void>;
  readonly postBind?: (state: CycleState, pod: corev1.Pod, node: string) => void;
}

/** A pod in the scheduler's queue. */
export interface QueuedPod {
  readonly pod: corev1.Pod;
  /** When it came into the queue, milliseconds. */
  readonly queuedMs: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Names of the plugins that rejected it last. */
  readonly rejectedBy: ReadonlySet<string>;
}

/** Which plugins take part, and how much each one's score counts. */
export interface Profile {
  /** Pods with this `spec.schedulerName` are ours. */
  readonly schedulerName: string;
  readonly plugins: readonly Plugin[];
  /** Plugin name → weight; default 1. */
  readonly weights: Readonly<Record<string, number>>;
}

/** Maps raw scores so that the largest becomes 100; `reverse` makes fewer better. */
export function normalizeByMax(scores: Map<string, number>, reverse: boolean): void {
  const max = Math.max(0, ...scores.values());
  for (const [node, score] of scores) {
    const scaled = max === 0 ? 0 : Math.floor((maxNodeScore * score) / max);
    scores.set(node, reverse ? maxNodeScore - scaled : scaled);
  }
}
