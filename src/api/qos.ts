/**
 * The quality-of-service class of a pod: what is evicted and killed first when a node runs short.
 * @source pkg/apis/core/v1/helper/qos, v1.35
 */
import type { Pod, ResourceRequirements } from './gen/core-v1.ts';
import { type Quantity, tryParseQuantity } from './quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** The class recorded in the status, or computed from the spec. */
export function podQosClass(pod: Pod): QosClass {
  return pod.status?.qosClass ?? computePodQos(pod.spec);
}

/** Guaranteed: every container limits CPU and memory and asks for exactly that. BestEffort: no container asks for any. */
export function computePodQos(spec: Pod['spec']): QosClass {
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  const podLevel = spec.resources;
  const parts: readonly (ResourceRequirements | undefined)[] = podLevel
    ? [podLevel]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  let guaranteed = true;
  for (const part of parts) {
    count(requests, part?.requests);
    if (count(limits, part?.limits) < counted.length) guaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  if (!guaranteed || requests.size !== limits.size) return 'Burstable';
  for (const [name, amount] of requests) if (!limits.get(name)?.equals(amount)) return 'Burstable';
  return 'Guaranteed';
}

/** Adds the positive amounts of one part; returns how many of the counted resources it had. */
function count(total: Map<string, Quantity>, list: Readonly<Record<string, string>> | undefined): number {
  let found = 0;
  for (const name of counted) {
    const text = list?.[name];
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (!amount || amount.sign <= 0) continue;
    found++;
    total.set(name, total.get(name)?.add(amount) ?? amount);
  }
  return found;
}
