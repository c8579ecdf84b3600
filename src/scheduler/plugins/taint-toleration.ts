/** Taints keep pods away that do not tolerate them; soft taints (PreferNoSchedule) count against a node. @source kube-scheduler v1.35 plugins/tainttoleration */
import { type corev1, findUntoleratedTaint, formatTaint, tolerates } from '../../api/index.ts';
import { Action, normalizeByMax, type Plugin, type PluginFactory, type StateKey, stateKey, unresolvable } from '../framework/index.ts';

const name = 'TaintToleration';
const untolerated = unresolvable('node(s) had untolerated taint(s)');
const softKey: StateKey<readonly corev1.Toleration[]> = stateKey(name);

/** The first hard taint of the node that the pod does not tolerate. */
export function keepsAway(node: corev1.Node, tolerations: readonly corev1.Toleration[] | undefined): corev1.Taint | undefined {
  if (!node.spec.taints) return undefined;
  return findUntoleratedTaint(node.spec.taints, tolerations, ({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
}

export const taintToleration: PluginFactory = {
  name,
  create: (): Plugin => ({
    name,
    events: [
      {
        resource: 'Node',
        actions: Action.Add | Action.UpdateNodeTaint,
        hint: ({ spec: { tolerations } }, old, current) =>
          current !== undefined && !keepsAway(current, tolerations) && (!old || keepsAway(old, tolerations) !== undefined),
      },
      {
        resource: 'Pod',
        actions: Action.UpdatePodToleration,
        hint: (pod, _old, current) => current?.metadata.uid === pod.metadata.uid,
      },
    ],
    filterScope: 'node',
    filter: (_state, { pod }, { node }) => (keepsAway(node, pod.spec.tolerations) ? untolerated : undefined),
    explain: (_state, { pod }, { node }) =>
      (node.spec.taints ?? [])
        .filter((taint) => keepsAway({ ...node, spec: { taints: [taint] } }, pod.spec.tolerations))
        .map((taint) => `remove taint ${formatTaint(taint)} or tolerate it`),
    preScore: (state, { pod }) => {
      state.write(softKey, pod.spec.tolerations?.filter(({ effect }) => !effect || effect === 'PreferNoSchedule') ?? []);
      return undefined;
    },
    scoreScope: 'node',
    score: (state, _pod, { node: { spec } }) => {
      if (!spec.taints) return 0;
      const soft = state.read(softKey) ?? [];
      return spec.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !soft.some((toleration) => tolerates(toleration, taint)))
        .length;
    },
    normalizeScore: (_state, _pod, scores, nodes) => normalizeByMax(scores, nodes.length, true),
  }),
};
