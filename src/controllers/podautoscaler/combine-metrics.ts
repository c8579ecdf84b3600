/**
 * What all metrics of an autoscaler together call for: the most of any. One that cannot be read keeps the others from making it smaller, not
 * from making it larger. Pure.
 * @source pkg/controller/podautoscaler/horizontal.go computeReplicasForMetrics, v1.35
 */
import type { autoscalingv2 } from '../../api/index.ts';
import type { MetricOutcome } from './metric-proposals.ts';

export interface Combined {
  /** Undefined: nothing may be done. */
  readonly replicas: number | undefined;
  /** Which metric called for it. */
  readonly name: string;
  readonly statuses: readonly autoscalingv2.MetricStatus[];
  /** Of the condition ScalingActive. */
  readonly active: { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };
  /** What went wrong with some or all. */
  readonly error: string | undefined;
}

export function combineMetrics(outcomes: readonly MetricOutcome[], specReplicas: number): Combined {
  // One that failed has an entry all the same, that says nothing.
  const statuses = outcomes.map((outcome) => (outcome.type === 'proposal' ? outcome.status : { type: '' }));
  const failures = outcomes.filter((outcome) => outcome.type === 'failure');
  let replicas = 0;
  let name = '';
  for (const outcome of outcomes) {
    if (outcome.type === 'failure' || (replicas !== 0 && outcome.replicas <= replicas)) continue;
    ({ replicas, name } = outcome);
  }
  const [first] = failures;
  const error = first && `invalid metrics (${failures.length} invalid out of ${outcomes.length}), first error is: ${first.summary}`;
  if (first && (failures.length === outcomes.length || replicas < specReplicas)) {
    const message = `the HPA was unable to compute the replica count: ${first.message}`;
    return { replicas: undefined, name: '', statuses, active: { status: 'False', reason: first.reason, message }, error };
  }
  const message = `the HPA was able to successfully calculate a replica count from ${name}`;
  return { replicas, name, statuses, active: { status: 'True', reason: 'ValidMetricFound', message }, error };
}
