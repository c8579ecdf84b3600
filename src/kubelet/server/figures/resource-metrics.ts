/**
 * `/metrics/resource`: CPU and memory of the node, its pods and containers in the Prometheus text form, with the time of each
 * sample, as metrics-server scrapes it. Pure.
 * @source pkg/kubelet/metrics/collectors/resource_metrics.go (v1.35)
 */
import type { NodeFigures } from './node-figures.ts';
import { type PodFigures, podTotal } from './pod-figures.ts';

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly string[];
}

/** @param figures.pods undefined when the engine could not be asked */
export function resourceMetrics(figures: {
  readonly node: NodeFigures;
  readonly pods: readonly PodFigures[] | undefined;
  readonly nowMs: number;
}): string {
  const { node, nowMs } = figures;
  const pods = figures.pods ?? [];
  const containers = pods.flatMap(({ pod, containers }) =>
    containers.map(({ name, startedAt, stats }) => ({
      labels: labelsOf({ container: name, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name }),
      startedAt,
      stats,
    })),
  );
  const families: Family[] = [
    {
      name: 'container_cpu_usage_seconds_total',
      help: 'Cumulative cpu time consumed by the container in core-seconds',
      type: 'counter',
      samples: containers.flatMap(({ labels, stats }) =>
        sample(labels, seconds(stats.cpu?.usageCoreNanoSeconds), millis(stats.cpu?.timestamp)),
      ),
    },
    {
      name: 'container_memory_working_set_bytes',
      help: 'Current working set of the container in bytes',
      type: 'gauge',
      samples: containers.flatMap(({ labels, stats }) => sample(labels, stats.memory?.workingSetBytes, millis(stats.memory?.timestamp))),
    },
    {
      name: 'container_start_time_seconds',
      help: 'Start time of the container since unix epoch in seconds',
      type: 'gauge',
      samples: containers.flatMap(({ labels, startedAt }) => (startedAt === undefined ? [] : sample(labels, Date.parse(startedAt) / 1000))),
    },
    {
      name: 'node_cpu_usage_seconds_total',
      help: 'Cumulative cpu time consumed by the node in core-seconds',
      type: 'counter',
      samples: sample('', seconds(node.cpuCoreNanoSeconds), nowMs),
    },
    {
      name: 'node_memory_working_set_bytes',
      help: 'Current working set of the node in bytes',
      type: 'gauge',
      samples: sample('', node.memory.workingSetBytes, nowMs),
    },
    {
      name: 'pod_cpu_usage_seconds_total',
      help: 'Cumulative cpu time consumed by the pod in core-seconds',
      type: 'counter',
      samples: pods.flatMap((one) => sample(podLabels(one), seconds(podTotal(one, ({ cpu }) => cpu?.usageCoreNanoSeconds)), cpuTime(one))),
    },
    {
      name: 'pod_memory_working_set_bytes',
      help: 'Current working set of the pod in bytes',
      type: 'gauge',
      samples: pods.flatMap((one) =>
        sample(
          podLabels(one),
          podTotal(one, ({ memory }) => memory?.workingSetBytes),
          cpuTime(one),
        ),
      ),
    },
    {
      name: 'resource_scrape_error',
      help: '1 if there was an error while getting container metrics, 0 otherwise',
      type: 'gauge',
      samples: sample('', figures.pods === undefined ? 1 : 0),
    },
  ];
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) =>
      [`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`, ...samples.map((each) => name + each), ''].join('\n'),
    )
    .join('');
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',')}}`;
}

function podLabels({ pod }: PodFigures): string {
  return labelsOf({ namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name });
}

function cpuTime({ sandbox, containers }: PodFigures): number | undefined {
  return millis(sandbox?.cpu?.timestamp ?? containers[0]?.stats.cpu?.timestamp);
}

function sample(labels: string, value: number | bigint | undefined, timeMs?: number): string[] {
  return value === undefined ? [] : [`${labels} ${value}${timeMs === undefined ? '' : ` ${timeMs}`}`];
}

function seconds(nanos: bigint | undefined): number | undefined {
  return nanos === undefined ? undefined : Number(nanos) / 1e9;
}

function millis(nanos: bigint | undefined): number | undefined {
  return nanos === undefined ? undefined : Number(nanos / 1_000_000n);
}
