/**
 * CRI's messages translated to our words. Pure. The codec fills in every scalar, list and map, so only nested messages can be
 * absent, which reads as null; the shapes below say what each message holds.
 */
import type {
  ContainerMetadata,
  ContainerStats,
  CpuFigures,
  EngineContainer,
  EngineContainerState,
  EngineContainerStatus,
  EngineImage,
  FilesystemFigures,
  LinuxResources,
  MemoryFigures,
  Mount,
  NamespaceMode,
  NamespaceOptions,
  NetworkFigures,
  PodSandbox,
  PodSandboxMetadata,
  PodSandboxStats,
  PodSandboxStatus,
  RuntimeCondition,
  RuntimeStatus,
  RuntimeVersion,
  StringMap,
} from '../runtime.ts';
import type { WireMessage } from './protobuf.ts';

interface WireSandbox {
  readonly id: string;
  readonly metadata?: PodSandboxMetadata;
  readonly state: string;
  readonly createdAt: bigint;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly runtimeHandler: string;
}

const noSandbox: PodSandboxMetadata = { name: '', namespace: '', uid: '', attempt: 0 };
const noContainer: ContainerMetadata = { name: '', attempt: 0 };

export function decodeSandbox(message: WireMessage): PodSandbox {
  // The codec decoded it as PodSandbox or PodSandboxStatus, which share these fields.
  const wire = message as unknown as WireSandbox;
  return {
    id: wire.id,
    metadata: wire.metadata ?? noSandbox,
    state: wire.state === 'SANDBOX_READY' ? 'ready' : 'notReady',
    createdAt: wire.createdAt,
    labels: wire.labels,
    annotations: wire.annotations,
    runtimeHandler: wire.runtimeHandler,
  };
}

interface WireNamespaceOption {
  readonly network: string;
  readonly pid: string;
  readonly ipc: string;
  readonly targetId: string;
}

const modes: Readonly<Record<string, NamespaceMode>> = { POD: 'pod', CONTAINER: 'container', NODE: 'node', TARGET: 'target' };

function decodeNamespaces(wire: WireNamespaceOption): NamespaceOptions {
  return {
    network: modes[wire.network] ?? 'pod',
    pid: modes[wire.pid] ?? 'pod',
    ipc: modes[wire.ipc] ?? 'pod',
    ...(wire.targetId !== '' && { targetId: wire.targetId }),
  };
}

export function decodeSandboxStatus(message: WireMessage): PodSandboxStatus {
  const wire = message as unknown as {
    readonly network?: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] };
    readonly linux?: { readonly namespaces?: { readonly options?: WireNamespaceOption } };
  };
  const options = wire.linux?.namespaces?.options;
  const ips = wire.network ? [wire.network.ip, ...wire.network.additionalIps.map(({ ip }) => ip)] : [];
  return { ...decodeSandbox(message), ips: ips.filter((ip) => ip !== ''), ...(options && { namespaces: decodeNamespaces(options) }) };
}

const states: Readonly<Record<string, EngineContainerState>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
};

export function decodeContainer(message: WireMessage): EngineContainer {
  const wire = message as unknown as {
    readonly id: string;
    readonly podSandboxId: string;
    readonly metadata?: ContainerMetadata;
    readonly image?: { readonly image: string };
    readonly imageRef: string;
    readonly imageId: string;
    readonly state: string;
    readonly createdAt: bigint;
    readonly labels: StringMap;
    readonly annotations: StringMap;
  };
  return {
    id: wire.id,
    sandboxId: wire.podSandboxId,
    metadata: wire.metadata ?? noContainer,
    image: wire.image?.image ?? '',
    imageRef: wire.imageRef,
    imageId: wire.imageId,
    state: states[wire.state] ?? 'unknown',
    createdAt: wire.createdAt,
    labels: wire.labels,
    annotations: wire.annotations,
  };
}

interface WireResources {
  readonly cpuPeriod: bigint;
  readonly cpuQuota: bigint;
  readonly cpuShares: bigint;
  readonly memoryLimitInBytes: bigint;
  readonly oomScoreAdj: bigint;
}

function decodeResources(wire: WireResources): LinuxResources {
  return {
    cpuPeriod: Number(wire.cpuPeriod),
    cpuQuota: Number(wire.cpuQuota),
    cpuShares: Number(wire.cpuShares),
    memoryLimitBytes: wire.memoryLimitInBytes,
    oomScoreAdj: Number(wire.oomScoreAdj),
  };
}

export function decodeContainerStatus(message: WireMessage): EngineContainerStatus {
  const wire = message as unknown as {
    readonly id: string;
    readonly metadata?: ContainerMetadata;
    readonly state: string;
    readonly createdAt: bigint;
    readonly startedAt: bigint;
    readonly finishedAt: bigint;
    readonly exitCode: number;
    readonly image?: { readonly image: string };
    readonly imageRef: string;
    readonly imageId: string;
    readonly reason: string;
    readonly message: string;
    readonly labels: StringMap;
    readonly annotations: StringMap;
    readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readonly: boolean }[];
    readonly logPath: string;
    readonly resources?: { readonly linux?: WireResources };
    readonly user?: { readonly linux?: { readonly uid: bigint; readonly gid: bigint; readonly supplementalGroups: readonly bigint[] } };
    readonly stopSignal: string;
  };
  const linux = wire.resources?.linux;
  const user = wire.user?.linux;
  return {
    id: wire.id,
    metadata: wire.metadata ?? noContainer,
    state: states[wire.state] ?? 'unknown',
    createdAt: wire.createdAt,
    startedAt: wire.startedAt,
    finishedAt: wire.finishedAt,
    exitCode: wire.exitCode,
    image: wire.image?.image ?? '',
    imageRef: wire.imageRef,
    imageId: wire.imageId,
    reason: wire.reason,
    message: wire.message,
    labels: wire.labels,
    annotations: wire.annotations,
    mounts: wire.mounts.map(({ containerPath, hostPath, readonly }): Mount => ({ containerPath, hostPath, readonly })),
    logPath: wire.logPath,
    ...(linux && { resources: decodeResources(linux) }),
    ...(user && { user: { uid: Number(user.uid), gid: Number(user.gid), supplementalGroups: user.supplementalGroups.map(Number) } }),
    ...(wire.stopSignal !== 'RUNTIME_DEFAULT' && { stopSignal: wire.stopSignal.replace('PLUS', '+').replace('MINUS', '-') }),
  };
}

export function decodeImage(message: WireMessage): EngineImage {
  const wire = message as unknown as {
    readonly id: string;
    readonly repoTags: readonly string[];
    readonly repoDigests: readonly string[];
    readonly size: bigint;
    readonly uid?: { readonly value: bigint };
    readonly username: string;
    readonly pinned: boolean;
  };
  return {
    id: wire.id,
    repoTags: wire.repoTags,
    repoDigests: wire.repoDigests,
    sizeBytes: wire.size,
    ...(wire.uid && { uid: Number(wire.uid.value) }),
    username: wire.username,
    pinned: wire.pinned,
  };
}

type WireValue = { readonly value: bigint } | undefined;

/** The wrapped 64-bit values of `message` that are present, by their names in our words. */
function values<Key extends string>(message: WireMessage, names: Readonly<Record<string, Key>>): { readonly [K in Key]?: bigint } {
  const found: { [K in Key]?: bigint } = {};
  for (const [wireName, name] of Object.entries(names)) {
    const value = message[wireName] as WireValue;
    if (value) found[name] = value.value;
  }
  return found;
}

function decodeCpu(wire: WireMessage): CpuFigures {
  return {
    timestamp: wire['timestamp'] as bigint,
    ...values(wire, { usageCoreNanoSeconds: 'usageCoreNanoSeconds', usageNanoCores: 'usageNanoCores' }),
  };
}

function decodeMemory(wire: WireMessage): MemoryFigures {
  return {
    timestamp: wire['timestamp'] as bigint,
    ...values(wire, {
      workingSetBytes: 'workingSetBytes',
      availableBytes: 'availableBytes',
      usageBytes: 'usageBytes',
      rssBytes: 'rssBytes',
      pageFaults: 'pageFaults',
      majorPageFaults: 'majorPageFaults',
    }),
  };
}

export function decodeFilesystem(wire: WireMessage): FilesystemFigures {
  return {
    timestamp: wire['timestamp'] as bigint,
    mountpoint: (wire['fsId'] as { readonly mountpoint: string } | undefined)?.mountpoint ?? '',
    ...values(wire, { usedBytes: 'usedBytes', inodesUsed: 'inodesUsed' }),
  };
}

export function decodeContainerStats(message: WireMessage): ContainerStats {
  const wire = message as {
    readonly attributes?: { readonly id: string; readonly metadata?: ContainerMetadata; readonly labels: StringMap };
    readonly cpu?: WireMessage;
    readonly memory?: WireMessage;
    readonly writableLayer?: WireMessage;
  };
  return {
    id: wire.attributes?.id ?? '',
    metadata: wire.attributes?.metadata ?? noContainer,
    labels: wire.attributes?.labels ?? {},
    ...(wire.cpu && { cpu: decodeCpu(wire.cpu) }),
    ...(wire.memory && { memory: decodeMemory(wire.memory) }),
    ...(wire.writableLayer && { writableLayer: decodeFilesystem(wire.writableLayer) }),
  };
}

function decodeInterface(wire: WireMessage): NetworkFigures {
  return {
    name: wire['name'] as string,
    ...values(wire, { rxBytes: 'rxBytes', rxErrors: 'rxErrors', txBytes: 'txBytes', txErrors: 'txErrors' }),
  };
}

export function decodeSandboxStats(message: WireMessage): PodSandboxStats {
  const wire = message as {
    readonly attributes?: { readonly id: string; readonly metadata?: PodSandboxMetadata; readonly labels: StringMap };
    readonly linux?: {
      readonly cpu?: WireMessage;
      readonly memory?: WireMessage;
      readonly network?: {
        readonly timestamp: bigint;
        readonly defaultInterface?: WireMessage;
        readonly interfaces: readonly WireMessage[];
      };
      readonly process?: { readonly processCount?: { readonly value: bigint } };
      readonly containers: readonly WireMessage[];
    };
  };
  const { linux } = wire;
  const network = linux?.network;
  return {
    id: wire.attributes?.id ?? '',
    metadata: wire.attributes?.metadata ?? noSandbox,
    labels: wire.attributes?.labels ?? {},
    ...(linux?.cpu && { cpu: decodeCpu(linux.cpu) }),
    ...(linux?.memory && { memory: decodeMemory(linux.memory) }),
    ...(network && { networkTimestamp: network.timestamp }),
    ...(network?.defaultInterface && { defaultInterface: decodeInterface(network.defaultInterface) }),
    interfaces: network?.interfaces.map(decodeInterface) ?? [],
    ...(linux?.process?.processCount && { processCount: linux.process.processCount.value }),
    containers: linux?.containers.map(decodeContainerStats) ?? [],
  };
}

export function decodeVersion(message: WireMessage): RuntimeVersion {
  return {
    name: message['runtimeName'] as string,
    version: message['runtimeVersion'] as string,
    apiVersion: message['runtimeApiVersion'] as string,
  };
}

export function decodeStatus(message: WireMessage): RuntimeStatus {
  const wire = message as {
    readonly status?: { readonly conditions: readonly RuntimeCondition[] };
    readonly runtimeHandlers: readonly {
      readonly name: string;
      readonly features?: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean };
    }[];
    readonly features?: { readonly supplementalGroupsPolicy: boolean };
  };
  return {
    conditions: (wire.status?.conditions ?? []).map(({ type, status, reason, message: text }) => ({ type, status, reason, message: text })),
    handlers: wire.runtimeHandlers.map(({ name, features }) => ({
      name,
      recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
      userNamespaces: features?.userNamespaces ?? false,
    })),
    supplementalGroupsPolicy: wire.features?.supplementalGroupsPolicy ?? false,
  };
}
