/** The kubelet's configuration as plain data, with upstream's defaults. Durations are milliseconds. */
import type { corev1 } from '../api/index.ts';
import type { BackoffPolicy } from '../base/index.ts';
import { defaultThresholds, type EvictionThresholds } from './eviction/thresholds.ts';
import type { KubeletAuth } from './seams.ts';

type ResourceList = Readonly<Record<string, string>>;

export interface KubeletConfig {
  readonly nodeName: string;
  /** The first is the primary one. */
  readonly nodeIps: readonly string[];
  /** Default: the node's name. */
  readonly hostname: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly registerWithTaints: readonly corev1.Taint[];
  readonly registerNode: boolean;
  readonly unschedulable: boolean;
  readonly providerId: string | undefined;
  /** `kubeletVersion` of the node's info, such as `v1.35.0`. */
  readonly version: string;

  /** The kubelet's own directory. */
  readonly rootDir: string;
  readonly podLogsDir: string;
  /** Where the directories of the local-path provisioner stand; undefined: this node has none. */
  readonly localPathDir: string | undefined;
  /** Absolute cgroup below which `kubepods` stands, such as `/knarr-dev/n1`; empty: the top. */
  readonly cgroupRoot: string;
  /** Resolver of pods that use the node's; empty: none. */
  readonly resolvConf: string;
  /** Directory of static pods' manifests; undefined: none. */
  readonly manifestDir: string | undefined;
  readonly manifestCheckMs: number;

  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;

  readonly maxPods: number;
  readonly podPidsLimit: number | undefined;
  readonly kubeReserved: ResourceList;
  readonly systemReserved: ResourceList;
  readonly evictionHard: EvictionThresholds;
  readonly evictionPeriodMs: number;
  readonly evictionTransitionMs: number;
  readonly allowedUnsafeSysctls: readonly string[];
  readonly seccompDefault: boolean;
  /** The engine puts containers under AppArmor profiles; where it does not, pods that ask for one are refused. */
  readonly appArmor: boolean;

  readonly nodeStatusUpdateMs: number;
  readonly nodeStatusReportMs: number;
  readonly leaseDurationSeconds: number;
  readonly syncMs: number;
  readonly relistMs: number;
  readonly relistWithEventsMs: number;
  readonly housekeepingMs: number;
  readonly crashBackoff: BackoffPolicy;
  readonly imageBackoff: BackoffPolicy;
  readonly retryBackoff: BackoffPolicy;
  /** Sandboxes and containers that are made at the same time; on two cores more only makes each slower. */
  readonly maxParallelStarts: number;
  readonly maxParallelPulls: number;
  readonly imageHighPercent: number;
  readonly imageLowPercent: number;
  readonly imageMinAgeMs: number;
  readonly imageCheckMs: number;
  readonly volumeRefreshMs: number;
  readonly logMaxBytes: number;
  readonly logMaxFiles: number;
  readonly logCheckMs: number;

  /** Undefined: no HTTPS server (simulated nodes). */
  readonly server: KubeletServerConfig | undefined;
}

export interface KubeletServerConfig {
  readonly address: string;
  /** 10250; 0 takes any free port. */
  readonly port: number;
  /** PEM. */
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly auth: KubeletAuth;
}

/** What has no sensible default. */
export type KubeletConfigInput = Pick<KubeletConfig, 'nodeName' | 'nodeIps'> & Partial<KubeletConfig>;

export function completeConfig(input: KubeletConfigInput): KubeletConfig {
  return {
    hostname: input.nodeName,
    nodeLabels: {},
    registerWithTaints: [],
    registerNode: true,
    unschedulable: false,
    providerId: undefined,
    version: 'v1.35.0',
    rootDir: '/var/lib/kubelet',
    podLogsDir: '/var/log/pods',
    localPathDir: undefined,
    cgroupRoot: '',
    resolvConf: '/etc/resolv.conf',
    manifestDir: undefined,
    manifestCheckMs: 20_000,
    clusterDns: [],
    clusterDomain: 'cluster.local',
    maxPods: 110,
    podPidsLimit: undefined,
    kubeReserved: {},
    systemReserved: {},
    evictionHard: defaultThresholds,
    evictionPeriodMs: 10_000,
    evictionTransitionMs: 300_000,
    allowedUnsafeSysctls: [],
    seccompDefault: false,
    appArmor: true,
    nodeStatusUpdateMs: 10_000,
    nodeStatusReportMs: 300_000,
    leaseDurationSeconds: 40,
    syncMs: 60_000,
    relistMs: 1000,
    relistWithEventsMs: 10_000,
    housekeepingMs: 120_000,
    crashBackoff: { initialMs: 10_000, maxMs: 300_000 },
    imageBackoff: { initialMs: 10_000, maxMs: 300_000 },
    retryBackoff: { initialMs: 500, maxMs: 10_000 },
    maxParallelStarts: 4,
    maxParallelPulls: 4,
    imageHighPercent: 85,
    imageLowPercent: 80,
    imageMinAgeMs: 120_000,
    imageCheckMs: 300_000,
    volumeRefreshMs: 60_000,
    logMaxBytes: 10 * 1024 * 1024,
    logMaxFiles: 5,
    logCheckMs: 10_000,
    server: undefined,
    ...input,
  };
}
