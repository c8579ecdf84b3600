/** A pod's sandbox in the engine's words. Pure. @source pkg/kubelet/kuberuntime/kuberuntime_sandbox.go, v1.35 */
import { type corev1, parseQuantity } from '../../api/index.ts';
import { sandboxLabels } from '../pods/labels.ts';
import { podLogDirectory } from '../pods/pod-names.ts';
import type { DnsConfig, LinuxResources, PodSandboxConfig, PortMapping } from '../runtime/runtime.ts';
import { cpuPeriodMicros, cpuShares, podCgroupLimits } from './container-resources.ts';
import { sandboxSecurityContext, type SecurityPaths } from './security.ts';

export interface SandboxInput {
  readonly pod: corev1.Pod;
  readonly attempt: number;
  readonly hostname: string;
  readonly dns: DnsConfig;
  /** Absolute. */
  readonly cgroupParent: string;
  readonly podLogsDir: string;
  readonly paths: SecurityPaths;
}

export function sandboxConfig({ pod, attempt, hostname, dns, cgroupParent, podLogsDir, paths }: SandboxInput): PodSandboxConfig {
  const { name, namespace = '', uid, annotations = {} } = pod.metadata;
  const onNodeNetwork = pod.spec.hostNetwork === true;
  const limits = podCgroupLimits(pod);
  const { overhead } = pod.spec;
  return {
    metadata: { name, namespace, uid, attempt },
    // A pod on the node's network shares the node's UTS namespace, whose name is not ours to set.
    hostname: onNodeNetwork ? '' : hostname,
    logDirectory: podLogDirectory(podLogsDir, pod),
    dns,
    portMappings: onNodeNetwork ? [] : portMappings(pod),
    labels: sandboxLabels(pod),
    annotations,
    cgroupParent,
    sysctls: sysctls(pod),
    security: sandboxSecurityContext(pod, paths),
    ...(overhead && { overhead: overheadResources(overhead) }),
    resources: {
      cpuPeriod: cpuPeriodMicros,
      cpuShares: limits.cpuShares,
      ...(limits.cpuQuotaMicros !== undefined && { cpuQuota: limits.cpuQuotaMicros }),
      ...(limits.memoryBytes !== undefined && { memoryLimitBytes: BigInt(limits.memoryBytes) }),
    },
  };
}

function portMappings(pod: corev1.Pod): PortMapping[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ containerPort, hostPort = 0, hostIP, protocol = 'TCP' }) => ({
        protocol,
        containerPort,
        hostPort,
        ...(hostIP && { hostIp: hostIP }),
      })),
  );
}

/** The kernel's names have dots; slashes are the other spelling. */
function sysctls(pod: corev1.Pod): Record<string, string> {
  const list = pod.spec.securityContext?.sysctls ?? [];
  return Object.fromEntries(list.map(({ name, value }) => [name.includes('/') ? name.replaceAll('/', '.') : name, value]));
}

function overheadResources(overhead: Readonly<Record<string, string>>): LinuxResources {
  const cpu = overhead['cpu'];
  const memory = overhead['memory'];
  return {
    ...(cpu !== undefined && { cpuShares: cpuShares(parseQuantity(cpu).milliValue()) }),
    ...(memory !== undefined && { memoryLimitBytes: BigInt(parseQuantity(memory).value()) }),
  };
}
