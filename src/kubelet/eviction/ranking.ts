/**
 * Who is evicted first: pods over their request, then lower priority, then those furthest over it. Pure.
 * @source pkg/kubelet/eviction/helpers.go rankMemoryPressure, rankDiskPressureFunc, v1.35
 */
import { type corev1, podRequests } from '../../api/index.ts';

export interface PodUsage {
  readonly pod: corev1.Pod;
  /** In the resource's units. */
  readonly usage: number;
}

export function rankForEviction(pods: readonly PodUsage[], resource: 'memory' | 'ephemeral-storage'): readonly PodUsage[] {
  const facts = pods.map(({ pod, usage }) => {
    const request = podRequests(pod).get(resource)?.value() ?? 0;
    return { pod, usage, over: usage - request, exceeds: usage > request, priority: pod.spec.priority ?? 0 };
  });
  return facts.sort((a, b) => Number(b.exceeds) - Number(a.exceeds) || a.priority - b.priority || b.over - a.over);
}
