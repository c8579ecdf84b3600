/**
 * How plugins are made: a factory by name, arguments from KubeSchedulerConfiguration, and a handle on what a plugin may use of the
 * scheduler. A plugin is made once for each profile that names it.
 */
import type { appsv1, corev1, policyv1, storagev1 } from '../../api/index.ts';
import type { Clock, Logger, Random, Registry, TaskGroup } from '../../base/index.ts';
import type { Client, EventRecorder, Informer } from '../../client/index.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { NodeInfo } from '../cluster/node-info.ts';
import type { PodInfo } from '../cluster/pod-info.ts';
import type { CycleState } from './cycle-state.ts';
import type { Plugin } from './plugin.ts';
import type { Status } from './status.ts';

/** Shared caches. A factory may add indexes and handlers; all are synced before the first cycle. */
export interface SchedulerListers {
  readonly namespaces: Informer<corev1.Namespace>;
  readonly services: Informer<corev1.Service>;
  readonly replicationControllers: Informer<corev1.ReplicationController>;
  readonly replicaSets: Informer<appsv1.ReplicaSet>;
  readonly statefulSets: Informer<appsv1.StatefulSet>;
  readonly persistentVolumes: Informer<corev1.PersistentVolume>;
  readonly persistentVolumeClaims: Informer<corev1.PersistentVolumeClaim>;
  readonly storageClasses: Informer<storagev1.StorageClass>;
  readonly csiNodes: Informer<storagev1.CSINode>;
  readonly csiDrivers: Informer<storagev1.CSIDriver>;
  readonly csiStorageCapacities: Informer<storagev1.CSIStorageCapacity>;
  readonly volumeAttachments: Informer<storagev1.VolumeAttachment>;
  readonly podDisruptionBudgets: Informer<policyv1.PodDisruptionBudget>;
}

/** Pods that preemption made room for: they count on their node for others of no higher priority. */
export interface Nominator {
  /** The same array until something changes for the node. */
  podsOn(nodeName: string): readonly PodInfo[];
  nodeOf(uid: string): string | undefined;
  nominate(pod: PodInfo, nodeName: string): void;
  remove(uid: string): void;
}

/** A pod that permit holds. */
export interface WaitingPod {
  readonly pod: PodInfo;
  readonly nodeName: string;
  /** Names of the plugins that still hold it. */
  readonly pendingPlugins: readonly string[];
  allow(plugin: string): void;
  reject(plugin: string, message: string): void;
}

export interface WaitingPods {
  get(uid: string): WaitingPod | undefined;
  list(): readonly WaitingPod[];
  /** False when the pod was not waiting. */
  reject(uid: string, plugin: string, message: string): boolean;
}

/** A preemption that an extender is asked about: victims by node, as evicting would take them. */
export interface ExtenderVictims {
  readonly pods: readonly PodInfo[];
  readonly pdbViolations: number;
}

export interface Extender {
  readonly name: string;
  readonly ignorable: boolean;
  readonly supportsPreemption: boolean;
  isInterested(pod: corev1.Pod): boolean;
  /** Nodes that are left, with the victims that are left. @throws when it cannot be asked */
  processPreemption(
    pod: corev1.Pod,
    victims: ReadonlyMap<string, ExtenderVictims>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ExtenderVictims>>;
}

/** Trying things out in a cycle: for postFilter plugins. `node` may be a copy. */
export interface CycleRunner {
  /** Tells the plugins of a pod that was put on `node`. */
  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined;
  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined;
  /** All filters with nominated pods of equal or higher priority counted on the node, and again without them, as upstream does. */
  filterWithNominated(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** Whether every filter of the cycle looks at the pod's shape and the node alone, so that its verdict can be remembered by both. */
  looksAtNodeOnly(state: CycleState): boolean;
}

export interface FrameworkHandle {
  /** `schedulerName` of the profile. */
  readonly profileName: string;
  readonly cluster: ClusterView;
  readonly listers: SchedulerListers;
  readonly nominator: Nominator;
  readonly waitingPods: WaitingPods;
  readonly runner: CycleRunner;
  readonly extenders: readonly Extender[];
  /** Puts waiting pods into the active queue at once, whatever rejected them. */
  activate(pods: readonly corev1.Pod[]): void;
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly registry: Registry;
  /** Owns what a plugin does in the background; closing it ends that. */
  readonly group: TaskGroup;
}

/** What is wrong with a plugin's arguments, as upstream says it. */
export interface ArgsError {
  /** Below `pluginConfig[i].args`, such as `hardPodAffinityWeight`. */
  readonly path: string;
  readonly message: string;
}

/** A kind of plugin. `Args` is the type of its `pluginConfig` arguments, with every default filled in. */
export interface PluginFactory<Args = unknown> {
  readonly name: string;
  /** Fills in defaults; `given` is what the configuration file says, or `{}`. Left out: the plugin takes no arguments. */
  readonly defaultArgs?: (given: Readonly<Record<string, unknown>>) => Args;
  readonly validateArgs?: (args: Args) => readonly ArgsError[];
  create(args: Args, handle: FrameworkHandle): Plugin;
}
