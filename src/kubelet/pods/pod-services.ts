/** What the work on one pod needs of the kubelet around it; made once, shared by all pods. */
import type { corev1 } from '../../api/index.ts';
import type { Clock, Ctx, Random } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { NodeMemory } from '../containers/container-resources.ts';
import type { NodeDns } from '../containers/dns.ts';
import type { KubeletHost } from '../host/host.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import type { Slots } from '../images/slots.ts';
import type { KubeletMetrics } from '../kubelet-metrics.ts';
import type { PodViews } from '../pleg/pod-views.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import type { ContainerLogs, Environment, Prober, VolumeManager } from '../seams.ts';
import type { StatusManager } from '../status/status-manager.ts';
import type { ResizePending } from './allocation.ts';
import type { CrashBackoff } from './crash-backoff.ts';
import type { ProbeVerdicts } from './probe-verdicts.ts';

export interface PodSettings {
  readonly podLogsDir: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly seccompRoot: string;
  readonly seccompDefault: boolean;
  /** Most processes of one pod; undefined: no limit. */
  readonly podPidsLimit: number | undefined;
  /** First and longest wait after a failed step of a pod's start. */
  readonly retry: { readonly initialMs: number; readonly maxMs: number };
  /** Looks at each pod this often even when nothing happens. */
  readonly resyncMs: number;
}

export interface PodServices {
  readonly settings: PodSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: KubeletMetrics;
  readonly recorder: EventRecorder;
  readonly runtime: RuntimeService;
  /** Such as `containerd`. */
  readonly runtimeName: () => string;
  readonly host: KubeletHost;
  readonly puller: ImagePuller;
  readonly views: PodViews;
  readonly statuses: StatusManager;
  readonly volumes: VolumeManager;
  readonly environment: Environment;
  readonly prober: Prober;
  readonly logs: ContainerLogs;
  readonly probes: ProbeVerdicts;
  readonly backoff: CrashBackoff;
  /** Sandboxes and containers that are made at the same time. */
  readonly startSlots: Slots;
  readonly hostIps: () => readonly string[];
  readonly nodeAllocatable: () => Readonly<Record<string, string>>;
  readonly nodeDns: () => Promise<NodeDns>;
  /** Resolves when containers of a pod at these addresses may start, such as when its network policies are in force. */
  readonly guardPod: (pod: corev1.Pod, ips: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Why pods with a network of their own cannot start yet. */
  readonly networkUnready: () => string | undefined;
  readonly recursiveReadOnly: () => boolean;
  /** Why the engine mounts no images; undefined: it does. */
  readonly imageVolumesRefusal: () => string | undefined;
  /** A pod came to stand, was resized or went: what follows from all pods together is brought up to date. */
  readonly podsChanged: () => void;
  /** Why the resources that a running pod asks for anew cannot be given. */
  readonly refuseResize: (pod: corev1.Pod) => ResizePending | undefined;
  /** The pod's imagePullSecrets that exist. */
  readonly pullSecrets: (pod: corev1.Pod, ctx: Ctx) => Promise<readonly corev1.Secret[]>;
  /** The engine's handler for the pod's RuntimeClass. @throws StartError when there is no such class */
  readonly runtimeHandler: (pod: corev1.Pod) => string | undefined;
}

export function nodeMemory({ machine, cgroups }: KubeletHost): NodeMemory {
  return { memoryBytes: machine.memoryBytes, cgroupVersion: cgroups.version, limitsSwap: cgroups.limitsSwap() };
}

/** A step of a pod's start failed in a way that a container's status shows. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** The waiting reason, such as `CreateContainerError`. */
  readonly reason: string;
  /** When to try again; undefined: as the worker's back-off says. */
  readonly retryMs: number | undefined;

  constructor(reason: string, message: string, options: ErrorOptions & { readonly retryMs?: number | undefined } = {}) {
    super(message, options);
    this.reason = reason;
    this.retryMs = options.retryMs;
  }
}
