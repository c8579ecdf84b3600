/** Higher priority first, then who waited longer. @source kube-scheduler plugins/queuesort */
import type { Plugin } from '../../framework.ts';

export const prioritySort: Plugin = {
  name: 'PrioritySort',
  less: (a, b) => {
    const [priorityA, priorityB] = [a.pod.spec.priority ?? 0, b.pod.spec.priority ?? 0];
    return priorityA > priorityB || (priorityA === priorityB && a.queuedMs < b.queuedMs);
  },
};
