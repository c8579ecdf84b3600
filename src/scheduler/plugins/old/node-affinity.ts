/** `nodeSelector` and node affinity: required terms filter, preferred ones score. @source kube-scheduler plugins/nodeaffinity */
import { matchesRequiredNodeAffinity, preferredNodeAffinityScore } from '../../../api/index.ts';
import { normalizeByMax, type Plugin } from '../../framework.ts';

const name = 'NodeAffinity';

export const nodeAffinity: Plugin = {
  name,
  events: ['node added', 'node labels', 'pod changed'],
  hint: (pod, { node }) => node === undefined || matchesRequiredNodeAffinity(pod.spec, node),
  preFilter: (_state, pod) => {
    const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const anySelector = terms !== undefined || Object.keys(pod.spec.nodeSelector ?? {}).length > 0;
    if (!anySelector) return 'skip';
    // Terms that all pin metadata.name (as DaemonSets' do) leave only those nodes in question.
    const names = new Set<string>();
    for (const term of terms ?? []) {
      const pinned = term.matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
      if (!pinned) return undefined;
      for (const value of pinned.values ?? []) names.add(value);
    }
    return terms && names.size > 0 ? { nodes: names } : undefined;
  },
  filter: (_state, pod, { node }) =>
    matchesRequiredNodeAffinity(pod.spec, node)
      ? undefined
      : { plugin: name, reasons: ["node(s) didn't match Pod's node affinity/selector"], resolvable: false },
  preScore: (_state, pod) =>
    pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.length ? undefined : 'skip',
  score: (_state, pod, { node }) =>
    preferredNodeAffinityScore(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution, node),
  normalizeScore: (scores) => normalizeByMax(scores, false),
};
