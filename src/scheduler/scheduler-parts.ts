/** What the pieces of one scheduler share. */
import type { Clock, Logger, Random, Registry, TaskGroup } from '../base/index.ts';
import type { Client, EventRecorder, Informer, InformerFactory } from '../client/index.ts';
import type { corev1 } from '../api/index.ts';
import type { WaitingPodsMap } from './binding/waiting-pods.ts';
import type { ClusterCache } from './cluster/cluster-cache.ts';
import type { Profile } from './cycle/profile.ts';
import type { PodScheduler } from './cycle/schedule-pod.ts';
import type { ExtenderChain } from './extenders/extender-chain.ts';
import type { KeyedWrites } from './keyed-writes.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

/** What the scheduler is given. */
export interface SchedulerContext {
  /** What it writes with, and what plugins ask with. */
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  /** Owns everything that the scheduler does. */
  readonly group: TaskGroup;
  /** Default: nothing is logged. */
  readonly log?: Logger;
  /** Default: a registry that nobody reads. */
  readonly registry?: Registry;
}

/** A profile with what decides for its pods. */
export interface ActiveProfile {
  readonly profile: Profile;
  readonly pods: PodScheduler;
}

export interface SchedulerParts {
  readonly context: SchedulerContext;
  readonly log: Logger;
  readonly pods: Informer<corev1.Pod>;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly waitingPods: WaitingPodsMap;
  readonly metrics: SchedulerMetrics;
  readonly extenders: ExtenderChain;
  readonly statusWrites: KeyedWrites;
}
