/**
 * The extension points at which plugins take part in placing one pod. Everything up to permit decides without an await (but for postFilter,
 * which may ask others), so the live cluster view is the cycle's snapshot; preBind, bind and postBind run beside the next decisions.
 *
 * Order: preEnqueue → (queueSort) → preFilter → filter → postFilter when no node fits → preScore → score → normalizeScore → reserve → permit
 * → preBind → bind → postBind. unreserve undoes reserve when anything after it fails.
 * @source kube-scheduler v1.35, staging k8s.io/kube-scheduler/framework/interface.go
 */
import type { corev1 } from '../../api/index.ts';
import type { NodeInfo } from '../cluster/node-info.ts';
import type { PodInfo } from '../cluster/pod-info.ts';
import type { EventRegistration } from './cluster-event.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeStatuses } from './node-statuses.ts';
import type { Status } from './status.ts';

/** Every score is in 0…100 after normalizing. */
export const maxNodeScore = 100;

/** A pod in the scheduler's queue. */
export interface QueuedPod {
  readonly info: PodInfo;
  /** When it last entered the queue, milliseconds. */
  readonly queuedMs: number;
  /** When it was first tried; undefined before. */
  readonly firstAttemptMs: number | undefined;
  /** Attempts so far. */
  readonly attempts: number;
  /** Names of the plugins that rejected it last. */
  readonly rejectedBy: ReadonlySet<string>;
}

/**
 * What an answer for one node depends on.
 * - `node`: nothing but what {@link podSignature} covers of the pod, the NodeInfo (node object and the pods there) and the plugin's
 *   arguments. Asked again only when the node's generation changed, and once for all pods of a shape: prefer it.
 * - `cluster`: anything else (other nodes, claims, labels of the pod). Asked for each pod and each node looked at, so it must cost no more
 *   than a few array reads: prepare in preFilter, from an index that follows `ClusterView.changes`.
 */
export type Scope = 'node' | 'cluster';

export interface PreFilterNodes {
  /** Only these nodes come into question. */
  readonly nodes: ReadonlySet<string>;
}

export interface PostFilterResult {
  /** Undefined: room was made. A rejection's reasons go into the pod's message behind those of the nodes. */
  readonly status?: Status;
  /** The node to nominate the pod for; `''` takes a nomination back; undefined leaves it as it is. */
  readonly nominatedNode?: string;
}

/** The points in a profile, by the names that KubeSchedulerConfiguration has for them. */
export interface Plugin {
  readonly name: string;

  /** Events that can lift this plugin's rejections. Left out: every event (as upstream does for plugins that do not say). */
  readonly events?: readonly EventRegistration[];

  /** queueSort: whether `a` is tried before `b`. */
  less?(a: QueuedPod, b: QueuedPod): boolean;

  /** A rejection keeps the pod out of the queue until one of the plugin's events lets it be asked again. */
  preEnqueue?(pod: corev1.Pod): Status | undefined;

  /** Prepares the cycle. May leave only some nodes in question, or answer `skip`: then the plugin's filter is not asked. */
  preFilter?(state: CycleState, pod: PodInfo): Status | PreFilterNodes | undefined;

  /**
   * Takes one more pod on a node into what preFilter prepared, and out again: for preemption and nominated pods. The NodeInfo has been
   * changed already (it may be a copy). Must be exact inverses of each other; not asked when preFilter skipped.
   */
  addPod?(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined;
  removePod?(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined;

  /** Default `cluster`. */
  readonly filterScope?: Scope;
  /** May be given a copy of a NodeInfo. Return constants where you can: equal statuses are counted by identity first. */
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;

  /**
   * Where the filter rejected: what would have to change so that it does not, as imperative phrases such as `remove taint x or tolerate it`.
   * For people who ask why a pod waits; never called in a scheduling cycle.
   */
  explain?(state: CycleState, pod: PodInfo, node: NodeInfo): readonly string[];
  /** The same where preFilter rejected the pod as such. */
  explainPreFilter?(pod: PodInfo): readonly string[];

  /** Tries to make room when no node fits. The first plugin that succeeds ends the point. */
  postFilter?(
    state: CycleState,
    pod: PodInfo,
    statuses: NodeStatuses,
    signal: AbortSignal,
  ): PostFilterResult | undefined | Promise<PostFilterResult | undefined>;

  /** Prepares scoring; `skip`: the plugin's score is zero for all nodes and is not asked. */
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Status | undefined;

  /** Default `cluster`. With `node`, preScore must prepare from what the signature covers only. */
  readonly scoreScope?: Scope;
  /** A whole number; in 0…100 unless the plugin normalizes. */
  score?(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  /** Brings the raw scores into 0…100, in place: `scores[i]` is that of `nodes[i]`; the array may be longer than `nodes`. */
  normalizeScore?(state: CycleState, pod: PodInfo, scores: Float64Array, nodes: readonly NodeInfo[]): void;

  reserve?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  /** Must be harmless when reserve was not called. */
  unreserve?(state: CycleState, pod: PodInfo, nodeName: string): void;

  /** `waitFor(timeoutMs)` holds the pod until a plugin allows or rejects it through `FrameworkHandle.waitingPods`. */
  permit?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;

  /** Asked before preBind, synchronously: `skip` spares the pod the plugin's preBind. */
  preBindPreFlight?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  preBind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined>;

  /** `skip` leaves it to the next plugin. @throws ApiError */
  bind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined>;

  postBind?(state: CycleState, pod: PodInfo, nodeName: string): void;
}

/** Scales so that the largest score becomes 100; `reverse` makes fewer better. @source plugins/helper DefaultNormalizeScore */
export function normalizeByMax(scores: Float64Array, count: number, reverse: boolean): void {
  let max = 0;
  for (let i = 0; i < count; i++) if (scores[i]! > max) max = scores[i]!;
  if (max === 0) {
    if (reverse) scores.fill(maxNodeScore, 0, count);
    return;
  }
  for (let i = 0; i < count; i++) {
    const scaled = Math.floor((maxNodeScore * scores[i]!) / max);
    scores[i] = reverse ? maxNodeScore - scaled : scaled;
  }
}
