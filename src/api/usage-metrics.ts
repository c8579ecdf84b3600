/**
 * `metrics.k8s.io`: what nodes and pods use now. Not part of Kubernetes' own schema: metrics servers bring it along, and clients such as
 * `kubectl top` and autoscalers expect it.
 * @source k8s.io/metrics pkg/apis/metrics/v1beta1, v0.35
 */
import type * as metav1 from './gen/meta-v1.ts';
import type { ResourceRef } from './resource-ref.ts';

const apiVersion = 'metrics.k8s.io/v1beta1';

/** By resource name, `cpu` in cores and `memory` in bytes, as quantities. */
export type Usage = Readonly<Record<string, string>>;

export interface NodeMetrics {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'NodeMetrics';
  readonly metadata: metav1.ObjectMeta;
  /** The end of the window that the usage is measured over. */
  readonly timestamp: metav1.Time;
  /** A duration such as `15.02s`. */
  readonly window: string;
  readonly usage: Usage;
}

export interface PodMetrics {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'PodMetrics';
  readonly metadata: metav1.ObjectMeta;
  /** As of nodes. */
  readonly timestamp: metav1.Time;
  readonly window: string;
  readonly containers: readonly ContainerMetrics[];
}

export interface ContainerMetrics {
  readonly name: string;
  readonly usage: Usage;
}

const nodes: ResourceRef<NodeMetrics> = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  namespaced: false,
};

const pods: ResourceRef<PodMetrics> = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
};

export const metricsv1beta1Resources = { nodes, pods } as const;
