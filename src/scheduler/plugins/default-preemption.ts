/** Lets pods of higher priority take the place of pods of lower priority. @source kube-scheduler v1.35 plugins/defaultpreemption */
import { Action, type ArgsError, type Plugin, type PluginFactory, type PostFilterResult, unresolvable } from '../framework/index.ts';
import { Evictor } from '../preemption/evictor.ts';
import { preemptionMetrics } from '../preemption/metrics.ts';
import { type CandidateLimits, Preemptor } from '../preemption/preemptor.ts';

const name = 'DefaultPreemption';
const underWay = unresolvable('waiting for the preemption for this pod to be finished');

export const defaultPreemption: PluginFactory<CandidateLimits> = {
  name,
  defaultArgs: (given) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...given }),
  validateArgs: ({ minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute }) => {
    const errors: ArgsError[] = [];
    if (!(percentage >= 0 && percentage <= 100)) {
      errors.push({ path: 'minCandidateNodesPercentage', message: `Invalid value: ${percentage}: not in valid range [0, 100]` });
    }
    if (!(absolute >= 0)) {
      errors.push({ path: 'minCandidateNodesAbsolute', message: `Invalid value: ${absolute}: not in valid range [0, inf)` });
    }
    if (percentage === 0 && absolute === 0) {
      errors.push({
        path: 'minCandidateNodesPercentage',
        message: 'Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute',
      });
      errors.push({
        path: 'minCandidateNodesAbsolute',
        message: 'Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage',
      });
    }
    return errors;
  },
  create: (limits, handle): Plugin => {
    const evictor = new Evictor(name, handle);
    const preemptor = new Preemptor(name, handle, { limits, evictor });
    return {
      name,
      // The pods that it keeps out wait for their victims, and the plugins that rejected them say when those are gone.
      events: [{ resource: 'Pod', actions: Action.Delete, hint: () => false }],
      preEnqueue: (pod) => (evictor.isPreempting(pod.metadata.uid) ? underWay : undefined),
      postFilter: (state, pod, statuses, signal) => {
        preemptionMetrics(handle.registry).attempts.inc();
        const result = preemptor.preempt(state, pod, statuses, signal);
        // Without extenders the answer is there at once, and the cycle goes on without a wait.
        return result instanceof Promise ? result.then(prefixed) : prefixed(result);
      },
    };
  },
};

function prefixed({ status, ...nomination }: PostFilterResult): PostFilterResult {
  if (!status || status.code === 'Error') return status ? { ...nomination, status } : nomination;
  return { ...nomination, status: { ...status, reasons: [`preemption: ${status.reasons.join(', ')}`] } };
}
