/**
 * What the core of the kubelet (pod workers, status, node) asks of its neighbours in this room: volumes, probes, environment, logs
 * and the HTTPS server. They are handed what they need here and know nothing of pod workers; the core knows nothing of tmpfs,
 * HTTP probes or SPDY.
 */
import type { corev1 } from '../api/index.ts';
import type { Clock, Ctx, Logger, Random, Registry } from '../base/index.ts';
import type { Client, EventRecorder } from '../client/index.ts';
import type { ImageService, RuntimeService } from './runtime/runtime.ts';

/** A container of any list of the pod: init, regular or ephemeral. */
export type AnyContainer = corev1.Container | corev1.EphemeralContainer;

/** What every neighbour is given. */
export interface KubeletDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly nodeName: string;
  /** The kubelet's own directory, such as `/var/lib/kubelet`. Pod directories are `ROOT/pods/UID`. */
  readonly rootDir: string;
}

/** The pods of this node as the kubelet sees them. All synchronous, from memory. */
export interface PodLookup {
  /** By uid, including pods that are being terminated. */
  byUid(uid: string): corev1.Pod | undefined;
  byName(namespace: string, name: string): corev1.Pod | undefined;
  list(): readonly corev1.Pod[];
  /** The newest status that the kubelet computed, which may be ahead of the API server's. */
  status(uid: string): corev1.PodStatus | undefined;
  /** Id of the pod's sandbox that is ready. */
  sandboxId(uid: string): string | undefined;
  /** Id of a container in the engine; `previous`: that of the instance before the newest. */
  containerId(uid: string, containerName: string, previous?: boolean): string | undefined;
  /** Absolute path of the log of a container's newest (or previous) instance, while it exists. */
  logPath(uid: string, containerName: string, previous?: boolean): string | undefined;
  /** The running containers, for log rotation and figures. */
  runningContainers(): readonly RunningContainer[];
}

export interface RunningContainer {
  readonly podUid: string;
  readonly namespace: string;
  readonly podName: string;
  readonly containerName: string;
  readonly containerId: string;
  readonly logPath: string;
}

// Volumes

/** A pod's volume that stands on this node. */
export interface PreparedVolume {
  /** Absolute; the directory or file to bind. Undefined for image volumes. */
  readonly hostPath?: string;
  /** True for what a container must not write (configMap, secret, projected, downwardAPI). */
  readonly readOnly: boolean;
  /** The kernel mounts it with the engine's label. */
  readonly selinuxRelabel?: boolean;
  /** An image volume: the core pulls the image and lets the engine mount it. */
  readonly image?: { readonly reference: string; readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never' };
}

export interface VolumeManager {
  /** Begins the background work (refresh of configMaps, secrets and tokens, clean-up); ends with `ctx.signal`. */
  start(ctx: Ctx): void;
  /**
   * Makes all volumes of the pod stand and answers them by name. Idempotent and cheap when nothing changed; called before each
   * start of containers. Afterwards the manager keeps configMap, secret, projected and downward API volumes up to date by itself,
   * atomically, until `release`.
   * @throws VolumeError when one cannot be made now; the pod stays in ContainerCreating and the call is repeated with back-off. The
   * manager itself records the FailedMount event in upstream's words.
   */
  prepare(pod: corev1.Pod, ctx: Ctx): Promise<ReadonlyMap<string, PreparedVolume>>;
  /** The pod's newest object, when metadata or spec changed (downward API files follow annotations and labels). */
  podUpdated(pod: corev1.Pod): void;
  /**
   * The directory or file that a mount with `subPath` binds, opened without following links and created when absent (0750, like upstream).
   * @param mount.subPath already expanded
   */
  resolveSubPath(
    mount: {
      readonly pod: corev1.Pod;
      readonly containerName: string;
      readonly mountIndex: number;
      readonly volumeName: string;
      readonly subPath: string;
    },
    ctx: Ctx,
  ): Promise<string>;
  /** Unmounts and removes all the pod's volumes and subPath binds; idempotent, also for pods of an earlier life of the kubelet. */
  release(podUid: string, ctx: Ctx): Promise<void>;
  /** Uids that have a volume directory or a mount, including those left behind by an earlier life. */
  knownPods(): ReadonlySet<string>;
}

/** The message is the event's text without the object's name. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

// Environment

export interface EnvironmentInput {
  readonly pod: corev1.Pod;
  readonly container: AnyContainer;
  /** The first is the primary one; empty while unknown. */
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly nodeAllocatable: Readonly<Record<string, string>>;
}

/** `env` names something that does not exist (yet): the container waits in CreateContainerConfigError with this message. */
export class CreateContainerConfigError extends Error {
  override readonly name = 'CreateContainerConfigError';
}

export interface Environment {
  /**
   * The container's variables, in order, later ones winning: service links, envFrom, env (with references and downward API).
   * @throws CreateContainerConfigError with upstream's text (`configmap "x" not found`, `couldn't find key k in ConfigMap ns/x`)
   */
  build(input: EnvironmentInput, ctx: Ctx): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** `$(NAME)` in `command`, `args` and `subPathExpr`; `$$(NAME)` escapes; unknown names stay as they are. */
  expand(text: string, variables: readonly { readonly name: string; readonly value: string }[]): string;
}

// Probes

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeTarget {
  readonly pod: corev1.Pod;
  readonly container: corev1.Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly startedAtMs: number;
}

export interface ProbeReport {
  readonly podUid: string;
  readonly containerName: string;
  readonly containerId: string;
  readonly kind: ProbeKind;
  /** After thresholds were applied; a report is sent on each change only. */
  readonly result: 'success' | 'failure';
  readonly message: string;
}

export interface Prober {
  /**
   * Begins the probes of a running container; harmless when they run already. Of a container without a startup probe, liveness and
   * readiness start at once; else after startup succeeded. Unhealthy events are the prober's.
   */
  containerRunning(target: ProbeTarget): void;
  containerGone(containerId: string): void;
  /** The pod is being stopped: liveness and startup end, readiness goes on and may only turn to failure. */
  podTerminating(podUid: string): void;
  podGone(podUid: string): void;
  /**
   * What the status shows: `started` is true without a startup probe; `ready` is true without a readiness probe, once started. A
   * container never reported to `containerRunning` is neither.
   */
  result(containerId: string): { readonly started: boolean; readonly ready: boolean };
  close(): Promise<void>;
}

/** Handed to the prober at its making: called on each change, must not throw. The core restarts containers and refreshes status. */
export type ProbeListener = (report: ProbeReport) => void;

// Logs

export interface ContainerLogs {
  /** Begins rotation (size and count limits of the configuration) of the logs of `pods.runningContainers()`. */
  start(ctx: Ctx): void;
  /** The end of a container's log as plain text, for FallbackToLogsOnError; empty when there is none. */
  tail(logPath: string, limits: { readonly maxBytes: number; readonly maxLines: number }): Promise<string>;
  /** Removes a container's log and its rotated files; harmless when absent. */
  remove(logPath: string): Promise<void>;
}

// Server

/** Decides who may call the kubelet's port. */
export interface KubeletAuth {
  /** PEM bundle of the authority for client certificates; empty: no certificate is accepted. */
  readonly clientCa: string;
  /** Certificate users that need no webhook (the API server's own client certificate name or group, such as `system:masters`). */
  readonly allowedUsers: readonly string[];
  readonly allowedGroups: readonly string[];
  /** TokenReview and SubjectAccessReview through the API, for everyone else. */
  readonly webhook: boolean;
}

export interface KubeletServerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly auth: KubeletAuth;
  readonly pods: PodLookup;
  /** Figures for `/stats/summary` and `/metrics/*`. */
  readonly node: () => corev1.Node | undefined;
  readonly healthy: () => { readonly ok: boolean; readonly message: string };
  /** What `/metrics` renders; default: nothing. */
  readonly registry?: Registry;
  /** What `/configz` shows as `kubeletconfig`, besides the node's name. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * The doors that the core opens: each folder's `index.ts` exports its factory under this name.
 * - `volumes/`: `createVolumeManager(deps: VolumeManagerDeps): VolumeManager`
 * - `environment/`: `createEnvironment(deps): Environment`
 * - `probes/`: `createProber(deps, listener: ProbeListener): Prober`
 * - `logs/`: `createContainerLogs(deps, options: ContainerLogOptions): ContainerLogs`
 * - `server/`: `startKubeletServer(deps, options: KubeletServerOptions, ctx): Promise<KubeletServer>`
 */
export interface VolumeManagerDeps extends KubeletDeps {
  readonly pods: PodLookup;
  readonly nodeAllocatable: () => Readonly<Record<string, string>>;
  readonly hostIps: () => readonly string[];
  /** How long a configMap or secret may be behind without a watch event. Default 60 s. */
  readonly refreshMs: number;
  /** The node as last read; default: unknown, and volumes are not asked whether they can be reached from it. */
  readonly node?: () => corev1.Node | undefined;
  /** Where this node has the directories of the local-path provisioner; default: it makes none. */
  readonly localPathDir?: string | undefined;
}

export interface ContainerLogOptions {
  readonly pods: PodLookup;
  /** Default 10 MiB. */
  readonly maxSizeBytes: number;
  /** Default 5. */
  readonly maxFiles: number;
  /** Default 10 s. */
  readonly checkMs: number;
}
