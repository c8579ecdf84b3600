/** What the pods of simulated nodes are said to use: a test says it, and metrics and autoscalers see it. */
import { type corev1, corev1Resources } from '../api/index.ts';
import type { ApiServerHost, NodeSample, UsagePoint, UsageSource } from '../apiserver/index.ts';

export interface ContainerUsage {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** What a container uses from the last look until now; undefined: nobody can tell. */
export type UsageOf = (pod: corev1.Pod, container: string) => ContainerUsage | undefined;

/** Counters as a kubelet has them, grown at every look by what the test says was used since the one before. */
export function simulatedUsage(host: Pick<ApiServerHost, 'registry' | 'clock'>, usageOf: UsageOf): UsageSource {
  const counters = new Map<string, UsagePoint>();
  const look = (pod: corev1.Pod, container: corev1.ContainerStatus): UsagePoint | undefined => {
    const usage = usageOf(pod, container.name);
    if (!usage) return undefined;
    const timeMs = host.clock.now();
    const startMs = Date.parse(container.state?.running?.startedAt ?? '');
    const key = `${pod.metadata.uid} ${container.name} ${startMs}`;
    const before = counters.get(key);
    const sinceMs = timeMs - (before?.timeMs ?? startMs);
    const cpuSeconds = (before?.cpuSeconds ?? 0) + (usage.cpuMillis * sinceMs) / 1e6;
    const point: UsagePoint = { timeMs, startMs, memoryBytes: usage.memoryBytes, cpuSeconds };
    counters.set(key, point);
    return point;
  };
  return {
    read: (node) => {
      const pods = new Map<string, Map<string, UsagePoint>>();
      for (const pod of host.registry.cachedList(corev1Resources.pods)) {
        if (pod.spec.nodeName !== node.metadata.name) continue;
        const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running);
        const points = running.flatMap((container) => {
          const point = look(pod, container);
          return point ? [[container.name, point] as const] : [];
        });
        if (points.length > 0) pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, new Map(points));
      }
      const all = [...pods.values()].flatMap((containers) => [...containers.values()]);
      const sum = (of: (point: UsagePoint) => number): number => all.reduce((total, point) => total + of(point), 0);
      const sample: NodeSample = {
        node: {
          timeMs: host.clock.now(),
          cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
          memoryBytes: sum(({ memoryBytes }) => memoryBytes),
        },
        pods,
      };
      return Promise.resolve(sample);
    },
  };
}
