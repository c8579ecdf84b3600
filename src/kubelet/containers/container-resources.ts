/**
 * What a container or a pod may use, in the kernel's units: CPU shares and quota, memory limit, OOM score. Pure.
 * @source pkg/kubelet/cm/helpers_linux.go, pkg/kubelet/qos/policy.go, pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, v1.35
 */
import { type corev1, isSidecar, parseQuantity, podLimits, podQosClass, podRequests, type Quantity } from '../../api/index.ts';
import { isCriticalPod } from '../pods/pod-names.ts';
import type { LinuxResources } from '../runtime/runtime.ts';
import type { AnyContainer } from '../seams.ts';

const minShares = 2;
const maxShares = 262_144;
const sharesPerCpu = 1024;
export const cpuPeriodMicros = 100_000;
const minQuotaMicros = 1000;

/** CPU request → weight against others. */
export function cpuShares(milliCpu: number): number {
  if (milliCpu === 0) return minShares;
  return Math.min(Math.max(Math.floor((milliCpu * sharesPerCpu) / 1000), minShares), maxShares);
}

/** CPU limit → microseconds in each period; 0: no limit. */
export function cpuQuota(milliCpu: number, periodMicros: number = cpuPeriodMicros): number {
  if (milliCpu === 0) return 0;
  return Math.max(Math.floor((milliCpu * periodMicros) / 1000), minQuotaMicros);
}

function amount(list: Readonly<Record<string, string>> | undefined, name: string): Quantity | undefined {
  const text = list?.[name];
  return text === undefined ? undefined : parseQuantity(text);
}

export interface NodeMemory {
  readonly memoryBytes: number;
  readonly cgroupVersion: 1 | 2;
  /** The kernel counts swap, so containers can be kept from swapping. */
  readonly limitsSwap: boolean;
}

export function containerResources(pod: corev1.Pod, container: AnyContainer, node: NodeMemory): LinuxResources {
  const { requests } = container.resources ?? {};
  // A container without a limit of its own has the pod's.
  const limits = { ...pod.spec.resources?.limits, ...container.resources?.limits };
  const cpuLimit = amount(limits, 'cpu')?.milliValue() ?? 0;
  const cpuRequest = amount(requests, 'cpu')?.milliValue() ?? cpuLimit;
  const memoryLimit = amount(limits, 'memory')?.value() ?? 0;
  const hugepages = hugepageLimits(container.resources?.limits);
  return {
    cpuPeriod: cpuPeriodMicros,
    cpuQuota: cpuLimit === 0 ? -1 : cpuQuota(cpuLimit),
    cpuShares: cpuShares(cpuRequest),
    ...(memoryLimit > 0 && { memoryLimitBytes: BigInt(memoryLimit) }),
    ...memoryControls(memoryLimit, node),
    oomScoreAdj: oomScoreAdjust(pod, container, node),
    ...(hugepages.length > 0 && { hugepageLimits: hugepages }),
  };
}

/**
 * Version 2: whoever exceeds its memory ends whole, not by one of its processes, and nobody swaps. Version 1 knows neither; a limit of
 * memory and swap together, equal to the memory's, comes closest.
 */
function memoryControls(
  memoryLimit: number,
  { cgroupVersion, limitsSwap }: NodeMemory,
): Pick<LinuxResources, 'unified' | 'memorySwapLimitBytes'> {
  if (cgroupVersion === 2) return { unified: { 'memory.oom.group': '1', ...(limitsSwap && { 'memory.swap.max': '0' }) } };
  return memoryLimit > 0 && limitsSwap ? { memorySwapLimitBytes: BigInt(memoryLimit) } : {};
}

function hugepageLimits(limits: Readonly<Record<string, string>> | undefined): { pageSize: string; limitBytes: bigint }[] {
  return Object.entries(limits ?? {})
    .filter(([name]) => name.startsWith('hugepages-'))
    .map(([name, text]) => ({
      pageSize: name.slice('hugepages-'.length).replace(/i?$/, 'B'),
      limitBytes: BigInt(parseQuantity(text).value()),
    }));
}

const guaranteedScore = -997;

/** Who dies first when memory runs out: best effort, then whoever asked for the smallest share of the node. */
export function oomScoreAdjust(pod: corev1.Pod, container: AnyContainer, { memoryBytes }: Pick<NodeMemory, 'memoryBytes'>): number {
  if (isCriticalPod(pod)) return guaranteedScore;
  const qos = podQosClass(pod);
  if (qos === 'Guaranteed') return guaranteedScore;
  if (qos === 'BestEffort') return 1000;
  let request = amount(container.resources?.requests, 'memory')?.value() ?? 0;
  // A sidecar shall not die before the containers that it serves.
  if (isSidecar(container) && pod.spec.initContainers?.some(({ name }) => name === container.name)) {
    const others = pod.spec.containers.map(({ resources }) => amount(resources?.requests, 'memory')?.value() ?? 0);
    request = Math.max(request, Math.min(...others));
  }
  const score = 1000 - Math.floor((1000 * request) / memoryBytes);
  if (score < 1000 + guaranteedScore) return 1000 + guaranteedScore;
  return score === 1000 ? 999 : score;
}

/** The limits of a pod's own cgroup; undefined fields are not limited. */
export interface PodCgroupLimits {
  readonly cpuShares: number;
  readonly cpuQuotaMicros: number | undefined;
  readonly cpuPeriodMicros: number;
  readonly memoryBytes: number | undefined;
}

/** @source pkg/kubelet/cm ResourceConfigForPod */
export function podCgroupLimits(pod: corev1.Pod): PodCgroupLimits {
  const requests = podRequests(pod);
  const limits = podLimits(pod);
  const shares = cpuShares(requests.get('cpu')?.milliValue() ?? 0);
  const cpuLimited = everyContainerLimits(pod, 'cpu');
  const memoryLimited = everyContainerLimits(pod, 'memory');
  const qos = podQosClass(pod);
  if (qos === 'BestEffort') return { cpuShares: minShares, cpuQuotaMicros: undefined, cpuPeriodMicros, memoryBytes: undefined };
  const cpu = cpuLimited ? limits.get('cpu')?.milliValue() : undefined;
  return {
    cpuShares: shares,
    cpuQuotaMicros: cpu === undefined ? undefined : cpuQuota(cpu),
    cpuPeriodMicros,
    memoryBytes: memoryLimited ? limits.get('memory')?.value() : undefined,
  };
}

function everyContainerLimits(pod: corev1.Pod, resource: string): boolean {
  if (pod.spec.resources?.limits?.[resource] !== undefined) return true;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return containers.every(({ resources }) => (amount(resources?.limits, resource)?.sign ?? 0) > 0);
}
