/**
 * The order in which nodes are tried: zones take turns, so that the first few hundred that fit come from everywhere.
 * @source kube-scheduler backend/cache/node_tree.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { NodeInfo } from './node-info.ts';

/** Region and zone of a node as one text; empty when it has neither. */
export function zoneOf({ metadata: { labels } }: corev1.Node): string {
  if (!labels) return '';
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\x00:${zone}`;
}

/** One node of each zone in turn; zones, and nodes within one, in the order given. */
export function inTurns(nodes: Iterable<NodeInfo>): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node.node);
    const there = zones.get(zone);
    if (there) there.push(node);
    else zones.set(zone, [node]);
  }
  const [only] = zones.values();
  if (only && zones.size === 1) return only;
  const order: NodeInfo[] = [];
  const longest = Math.max(0, ...[...zones.values()].map(({ length }) => length));
  for (let round = 0; round < longest; round++) {
    for (const zone of zones.values()) {
      const node = zone[round];
      if (node) order.push(node);
    }
  }
  return order;
}
