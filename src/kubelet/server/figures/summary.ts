/**
 * `/stats/summary`: what the node and its pods use, as JSON. Pure; figures that the engine does not give are left out.
 * @source k8s.io/kubelet/pkg/apis/stats/v1alpha1 (v1.35)
 */
import type { corev1 } from '../../../api/index.ts';
import type { CpuFigures, MemoryFigures, NetworkFigures } from '../../runtime/runtime.ts';
import type { FilesystemUse, NodeFigures } from './node-figures.ts';
import { type PodFigures, podTotal } from './pod-figures.ts';

export interface SummaryInput {
  readonly nodeName: string;
  /** When the machine was started. */
  readonly bootMs: number;
  readonly nowMs: number;
  readonly node: NodeFigures;
  readonly filesystem: FilesystemUse;
  readonly pods: readonly PodFigures[];
  /** Only CPU and memory, as metrics clients ask. */
  readonly onlyCpuAndMemory: boolean;
}

export function summary(input: SummaryInput): unknown {
  const time = isoSeconds(input.nowMs);
  const { node, filesystem } = input;
  return {
    node: {
      nodeName: input.nodeName,
      startTime: isoSeconds(input.bootMs),
      cpu: { time, usageCoreNanoSeconds: Number(node.cpuCoreNanoSeconds) },
      memory: {
        time,
        availableBytes: node.memory.availableBytes,
        usageBytes: node.memory.usageBytes,
        workingSetBytes: node.memory.workingSetBytes,
        rssBytes: node.memory.rssBytes,
      },
      ...(!input.onlyCpuAndMemory && {
        fs: { time, ...filesystem },
        runtime: { imageFs: { time, ...filesystem }, containerFs: { time, ...filesystem } },
      }),
    },
    pods: input.pods.map((figures) => podSummary(figures, input.onlyCpuAndMemory)),
  };
}

function podSummary(figures: PodFigures, onlyCpuAndMemory: boolean): unknown {
  const { pod, sandbox, containers } = figures;
  const { name, namespace, uid } = pod.metadata;
  const time = isoNanos(sandbox?.cpu?.timestamp ?? containers[0]?.stats.cpu?.timestamp);
  const total = (what: Parameters<typeof podTotal>[1]): number | undefined => number(podTotal(figures, what));
  return {
    podRef: { name, namespace, uid },
    startTime: startTimeOf(pod),
    containers: containers.map(({ name: containerName, startedAt, stats }) => ({
      name: containerName,
      startTime: startedAt,
      cpu: cpuSummary(stats.cpu),
      memory: memorySummary(stats.memory),
      ...(!onlyCpuAndMemory &&
        stats.writableLayer && {
          rootfs: {
            time: isoNanos(stats.writableLayer.timestamp),
            usedBytes: number(stats.writableLayer.usedBytes),
            inodesUsed: number(stats.writableLayer.inodesUsed),
          },
        }),
    })),
    cpu: {
      time,
      usageNanoCores: total(({ cpu }) => cpu?.usageNanoCores),
      usageCoreNanoSeconds: total(({ cpu }) => cpu?.usageCoreNanoSeconds),
    },
    memory: {
      time,
      availableBytes: total(({ memory }) => memory?.availableBytes),
      usageBytes: total(({ memory }) => memory?.usageBytes),
      workingSetBytes: total(({ memory }) => memory?.workingSetBytes),
      rssBytes: total(({ memory }) => memory?.rssBytes),
    },
    ...(!onlyCpuAndMemory && sandbox && networkAndProcesses(sandbox)),
  };
}

function networkAndProcesses({
  networkTimestamp,
  defaultInterface,
  interfaces,
  processCount,
}: NonNullable<PodFigures['sandbox']>): Readonly<Record<string, unknown>> {
  return {
    ...(defaultInterface && {
      network: {
        time: isoNanos(networkTimestamp),
        ...networkSummary(defaultInterface),
        interfaces: [defaultInterface, ...interfaces.filter(({ name }) => name !== defaultInterface.name)].map(networkSummary),
      },
    }),
    ...(processCount !== undefined && { process_stats: { process_count: number(processCount) } }),
  };
}

function networkSummary({ name, rxBytes, rxErrors, txBytes, txErrors }: NetworkFigures): Readonly<Record<string, unknown>> {
  return { name, rxBytes: number(rxBytes), rxErrors: number(rxErrors), txBytes: number(txBytes), txErrors: number(txErrors) };
}

function cpuSummary(cpu: CpuFigures | undefined): unknown {
  return (
    cpu && {
      time: isoNanos(cpu.timestamp),
      usageNanoCores: number(cpu.usageNanoCores),
      usageCoreNanoSeconds: number(cpu.usageCoreNanoSeconds),
    }
  );
}

function memorySummary(memory: MemoryFigures | undefined): unknown {
  return (
    memory && {
      time: isoNanos(memory.timestamp),
      availableBytes: number(memory.availableBytes),
      usageBytes: number(memory.usageBytes),
      workingSetBytes: number(memory.workingSetBytes),
      rssBytes: number(memory.rssBytes),
      pageFaults: number(memory.pageFaults),
      majorPageFaults: number(memory.majorPageFaults),
    }
  );
}

function startTimeOf({ status, metadata }: corev1.Pod): string | undefined {
  return status?.startTime ?? metadata.creationTimestamp;
}

function number(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** Zero stands for a time that the engine did not tell. */
function isoNanos(nanos: bigint | undefined): string | undefined {
  return !nanos ? undefined : isoSeconds(Number(nanos / 1_000_000n));
}

function isoSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
