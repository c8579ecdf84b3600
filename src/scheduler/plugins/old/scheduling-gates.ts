/** A pod with gates stays out of the queue until the last one is lifted. @source KEP-3521 */
import type { Plugin } from '../../framework.ts';

export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  events: ['pod changed'],
  hint: (pod, { pod: changed }) => changed === undefined || changed.metadata.uid === pod.metadata.uid,
  preEnqueue: (pod) => {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return {
      plugin: 'SchedulingGates',
      reasons: [`waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`],
      resolvable: false,
    };
  },
};
