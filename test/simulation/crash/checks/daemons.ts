/** What must hold of daemons: at most one of a DaemonSet on a node, and one more where it may surge. */
import type { corev1 } from '../../../../src/api/index.ts';
import { type Check, ownerOf } from '../history.ts';
import { livePodsOf } from './replicas.ts';

export const oneDaemonPerNode: Check = ({ kind, old, now }, history) => {
  if (kind !== 'Pod' || old || !now) return [];
  const owner = ownerOf(now, 'DaemonSet');
  if (owner === undefined) return [];
  const sets = [...history.all('DaemonSet')];
  const surge = sets.find(({ metadata }) => metadata.uid === owner)?.spec.updateStrategy?.rollingUpdate?.maxSurge;
  const most = surge === undefined || surge === 0 || surge === '0' ? 1 : 2;
  const node = nodeOf(now as corev1.Pod);
  const there = livePodsOf(history, 'DaemonSet', owner).filter((pod) => nodeOf(pod) === node);
  return there.length > most ? [`pod ${now.metadata.name} is the ${there.length}th of its DaemonSet on ${node}`] : [];
};

/** The node that the pod is on, or is made for. */
function nodeOf({ spec }: corev1.Pod): string | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return spec.nodeName || terms?.[0]?.matchFields?.[0]?.values?.[0];
}
