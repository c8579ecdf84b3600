/** What the plugins can look at beside the pod and one node. Everything is live: there is no snapshot, because a cycle never waits. */
import type { ChangeLog } from './change-log.ts';
import type { NodeInfo } from './node-info.ts';

export interface ClusterView {
  /** In the order in which nodes are tried: zones take turns. */
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Every `NodeInfo.index` is below this; it only grows. */
  readonly capacity: number;
  /** What happened to nodes and placed pods, for indexes that plugins keep. */
  readonly changes: ChangeLog;
  /** How many nodes have an image, by its full name. */
  imageNodeCount(image: string): number;
  /** Nodes with at least one pod that says something of other pods. */
  readonly nodesWithAffinity: ReadonlySet<NodeInfo>;
  readonly nodesWithRequiredAntiAffinity: ReadonlySet<NodeInfo>;
  /** How many placed pods use the claim `namespace/name`. */
  claimUses(claim: string): number;
}
