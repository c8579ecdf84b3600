/**
 * Security contexts: the pod's and the container's, merged and in the engine's words. Pure.
 * @source pkg/securitycontext/util.go, pkg/kubelet/kuberuntime/security_context.go, v1.35
 */
import { type corev1, goQuote } from '../../api/index.ts';
import { formatPod } from '../pods/pod-names.ts';
import type {
  ContainerSecurityContext,
  NamespaceOptions,
  SandboxSecurityContext,
  SecurityProfile,
  SeLinuxOptions,
} from '../runtime/runtime.ts';
import { type AnyContainer, CreateContainerConfigError } from '../seams.ts';

/** What the container's own context says, completed by the pod's. */
export function effectiveSecurityContext(pod: corev1.Pod, container: AnyContainer): corev1.SecurityContext {
  const { runAsUser, runAsGroup, runAsNonRoot, seLinuxOptions, seccompProfile, appArmorProfile } = pod.spec.securityContext ?? {};
  return {
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    ...(runAsNonRoot !== undefined && { runAsNonRoot }),
    ...(seLinuxOptions && { seLinuxOptions }),
    ...(seccompProfile && { seccompProfile }),
    ...(appArmorProfile && { appArmorProfile }),
    ...container.securityContext,
  };
}

export function podNamespaces(pod: corev1.Pod): NamespaceOptions {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  return {
    network: hostNetwork ? 'node' : 'pod',
    pid: hostPID ? 'node' : shareProcessNamespace ? 'pod' : 'container',
    ipc: hostIPC ? 'node' : 'pod',
  };
}

export interface SecurityPaths {
  /** Directory of localhost seccomp profiles. */
  readonly seccompRoot: string;
}

export function sandboxSecurityContext(pod: corev1.Pod, paths: SecurityPaths): SandboxSecurityContext {
  const context = pod.spec.securityContext;
  const groups = podGroups(pod);
  const privileged = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    ({ securityContext }) => securityContext?.privileged,
  );
  return {
    namespaces: podNamespaces(pod),
    privileged,
    seccomp: privileged ? { type: 'unconfined' } : { type: 'runtimeDefault' },
    ...(context?.runAsUser !== undefined && { runAsUser: context.runAsUser }),
    ...(context?.runAsGroup !== undefined && context.runAsUser !== undefined && { runAsGroup: context.runAsGroup }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...(context?.supplementalGroupsPolicy === 'Strict' && { supplementalGroupsPolicy: 'strict' }),
    ...(context?.seLinuxOptions && { seLinux: seLinux(context.seLinuxOptions) }),
    ...(context?.seccompProfile && !privileged && { seccomp: profile(context.seccompProfile, paths) }),
  };
}

function podGroups(pod: corev1.Pod): readonly number[] {
  const { supplementalGroups = [], fsGroup } = pod.spec.securityContext ?? {};
  return fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
}

/** The paths below /proc and /sys that a container does not see, or only reads, unless `procMount` says otherwise. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface ImageUser {
  readonly uid: number | undefined;
  readonly username: string;
}

export interface ContainerSecurityInput {
  readonly pod: corev1.Pod;
  readonly container: AnyContainer;
  readonly imageUser: ImageUser;
  readonly paths: SecurityPaths;
  /** For an ephemeral container with `targetContainerName`: that container's id. */
  readonly targetId?: string;
  readonly seccompDefault: boolean;
}

export function containerSecurityContext(input: ContainerSecurityInput): ContainerSecurityContext {
  const { pod, container, imageUser, paths, targetId } = input;
  const context = effectiveSecurityContext(pod, container);
  const namespaces = podNamespaces(pod);
  const groups = podGroups(pod);
  const seccomp = context.seccompProfile ? profile(context.seccompProfile, paths) : defaultSeccomp(input);
  const unmasked = context.procMount === 'Unmasked';
  return {
    namespaces: targetId === undefined ? namespaces : { ...namespaces, pid: 'target', targetId },
    privileged: context.privileged ?? false,
    readonlyRootfs: context.readOnlyRootFilesystem ?? false,
    ...userOf(context, imageUser),
    ...(context.runAsGroup !== undefined && { runAsGroup: context.runAsGroup }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...(pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict' && { supplementalGroupsPolicy: 'strict' }),
    ...(context.capabilities?.add && { addCapabilities: context.capabilities.add }),
    ...(context.capabilities?.drop && { dropCapabilities: context.capabilities.drop }),
    noNewPrivileges: context.allowPrivilegeEscalation === false,
    // A privileged container is confined by nothing.
    seccomp: context.privileged ? { type: 'unconfined' } : seccomp,
    ...(context.appArmorProfile?.type === 'Unconfined' && { apparmor: { type: 'unconfined' } as const }),
    ...(context.seLinuxOptions && { seLinux: seLinux(context.seLinuxOptions) }),
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
  };
}

function defaultSeccomp({ seccompDefault }: ContainerSecurityInput): SecurityProfile {
  return { type: seccompDefault ? 'runtimeDefault' : 'unconfined' };
}

/** The image's user is passed on by name or number, so that the engine need not look into the image again. */
function userOf(context: corev1.SecurityContext, image: ImageUser): Pick<ContainerSecurityContext, 'runAsUser' | 'runAsUserName'> {
  if (context.runAsUser !== undefined) return { runAsUser: context.runAsUser };
  if (image.uid !== undefined) return { runAsUser: image.uid };
  return image.username === '' ? {} : { runAsUserName: image.username };
}

function profile({ type, localhostProfile = '' }: corev1.SeccompProfile, { seccompRoot }: SecurityPaths): SecurityProfile {
  switch (type) {
    case 'RuntimeDefault':
      return { type: 'runtimeDefault' };
    case 'Localhost':
      return { type: 'localhost', localhostRef: `${seccompRoot}/${localhostProfile}` };
    default:
      return { type: 'unconfined' };
  }
}

function seLinux({ user, role, type, level }: corev1.SELinuxOptions): SeLinuxOptions {
  return { ...(user && { user }), ...(role && { role }), ...(type && { type }), ...(level && { level }) };
}

/**
 * Holds the container to `runAsNonRoot`; only numbers can be checked.
 * @throws CreateContainerConfigError
 * @source pkg/kubelet/kuberuntime/security_context_others.go verifyRunAsNonRoot
 */
export function verifyRunAsNonRoot(pod: corev1.Pod, container: AnyContainer, image: ImageUser): void {
  const { runAsNonRoot, runAsUser } = effectiveSecurityContext(pod, container);
  if (!runAsNonRoot) return;
  const where = `(pod: ${goQuote(formatPod(pod))}, container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new CreateContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image.uid === 0) throw new CreateContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (image.uid === undefined && image.username !== '') {
    throw new CreateContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  }
}
