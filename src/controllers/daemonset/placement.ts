/**
 * Which nodes a DaemonSet wants a pod on. Answers are kept as long as node and template stay the same, because every look at a set asks
 * about every node.
 * @source pkg/controller/daemon/daemon_controller.go (NodeShouldRunDaemonPod), v1.35
 */
import { type appsv1, type corev1, findUntoleratedTaint, matchesRequiredNodeAffinity } from '../../api/index.ts';
import { daemonTolerations } from './daemon-pod.ts';

type Node = corev1.Node;
type DaemonSet = appsv1.DaemonSet;

/** `run`: a pod belongs there. `continue`: one that is there may stay. `none`: one that is there goes. */
export type Placement = 'run' | 'continue' | 'none';

export function placementOn(daemonSet: DaemonSet, node: Node): Placement {
  // Validation has seen to it that a template has a spec.
  const spec = daemonSet.spec.template.spec!;
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return 'none';
  if (!matchesRequiredNodeAffinity(spec, node)) return 'none';
  const { taints } = node.spec;
  if (!taints?.length) return 'run';
  const tolerations = daemonTolerations(spec);
  if (findUntoleratedTaint(taints, tolerations, ({ effect }) => effect === 'NoExecute')) return 'none';
  return findUntoleratedTaint(taints, tolerations, ({ effect }) => effect === 'NoSchedule') ? 'continue' : 'run';
}

interface Known {
  readonly generation: number | undefined;
  readonly placement: Placement;
}

/** Remembers placements: for each version of a node, by the uid of the set. */
export class Placements {
  readonly #known = new WeakMap<Node, Map<string, Known>>();

  on(daemonSet: DaemonSet, node: Node): Placement {
    const { uid, generation } = daemonSet.metadata;
    let ofNode = this.#known.get(node);
    if (!ofNode) this.#known.set(node, (ofNode = new Map<string, Known>()));
    const known = ofNode.get(uid);
    if (known && known.generation === generation) return known.placement;
    const placement = placementOn(daemonSet, node);
    ofNode.set(uid, { generation, placement });
    return placement;
  }
}
