/** What must hold of every binding: a pod gets one node and no other, and no node is given more than it has. */
import { type corev1, isPodTerminal, parseQuantity, podRequests } from '../../../../src/api/index.ts';
import type { Check } from '../history.ts';

export const boundOnce: Check = ({ kind, old, now }) => {
  if (kind !== 'Pod' || !old || !now || old.metadata.uid !== now.metadata.uid) return [];
  const [before, after] = [(old as corev1.Pod).spec.nodeName, (now as corev1.Pod).spec.nodeName];
  return before && before !== after ? [`pod ${now.metadata.name} was bound to ${before} and then to ${after}`] : [];
};

export const notOvercommitted: Check = ({ kind, old, now }, history) => {
  if (kind !== 'Pod' || !now) return [];
  const { nodeName } = (now as corev1.Pod).spec;
  if (!nodeName || (old as corev1.Pod | undefined)?.spec.nodeName === nodeName) return [];
  const node = history.one('Node', nodeName);
  if (!node) return [`pod ${now.metadata.name} was bound to ${nodeName}, which does not exist`];
  const taken = new Map<string, number>();
  for (const pod of history.all('Pod')) {
    if (pod.spec.nodeName !== nodeName || isPodTerminal(pod)) continue;
    taken.set('pods', (taken.get('pods') ?? 0) + 1000);
    for (const [resource, amount] of podRequests(pod)) taken.set(resource, (taken.get(resource) ?? 0) + amount.milliValue());
  }
  return [...taken].flatMap(([resource, milli]) => {
    const room = parseQuantity(node.status.allocatable?.[resource] ?? '0').milliValue();
    return milli > room ? [`node ${nodeName} has ${room}m ${resource}; with pod ${now.metadata.name}, ${milli}m are taken`] : [];
  });
};
