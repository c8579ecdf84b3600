/**
 * The door of the kubelet: one node's agent on a real engine (`startKubelet` with `connectCri`) or on a simulated one
 * (`startSimulatedKubelet`).
 */
import type { corev1 } from '../api/index.ts';
import type { Clock, Logger, Random, Registry, TaskGroup } from '../base/index.ts';
import type { Client, EventRecorder, InformerFactory } from '../client/index.ts';
import { completeConfig, type KubeletConfigInput } from './config.ts';
import { createEnvironment } from './environment/index.ts';
import { createLinuxHost } from './host/linux-host.ts';
import { assembleKubelet, type Kubelet, type KubeletParts } from './kubelet.ts';
import { createContainerLogs } from './logs/index.ts';
import { createProber } from './probes/index.ts';
import { createCriRuntime } from './runtime/cri/index.ts';
import type { Runtime } from './runtime/runtime.ts';
import { startKubeletServer } from './server/index.ts';
import { createVolumeManager } from './volumes/index.ts';

export { completeConfig, type KubeletConfig, type KubeletConfigInput, type KubeletServerConfig } from './config.ts';
export { defaultThresholds, type EvictionThresholds } from './eviction/thresholds.ts';
export type { Kubelet } from './kubelet.ts';
export type { Runtime } from './runtime/runtime.ts';
export { RuntimeError } from './runtime/runtime.ts';
export type { SimulatedHostOptions } from './host/simulated-host.ts';
export {
  type ContainerScript,
  createSimulatedRuntime,
  type SimulatedRuntime,
  type SimulatedRuntimeOptions,
} from './runtime/simulated/index.ts';
export { createLocalPathCleaner, type LocalPathCleanerOptions } from './volumes/index.ts';
export { startSimulatedKubelet, type SimulatedKubeletDeps } from './simulated-kubelet.ts';
export type { KubeletAuth, PodLookup } from './seams.ts';

export interface KubeletDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly runtime: Runtime;
  /** Default: one of its own, as `kubelet` on this node. */
  readonly recorder?: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The kubelet ends with it; its containers go on. */
  readonly group: TaskGroup;
  readonly registry?: Registry;
  /** Resolves when containers of a pod at these addresses may start; default: at once. */
  readonly guardPod?: (pod: corev1.Pod, ips: readonly string[], signal: AbortSignal) => Promise<void>;
  /** The node's pod ranges, each time they change. */
  readonly onPodCidrs?: (cidrs: readonly string[]) => void;
}

const realParts: KubeletParts = {
  volumes: createVolumeManager,
  environment: createEnvironment,
  prober: createProber,
  logs: createContainerLogs,
  server: startKubeletServer,
};

/** An engine that speaks CRI v1; connects when first asked, and again after the engine restarted. */
export function connectCri(socket: string, { clock }: { readonly clock: Clock }): Runtime {
  return createCriRuntime({ socket, clock });
}

/** Starts the kubelet of this machine (of this mount and network namespace). */
export async function startKubelet(input: KubeletConfigInput, deps: KubeletDeps): Promise<Kubelet> {
  const config = completeConfig(input);
  const { runtime: engine, clock, random, log, group, ...rest } = deps;
  const { rootDir, podLogsDir, cgroupRoot, resolvConf, appArmor } = config;
  const host = createLinuxHost({ rootDir, podLogsDir, cgroupRoot, resolvConf, appArmor, clock, random });
  return assembleKubelet(config, { ...rest, engine, host, parts: realParts, clock, random }, { signal: group.signal, log });
}
