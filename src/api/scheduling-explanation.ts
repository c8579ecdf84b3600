/**
 * `scheduling.knarr.dev`: why a pod is where it is, or nowhere. Knarr's own: made when it is asked for, stored nowhere, named after the pod.
 */
import type * as metav1 from './gen/meta-v1.ts';
import type { ResourceRef } from './resource-ref.ts';

const apiVersion = 'scheduling.knarr.dev/v1alpha1';

/**
 * - `Scheduled`: the pod has its node.
 * - `Gated`: something keeps it out of the queue.
 * - `Fits`: it would be placed now, on one of the nodes that fit.
 * - `DoesNotFit`: no node takes it.
 */
export type SchedulingVerdict = 'Scheduled' | 'Gated' | 'Fits' | 'DoesNotFit';

export interface SchedulingExplanation {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'SchedulingExplanation';
  readonly metadata: metav1.ObjectMeta;
  readonly verdict: SchedulingVerdict;
  /** One sentence; for `DoesNotFit` that of the pod's PodScheduled condition. */
  readonly message: string;
  readonly schedulerName: string;
  /** Of a pod that has one. */
  readonly nodeName?: string;
  /** The node that preemption makes room on. */
  readonly nominatedNodeName?: string;
  /** What keeps the pod from every node. */
  readonly rejections?: readonly SchedulingRejection[];
  /** Those that fit first, best first; then by name. */
  readonly nodes: readonly NodeExplanation[];
}

export interface NodeExplanation {
  readonly name: string;
  readonly fits: boolean;
  /** Of a node that fits: the weighted sum. */
  readonly score?: number;
  readonly scores?: readonly PluginScore[];
  /** The first is the one that the scheduler goes by. */
  readonly rejections?: readonly SchedulingRejection[];
  /** What eviction of pods of lower priority would do, where it helps. */
  readonly preemption?: { readonly victims: readonly string[]; readonly violatedBudgets: number };
}

export interface PluginScore {
  readonly plugin: string;
  /** 0…100, before the weight. */
  readonly score: number;
  readonly weight: number;
}

export interface SchedulingRejection {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** Whether evicting other pods could help. */
  readonly resolvable: boolean;
  /** What would make it fit, as imperative phrases. */
  readonly advice?: readonly string[];
}

const schedulingExplanations: ResourceRef<SchedulingExplanation> = {
  group: 'scheduling.knarr.dev',
  version: 'v1alpha1',
  kind: 'SchedulingExplanation',
  plural: 'schedulingexplanations',
  namespaced: true,
};

export const schedulingKnarrResources = { schedulingExplanations } as const;
