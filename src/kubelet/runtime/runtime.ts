/**
 * The one seam between the kubelet and a container engine: sandboxes, containers and images in our own words, shaped like CRI v1.
 * Two implementations pass one contract suite: `cri/` (a real engine over gRPC) and `simulated/` (virtual time, scale tests).
 * Timestamps are nanoseconds since the epoch as bigint; 0n means "not yet". Every call throws RuntimeError when the engine refuses.
 * @source CRI v1
 */

/** Why a call failed; one for each gRPC code that the kubelet tells apart. */
export type RuntimeErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'InvalidArgument'
  | 'FailedPrecondition'
  | 'ResourceExhausted'
  | 'DeadlineExceeded'
  | 'Unimplemented'
  | 'Unavailable'
  | 'Unknown';

export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  /** The engine's own sentence, without the method's name. */
  readonly detail: string;

  constructor(code: RuntimeErrorCode, detail: string, options?: ErrorOptions) {
    super(`rpc error: code = ${code} desc = ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

export function isRuntimeError(error: unknown, code?: RuntimeErrorCode): error is RuntimeError {
  return error instanceof RuntimeError && (code === undefined || error.code === code);
}

export type StringMap = Readonly<Record<string, string>>;

// Sandboxes

export interface PodSandboxMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Counts the sandboxes of one pod; name, namespace, uid and attempt together must be new. */
  readonly attempt: number;
}

/** Which namespace a container joins: its pod's, its own, the node's, or that of the container `targetId`. */
export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface NamespaceOptions {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** For pid mode `target`. */
  readonly targetId?: string;
}

export type SecurityProfile =
  | { readonly type: 'runtimeDefault' }
  | { readonly type: 'unconfined' }
  | { readonly type: 'localhost'; readonly localhostRef: string };

export interface SeLinuxOptions {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
}

export interface SandboxSecurityContext {
  readonly namespaces: NamespaceOptions;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly readonlyRootfs?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly supplementalGroupsPolicy?: 'merge' | 'strict';
  readonly privileged?: boolean;
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
  readonly seLinux?: SeLinuxOptions;
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** Limits of a container or of a whole pod, as the kernel takes them. */
export interface LinuxResources {
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitBytes?: bigint;
  readonly memorySwapLimitBytes?: bigint;
  readonly oomScoreAdj?: number;
  readonly cpusetCpus?: string;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limitBytes: bigint }[];
  /** Raw cgroup v2 files; refused by engines on v1. */
  readonly unified?: StringMap;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  /** Empty for pods on the node's network. */
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dns?: DnsConfig;
  readonly portMappings: readonly PortMapping[];
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly cgroupParent: string;
  readonly sysctls: StringMap;
  readonly security: SandboxSecurityContext;
  readonly overhead?: LinuxResources;
  readonly resources?: LinuxResources;
}

export type SandboxState = 'ready' | 'notReady';

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: SandboxState;
  readonly createdAt: bigint;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly runtimeHandler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  /** Empty for pods on the node's network; the first is the primary one. */
  readonly ips: readonly string[];
  readonly namespaces?: NamespaceOptions;
}

// Containers

export interface Mount {
  readonly containerPath: string;
  /** Empty for image volumes. */
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly recursiveReadOnly?: boolean;
  readonly propagation?: 'private' | 'hostToContainer' | 'bidirectional';
  readonly selinuxRelabel?: boolean;
  /** An image volume: the image's content is mounted instead of a path. */
  readonly image?: string;
  readonly imageSubPath?: string;
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly permissions: string;
}

export interface ContainerSecurityContext extends SandboxSecurityContext {
  readonly addCapabilities?: readonly string[];
  readonly dropCapabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly runAsUserName?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

/** What is asked for (`image`) and what the user wrote (`userSpecifiedImage`). */
export interface ImageSpec {
  readonly image: string;
  readonly userSpecifiedImage?: string;
  readonly runtimeHandler?: string;
  readonly annotations?: StringMap;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly labels: StringMap;
  readonly annotations: StringMap;
  /** Relative to the sandbox's log directory; that directory of it must exist. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: LinuxResources;
  readonly security: ContainerSecurityContext;
  /** Such as `SIGUSR1`; default: the image's. */
  readonly stopSignal?: string;
}

export type EngineContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface EngineContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly image: string;
  readonly imageRef: string;
  readonly imageId: string;
  readonly state: EngineContainerState;
  readonly createdAt: bigint;
  readonly labels: StringMap;
  readonly annotations: StringMap;
}

export interface EngineContainerStatus {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly state: EngineContainerState;
  readonly createdAt: bigint;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly exitCode: number;
  readonly image: string;
  /** Digest reference when the image was pulled, its id when it was loaded by hand. */
  readonly imageRef: string;
  readonly imageId: string;
  /** Such as `Completed`, `Error`, `OOMKilled`; trustworthy only when exited. */
  readonly reason: string;
  readonly message: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly mounts: readonly Mount[];
  /** Absolute. */
  readonly logPath: string;
  readonly resources?: LinuxResources;
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] };
  readonly stopSignal?: string;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly sandboxId?: string;
  readonly labels?: StringMap;
}

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

// Figures

export interface CpuFigures {
  readonly timestamp: bigint;
  readonly usageCoreNanoSeconds?: bigint;
  readonly usageNanoCores?: bigint;
}

export interface MemoryFigures {
  readonly timestamp: bigint;
  readonly workingSetBytes?: bigint;
  readonly availableBytes?: bigint;
  readonly usageBytes?: bigint;
  readonly rssBytes?: bigint;
  readonly pageFaults?: bigint;
  readonly majorPageFaults?: bigint;
}

export interface FilesystemFigures {
  readonly timestamp: bigint;
  readonly mountpoint: string;
  readonly usedBytes?: bigint;
  readonly inodesUsed?: bigint;
}

export interface NetworkFigures {
  readonly name: string;
  readonly rxBytes?: bigint;
  readonly rxErrors?: bigint;
  readonly txBytes?: bigint;
  readonly txErrors?: bigint;
}

export interface ContainerStats {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly labels: StringMap;
  readonly cpu?: CpuFigures;
  readonly memory?: MemoryFigures;
  readonly writableLayer?: FilesystemFigures;
}

export interface PodSandboxStats {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly labels: StringMap;
  readonly cpu?: CpuFigures;
  readonly memory?: MemoryFigures;
  readonly networkTimestamp?: bigint;
  readonly defaultInterface?: NetworkFigures;
  readonly interfaces: readonly NetworkFigures[];
  readonly processCount?: bigint;
  readonly containers: readonly ContainerStats[];
}

// Engine

export interface RuntimeVersion {
  /** Such as `containerd`. */
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
}

export interface RuntimeCondition {
  /** `RuntimeReady` or `NetworkReady`. */
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeStatus {
  readonly conditions: readonly RuntimeCondition[];
  readonly handlers: readonly { readonly name: string; readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean }[];
  readonly supplementalGroupsPolicy: boolean;
}

/** Something happened to a container: a hint to look again, never the truth by itself. `podUid` is unknown to some engines. */
export interface RuntimeEvent {
  readonly containerId: string;
  readonly type: 'created' | 'started' | 'stopped' | 'deleted';
}

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface RuntimeService {
  version(options: CallOptions): Promise<RuntimeVersion>;
  status(options: CallOptions): Promise<RuntimeStatus>;
  /** Tells the engine the node's pod range; engines that read a CNI file ignore it. */
  updatePodCidr(podCidr: string, options: CallOptions): Promise<void>;

  /** @returns the sandbox's id; it is ready and has its network */
  runPodSandbox(config: PodSandboxConfig, options: CallOptions & { readonly runtimeHandler?: string }): Promise<string>;
  /** Idempotent; also stops its containers by force and frees the network. */
  stopPodSandbox(id: string, options: CallOptions): Promise<void>;
  /** Idempotent; removes its containers too. */
  removePodSandbox(id: string, options: CallOptions): Promise<void>;
  podSandboxStatus(id: string, options: CallOptions): Promise<PodSandboxStatus>;
  listPodSandboxes(filter: { readonly id?: string; readonly labels?: StringMap }, options: CallOptions): Promise<readonly PodSandbox[]>;

  createContainer(
    request: { readonly sandboxId: string; readonly config: ContainerConfig; readonly sandboxConfig: PodSandboxConfig },
    options: CallOptions,
  ): Promise<string>;
  startContainer(id: string, options: CallOptions): Promise<void>;
  /** Idempotent. Sends the stop signal, and after `graceSeconds` the kill; resolves when it has exited. */
  stopContainer(id: string, graceSeconds: number, options: CallOptions): Promise<void>;
  /** Idempotent; a running container is killed. */
  removeContainer(id: string, options: CallOptions): Promise<void>;
  listContainers(filter: ContainerFilter, options: CallOptions): Promise<readonly EngineContainer[]>;
  containerStatus(id: string, options: CallOptions): Promise<EngineContainerStatus>;
  updateContainerResources(id: string, resources: LinuxResources, options: CallOptions): Promise<void>;
  /** The engine opens the log at its path anew, after the old file was moved away. */
  reopenContainerLog(id: string, options: CallOptions): Promise<void>;

  /**
   * Runs a command in a container to its end.
   * @param request.timeoutMs 0: no limit
   * @throws RuntimeError DeadlineExceeded when it takes longer
   */
  execSync(
    request: { readonly containerId: string; readonly command: readonly string[]; readonly timeoutMs: number },
    options: CallOptions,
  ): Promise<ExecResult>;
  /** The three below answer the URL of the engine's streaming server; it holds a token that works once. */
  exec(
    request: {
      readonly containerId: string;
      readonly command: readonly string[];
      readonly tty: boolean;
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
    },
    options: CallOptions,
  ): Promise<string>;
  attach(
    request: {
      readonly containerId: string;
      readonly tty: boolean;
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
    },
    options: CallOptions,
  ): Promise<string>;
  portForward(request: { readonly sandboxId: string; readonly ports: readonly number[] }, options: CallOptions): Promise<string>;

  containerStats(id: string, options: CallOptions): Promise<ContainerStats>;
  listContainerStats(filter: ContainerFilter, options: CallOptions): Promise<readonly ContainerStats[]>;
  listPodSandboxStats(
    filter: { readonly id?: string; readonly labels?: StringMap },
    options: CallOptions,
  ): Promise<readonly PodSandboxStats[]>;

  /**
   * Life-cycle events from now on, until the signal aborts.
   * @throws RuntimeError when the engine has none (Unimplemented) or the stream breaks; the caller opens it again
   */
  events(options: CallOptions): AsyncIterable<RuntimeEvent>;
}

// Images

export interface EngineImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  /** Empty for images that were loaded by hand. */
  readonly repoDigests: readonly string[];
  readonly sizeBytes: bigint;
  /** The user that the image's configuration names: a number, a name, or neither (root). */
  readonly uid?: number;
  readonly username: string;
  /** Never collected. */
  readonly pinned: boolean;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface ImageService {
  listImages(options: CallOptions): Promise<readonly EngineImage[]>;
  /** @returns undefined when the engine does not hold it */
  imageStatus(image: ImageSpec, options: CallOptions): Promise<EngineImage | undefined>;
  /** @returns the reference under which containers are made from it */
  pullImage(
    request: { readonly image: ImageSpec; readonly auth?: RegistryAuth; readonly sandboxConfig?: PodSandboxConfig },
    options: CallOptions,
  ): Promise<string>;
  /** Idempotent. */
  removeImage(image: ImageSpec, options: CallOptions): Promise<void>;
  imageFsInfo(options: CallOptions): Promise<readonly FilesystemFigures[]>;
}

/** One engine: both services over one connection. */
export interface Runtime {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  close(): Promise<void>;
}
