/**
 * What a pod asks for, as numbers: cpu in millicores, everything else in units (bytes, counts).
 * @source kube-scheduler framework/types.go (CalculateResource), util/pod_resources.go, v1.35
 */
import { type corev1, podRequests, type ResourceAmounts } from '../../api/index.ts';
import { cpuIndex, memoryIndex, resourceIndex } from './resource-index.ts';

/** One resource, by its number in resource-index. */
export interface Amount {
  readonly resource: number;
  readonly amount: number;
}

export interface PodAmounts {
  /** What must be free on the node; amounts of zero are left out. */
  readonly requests: readonly Amount[];
  /** For scoring: containers that name no cpu or memory count as if they asked for 100m and 200Mi. */
  readonly scoringCpu: number;
  readonly scoringMemory: number;
}

const assumedRequests = { cpu: '100m', memory: '200Mi' } as const;

/** @param pod counts as its spec says where `status` is left out */
export function requestedAmounts(pod: Pick<corev1.Pod, 'spec'> & { readonly status?: corev1.PodStatus }): PodAmounts {
  const requests = podRequests(pod, { useStatusResources: true });
  const scoring = podRequests(pod, { useStatusResources: true, nonMissingContainerRequests: assumedFor(pod, requests) });
  return {
    requests: numbersOf(requests),
    scoringCpu: scoring.get('cpu')?.milliValue() ?? 0,
    scoringMemory: scoring.get('memory')?.value() ?? 0,
  };
}

/** Where the pod as a whole says what it needs, nothing is assumed of its containers for what it names. */
function assumedFor(pod: Pick<corev1.Pod, 'spec'>, requests: ResourceAmounts): Readonly<Record<string, string>> {
  if (!Object.keys(pod.spec.resources?.requests ?? {}).length) return assumedRequests;
  const { cpu, memory } = assumedRequests;
  return { ...(!requests.has('cpu') && { cpu }), ...(!requests.has('memory') && { memory }) };
}

function numbersOf(amounts: ResourceAmounts): Amount[] {
  const numbers: Amount[] = [];
  for (const [name, quantity] of amounts) {
    const resource = resourceIndex(name);
    const amount = resource === cpuIndex ? quantity.milliValue() : quantity.value();
    if (amount !== 0) numbers.push({ resource, amount });
  }
  return numbers.sort((a, b) => a.resource - b.resource);
}

export function amountOf(amounts: PodAmounts, resource: number): number {
  for (const each of amounts.requests) if (each.resource === resource) return each.amount;
  return 0;
}

/** What scoring counts of a resource: the assumed amounts for cpu and memory, the requests for all others. */
export function scoringAmountOf(amounts: PodAmounts, resource: number): number {
  if (resource === cpuIndex) return amounts.scoringCpu;
  return resource === memoryIndex ? amounts.scoringMemory : amountOf(amounts, resource);
}
