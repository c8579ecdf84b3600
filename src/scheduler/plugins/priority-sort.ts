/** Higher priority first, then who waited longer. @source kube-scheduler v1.35 plugins/queuesort */
import type { Plugin, PluginFactory } from '../framework/index.ts';

export const prioritySort: PluginFactory = {
  name: 'PrioritySort',
  create: (): Plugin => ({
    name: 'PrioritySort',
    events: [],
    less: (a, b) => a.info.priority > b.info.priority || (a.info.priority === b.info.priority && a.queuedMs < b.queuedMs),
  }),
};
