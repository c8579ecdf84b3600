/** Taints keep pods away that do not tolerate them; soft taints (PreferNoSchedule) count against a node. @source kube-scheduler plugins/tainttoleration, v1.35 */
import { findUntoleratedTaint, tolerates } from '../../../api/index.ts';
import { normalizeByMax, type Plugin } from '../../framework.ts';

const name = 'TaintToleration';

export const taintToleration: Plugin = {
  name,
  events: ['node added', 'node taints', 'pod changed'],
  hint: (pod, { node }) =>
    node === undefined ||
    findUntoleratedTaint(node.spec.taints, pod.spec.tolerations, ({ effect }) => effect !== 'PreferNoSchedule') === undefined,
  filter: (_state, pod, { node }) => {
    const taint = findUntoleratedTaint(
      node.spec.taints,
      pod.spec.tolerations,
      ({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute',
    );
    return taint && { plugin: name, reasons: ['node(s) had untolerated taint(s)'], resolvable: false };
  },
  score: (_state, pod, { node }) => {
    const soft = pod.spec.tolerations?.filter(({ effect }) => !effect || effect === 'PreferNoSchedule') ?? [];
    return (node.spec.taints ?? []).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !soft.some((toleration) => tolerates(toleration, taint)),
    ).length;
  },
  normalizeScore: (scores) => normalizeByMax(scores, true),
};
