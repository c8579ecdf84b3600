/** Our words for sandboxes and containers, translated to CRI's messages. Pure. */
import type {
  ContainerConfig,
  ContainerSecurityContext,
  ImageSpec,
  LinuxResources,
  Mount,
  NamespaceMode,
  NamespaceOptions,
  PodSandboxConfig,
  RegistryAuth,
  SandboxSecurityContext,
  SecurityProfile,
} from '../runtime.ts';
import type { WireMessage } from './protobuf.ts';

const namespaceModes: Readonly<Record<NamespaceMode, string>> = { pod: 'POD', container: 'CONTAINER', node: 'NODE', target: 'TARGET' };

function namespaceOptions(options: NamespaceOptions): WireMessage {
  return {
    network: namespaceModes[options.network],
    pid: namespaceModes[options.pid],
    ipc: namespaceModes[options.ipc],
    ...(options.targetId && { targetId: options.targetId }),
  };
}

const profileTypes = { runtimeDefault: 'RuntimeDefault', unconfined: 'Unconfined', localhost: 'Localhost' } as const;

function securityProfile(profile: SecurityProfile): WireMessage {
  return { profileType: profileTypes[profile.type], ...(profile.type === 'localhost' && { localhostRef: profile.localhostRef }) };
}

/** The fields that a sandbox's and a container's security context share. */
function securityContext(context: SandboxSecurityContext): WireMessage {
  return {
    namespaceOptions: namespaceOptions(context.namespaces),
    ...(context.runAsUser !== undefined && { runAsUser: { value: context.runAsUser } }),
    ...(context.runAsGroup !== undefined && { runAsGroup: { value: context.runAsGroup } }),
    ...(context.readonlyRootfs && { readonlyRootfs: true }),
    ...(context.privileged && { privileged: true }),
    ...(context.supplementalGroups && { supplementalGroups: context.supplementalGroups }),
    ...(context.supplementalGroupsPolicy === 'strict' && { supplementalGroupsPolicy: 'Strict' }),
    ...(context.seccomp && { seccomp: securityProfile(context.seccomp), seccompProfilePath: legacySeccompPath(context.seccomp) }),
    ...(context.apparmor && { apparmor: securityProfile(context.apparmor) }),
    ...(context.seLinux && { selinuxOptions: context.seLinux }),
  };
}

/** Engines before CRI had profiles read the path. */
function legacySeccompPath(profile: SecurityProfile): string {
  if (profile.type === 'localhost') return `localhost/${profile.localhostRef}`;
  return profile.type === 'runtimeDefault' ? 'runtime/default' : 'unconfined';
}

function containerSecurityContext(context: ContainerSecurityContext): WireMessage {
  return {
    ...securityContext(context),
    ...((context.addCapabilities || context.dropCapabilities) && {
      capabilities: { addCapabilities: context.addCapabilities ?? [], dropCapabilities: context.dropCapabilities ?? [] },
    }),
    ...(context.noNewPrivileges && { noNewPrivs: true }),
    ...(context.runAsUserName && { runAsUsername: context.runAsUserName }),
    ...(context.maskedPaths && { maskedPaths: context.maskedPaths }),
    ...(context.readonlyPaths && { readonlyPaths: context.readonlyPaths }),
  };
}

export function encodeResources(resources: LinuxResources): WireMessage {
  return {
    ...(resources.cpuPeriod !== undefined && { cpuPeriod: resources.cpuPeriod }),
    ...(resources.cpuQuota !== undefined && { cpuQuota: resources.cpuQuota }),
    ...(resources.cpuShares !== undefined && { cpuShares: resources.cpuShares }),
    ...(resources.memoryLimitBytes !== undefined && { memoryLimitInBytes: resources.memoryLimitBytes }),
    ...(resources.memorySwapLimitBytes !== undefined && { memorySwapLimitInBytes: resources.memorySwapLimitBytes }),
    ...(resources.oomScoreAdj !== undefined && { oomScoreAdj: resources.oomScoreAdj }),
    ...(resources.cpusetCpus !== undefined && { cpusetCpus: resources.cpusetCpus }),
    ...(resources.hugepageLimits && {
      hugepageLimits: resources.hugepageLimits.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })),
    }),
    ...(resources.unified && { unified: resources.unified }),
  };
}

export function encodeSandboxConfig(config: PodSandboxConfig): WireMessage {
  return {
    metadata: config.metadata,
    hostname: config.hostname,
    logDirectory: config.logDirectory,
    ...(config.dns && { dnsConfig: config.dns }),
    portMappings: config.portMappings.map(({ hostIp, ...mapping }) => ({ ...mapping, ...(hostIp && { hostIp }) })),
    labels: config.labels,
    annotations: config.annotations,
    linux: {
      cgroupParent: config.cgroupParent,
      sysctls: config.sysctls,
      securityContext: securityContext(config.security),
      ...(config.overhead && { overhead: encodeResources(config.overhead) }),
      ...(config.resources && { resources: encodeResources(config.resources) }),
    },
  };
}

const propagations = {
  private: 'PROPAGATION_PRIVATE',
  hostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

function encodeMount(mount: Mount): WireMessage {
  return {
    containerPath: mount.containerPath,
    hostPath: mount.hostPath,
    readonly: mount.readonly,
    propagation: propagations[mount.propagation ?? 'private'],
    ...(mount.recursiveReadOnly && { recursiveReadOnly: true }),
    ...(mount.selinuxRelabel && { selinuxRelabel: true }),
    ...(mount.image && { image: { image: mount.image } }),
    ...(mount.imageSubPath && { imageSubPath: mount.imageSubPath }),
  };
}

export function encodeImage(image: ImageSpec): WireMessage {
  return {
    image: image.image,
    ...(image.userSpecifiedImage && { userSpecifiedImage: image.userSpecifiedImage }),
    ...(image.runtimeHandler && { runtimeHandler: image.runtimeHandler }),
    ...(image.annotations && { annotations: image.annotations }),
  };
}

export function encodeAuth(auth: RegistryAuth): WireMessage {
  return { ...auth };
}

export function encodeContainerConfig(config: ContainerConfig): WireMessage {
  return {
    metadata: config.metadata,
    image: encodeImage(config.image),
    command: config.command,
    args: config.args,
    workingDir: config.workingDir,
    // The value is bytes on the wire since v1.35, with the same encoding as text.
    envs: config.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value, 'utf8') })),
    mounts: config.mounts.map(encodeMount),
    devices: config.devices,
    labels: config.labels,
    annotations: config.annotations,
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    ...(config.stopSignal && { stopSignal: config.stopSignal.replace('+', 'PLUS').replace('-', 'MINUS') }),
    linux: { resources: encodeResources(config.resources), securityContext: containerSecurityContext(config.security) },
  };
}
