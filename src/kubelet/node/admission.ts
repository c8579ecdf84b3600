/**
 * Whether this node takes a pod that was bound to it. The scheduler has looked already; this is the node's own, final look, and also
 * what a pod from a manifest goes through. Pure.
 * @source pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/sysctl/allowlist.go, pkg/security/apparmor, v1.35
 */
import {
  type corev1,
  findUntoleratedTaint,
  goQuote,
  matchesRequiredNodeAffinity,
  parseQuantity,
  podRequests,
  type ResourceAmounts,
} from '../../api/index.ts';
import { isCriticalPod, isStaticPod } from '../pods/pod-names.ts';
import type { PodVerdict } from '../status/pod-status.ts';

export interface AdmissionInput {
  readonly pod: corev1.Pod;
  /** Undefined until the node is registered: then its labels and taints cannot be looked at. */
  readonly node: corev1.Node | undefined;
  /** Pods of the node that have not ended, without this one. */
  readonly others: readonly corev1.Pod[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly appArmor: boolean;
  /** Patterns beyond the safe sysctls; a trailing `*` matches any rest. */
  readonly allowedUnsafeSysctls: readonly string[];
  /** Names of pressure conditions that hold, such as `MemoryPressure`. */
  readonly pressures: readonly string[];
}

/** Undefined: admitted. */
export function admitPod(input: AdmissionInput): PodVerdict | undefined {
  const found = pressure(input) ?? operatingSystem(input) ?? appArmor(input) ?? sysctls(input) ?? placement(input) ?? resources(input);
  return found && { reason: found.reason, message: `Pod was rejected: ${found.message}`, rejected: true };
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

function pressure({ pod, pressures }: AdmissionInput): Refusal | undefined {
  if (pressures.length === 0 || isCriticalPod(pod)) return undefined;
  const bestEffort = pod.status?.qosClass === 'BestEffort';
  const tolerates = pod.spec.tolerations?.some(
    ({ key, operator }) => key === 'node.kubernetes.io/memory-pressure' || (!key && operator === 'Exists'),
  );
  if (pressures.every((name) => name === 'MemoryPressure') && (!bestEffort || tolerates)) return undefined;
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(' ')}]. ` };
}

function operatingSystem({ pod }: AdmissionInput): Refusal | undefined {
  if (pod.spec.os && pod.spec.os.name !== 'linux') {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  const label = pod.spec.nodeSelector?.['kubernetes.io/os'];
  if (label === undefined || label === 'linux') return undefined;
  return {
    reason: 'PodOSSelectorNodeLabelDoesNotMatch',
    message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  };
}

function appArmor({ pod, appArmor: enabled }: AdmissionInput): Refusal | undefined {
  if (enabled) return undefined;
  const contexts = [pod.spec, ...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ securityContext }) => securityContext);
  const wanted = contexts.some((context) => context?.appArmorProfile && context.appArmorProfile.type !== 'Unconfined');
  return wanted ? { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' } : undefined;
}

/** Sysctls that are kept apart by namespaces and can harm nobody else. */
const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

function sysctls({ pod, allowedUnsafeSysctls }: AdmissionInput): Refusal | undefined {
  for (const sysctl of pod.spec.securityContext?.sysctls ?? []) {
    const name = sysctl.name.replaceAll('/', '.');
    const allowed =
      safeSysctls.has(name) ||
      allowedUnsafeSysctls.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
    if (!allowed) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${goQuote(sysctl.name)} not allowlisted` };
    if (pod.spec.hostNetwork && name.startsWith('net.')) {
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${goQuote(sysctl.name)} not allowed with host net enabled` };
    }
    if (pod.spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name)) {
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${goQuote(sysctl.name)} not allowed with host ipc enabled` };
    }
  }
  return undefined;
}

function failed(predicate: string, why: string): Refusal {
  return { reason: predicate, message: `Predicate ${predicate} failed: ${why}` };
}

function placement({ pod, node, others }: AdmissionInput): Refusal | undefined {
  if (node) {
    if (!matchesRequiredNodeAffinity(pod.spec, node)) return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== node.metadata.name) {
      return failed('NodeName', "node(s) didn't match the requested node name");
    }
  }
  const taken = others.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => taken.some((other) => collide(port, other)))) {
    return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  }
  // A static pod runs whatever the node is tainted with.
  if (!node || isStaticPod(pod)) return undefined;
  const taint = findUntoleratedTaint(node.spec.taints, pod.spec.tolerations, ({ effect }) => effect === 'NoExecute');
  return taint ? failed('TaintToleration', "node(s) had taints that the pod didn't tolerate") : undefined;
}

interface HostPort {
  readonly port: number;
  readonly protocol: string;
  readonly ip: string;
}

function hostPorts(pod: corev1.Pod): HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
      .map(({ hostPort, protocol = 'TCP', hostIP }) => ({ port: hostPort!, protocol, ip: hostIP || '0.0.0.0' })),
  );
}

function collide(a: HostPort, b: HostPort): boolean {
  const any = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || any(a.ip) || any(b.ip));
}

/** Why a change of resources waits, or can never be; undefined when it fits. @source pkg/kubelet/allocation canResizePod, v1.35 */
export function resizeRefusal(
  input: Pick<AdmissionInput, 'pod' | 'others' | 'allocatable'>,
): { readonly reason: 'Infeasible' | 'Deferred'; readonly message: string } | undefined {
  for (const name of ['cpu', 'memory']) {
    const requested = usedOf(podRequests(input.pod), name);
    const capacity = limitOf(input.allocatable, name);
    if (requested <= capacity) continue;
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}` };
  }
  const refusal = resources(input);
  return refusal && { reason: 'Deferred', message: refusal.message };
}

function limitOf(allocatable: Readonly<Record<string, string>>, name: string): number {
  return allocatable[name] === undefined ? 0 : inUnits(name, parseQuantity(allocatable[name]));
}

function resources({ pod, others, allocatable }: Pick<AdmissionInput, 'pod' | 'others' | 'allocatable'>): Refusal | undefined {
  const limit = (name: string): number => limitOf(allocatable, name);
  if (others.length + 1 > limit('pods')) return outOf('pods', { requested: 1, used: others.length, capacity: limit('pods') });
  const wanted = podRequests(pod);
  const used = others.map((other) => podRequests(other));
  for (const [name, quantity] of wanted) {
    const requested = inUnits(name, quantity);
    // An extended resource that the node does not know is the cluster's business, not the node's.
    if (requested === 0 || (name.includes('/') && allocatable[name] === undefined)) continue;
    const taken = used.reduce((sum, amounts) => sum + usedOf(amounts, name), 0);
    if (taken + requested > limit(name)) return outOf(name, { requested, used: taken, capacity: limit(name) });
  }
  return undefined;
}

function usedOf(amounts: ResourceAmounts, name: string): number {
  const quantity = amounts.get(name);
  return quantity ? inUnits(name, quantity) : 0;
}

/** CPU is counted in thousandths, everything else in units. */
function inUnits(name: string, quantity: ReturnType<typeof parseQuantity>): number {
  return name === 'cpu' ? quantity.milliValue() : quantity.value();
}

function outOf(
  resource: string,
  { requested, used, capacity }: { readonly requested: number; readonly used: number; readonly capacity: number },
): Refusal {
  return {
    reason: `OutOf${resource}`,
    message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}
