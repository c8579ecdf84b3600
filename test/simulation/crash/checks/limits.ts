/** What must hold of what limits pods: no more of them than a quota allows, none beside another where they keep apart. */
import { type corev1, isPodTerminal } from '../../../../src/api/index.ts';
import type { Check } from '../history.ts';

export const withinQuota: Check = ({ kind, old, now }, history) => {
  if (kind !== 'Pod' || old || !now) return [];
  const count = [...history.all('Pod')].filter((pod) => !isPodTerminal(pod)).length;
  return [...history.all('ResourceQuota')].flatMap(({ metadata, spec }) => {
    const most = Number(spec.hard?.['pods'] ?? Infinity);
    return count > most ? [`pod ${now.metadata.name} is the ${count}th, and quota ${metadata.name} allows ${most}`] : [];
  });
};

/** Of pods that keep others of the same label `app` off their node. */
export const keptApart: Check = ({ kind, old, now }, history) => {
  if (kind !== 'Pod' || !now || (old as corev1.Pod | undefined)?.spec.nodeName) return [];
  const { metadata, spec } = now as corev1.Pod;
  if (!spec.nodeName || !spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return [];
  const others = [...history.all('Pod')].filter(
    (pod) =>
      pod.metadata.uid !== metadata.uid &&
      pod.spec.nodeName === spec.nodeName &&
      !isPodTerminal(pod) &&
      pod.metadata.labels?.['app'] === metadata.labels?.['app'],
  );
  return others.map((pod) => `pod ${metadata.name} was put beside ${pod.metadata.name}, on ${spec.nodeName}`);
};
