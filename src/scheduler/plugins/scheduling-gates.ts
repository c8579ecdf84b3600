/** A pod with gates stays out of the queue until the last one is lifted. @source kube-scheduler v1.35 plugins/schedulinggates, KEP-3521 */
import { Action, type Plugin, type PluginFactory, unresolvable } from '../framework/index.ts';

const name = 'SchedulingGates';

export const schedulingGates: PluginFactory = {
  name,
  create: (): Plugin => ({
    name,
    events: [
      {
        resource: 'Pod',
        actions: Action.UpdatePodSchedulingGatesEliminated,
        hint: (pod, _old, current) => current?.metadata.uid === pod.metadata.uid,
      },
    ],
    preEnqueue: ({ spec: { schedulingGates: gates = [] } }) =>
      gates.length === 0 ? undefined : unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`),
  }),
};
