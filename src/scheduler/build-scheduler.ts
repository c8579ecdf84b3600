/** Makes plugins, profiles and the queue out of what the configuration names. */
import { appsv1Resources, corev1Resources, policyv1Resources, storagev1Resources } from '../api/index.ts';
import { type Logger, type Registry, seededRandom } from '../base/index.ts';
import type { InformerFactory } from '../client/index.ts';
import type { WaitingPodsMap } from './binding/waiting-pods.ts';
import type { ClusterCache } from './cluster/cluster-cache.ts';
import { ConfigurationError } from './config/configuration-error.ts';
import {
  defaultConfiguration,
  type ExtenderConfiguration,
  type ProfileConfiguration,
  type SchedulerConfiguration,
} from './config/configuration.ts';
import { expandPoints, neededPlugins } from './config/expand-points.ts';
import type { Profile } from './cycle/profile.ts';
import { PodScheduler, type SearchPosition } from './cycle/schedule-pod.ts';
import { ExtenderChain } from './extenders/extender-chain.ts';
import { HttpExtender, type PostJson } from './extenders/http-extender.ts';
import type { CycleRunner, FrameworkHandle, Plugin, PluginFactory, SchedulerListers } from './framework/index.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { inTreePlugins } from './plugins/index.ts';
import { QueueProfile } from './queue/queue-profile.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';
import type { ActiveProfile, SchedulerContext } from './scheduler-parts.ts';

export interface SchedulerOptions {
  /** Default: one profile `default-scheduler` with upstream's default plugins. */
  readonly configuration?: SchedulerConfiguration;
  /** More kinds of plugins that profiles may name; one of a known name replaces it. */
  readonly plugins?: readonly PluginFactory[];
  /** How extenders are asked; needed when the configuration has some. */
  readonly postJson?: (extender: ExtenderConfiguration) => PostJson;
  /** Default five minutes. */
  readonly maxUnschedulableMs?: number;
  /** Bindings under way at once. Default 256. */
  readonly maxBindings?: number;
}

export interface BuiltScheduler {
  readonly queue: SchedulingQueue;
  /** By `spec.schedulerName`. */
  readonly profiles: ReadonlyMap<string, ActiveProfile>;
  readonly listers: SchedulerListers;
  readonly extenders: ExtenderChain;
}

const fitPlugin = 'NodeResourcesFit';

interface Given {
  readonly context: SchedulerContext & { readonly log: Logger; readonly registry: Registry };
  readonly cache: ClusterCache;
  readonly waitingPods: WaitingPodsMap;
  readonly metrics: SchedulerMetrics;
}

/** @throws ConfigurationError */
export function buildScheduler(given: Given, options: SchedulerOptions): BuiltScheduler {
  const { context, cache, waitingPods, metrics } = given;
  const { clock, log } = context;
  const configuration = options.configuration ?? defaultConfiguration();
  const factories = new Map([...inTreePlugins, ...(options.plugins ?? [])].map((factory) => [factory.name, factory]));
  const { postJson } = options;
  if (configuration.extenders.length > 0 && !postJson)
    throw new ConfigurationError('extenders are not supported here: nothing can ask them');
  const extenders = new ExtenderChain(
    configuration.extenders.map((extender) => new HttpExtender(extender, cache, postJson!(extender))),
    log,
  );
  const listers = schedulerListers(context.informers);
  const position: SearchPosition = { next: 0 };
  // Ties are broken for every pod; the system's own source costs as much as the rest of a decision.
  const ties = seededRandom(Math.floor(context.random.next() * 2 ** 32));
  const profiles = new Map<string, ActiveProfile>();
  const queueProfiles = new Map<string, QueueProfile>();
  const queue = new SchedulingQueue({
    clock,
    less: (a, b) => queueSort.less!(a, b),
    profileOf: (pod) => queueProfiles.get(pod.spec.schedulerName ?? 'default-scheduler') ?? anyProfile,
    profiles: () => [...queueProfiles.values()],
    backoff: { initialMs: configuration.podInitialBackoffMs, maxMs: configuration.podMaxBackoffMs },
    ...(options.maxUnschedulableMs !== undefined && { maxUnschedulableMs: options.maxUnschedulableMs }),
    onIncoming: (place, event) => metrics.incoming(place, event),
  });
  for (const profileConfiguration of configuration.profiles) {
    const { schedulerName } = profileConfiguration;
    const runner: { filter?: CycleRunner } = {};
    const handle: FrameworkHandle = {
      profileName: schedulerName,
      cluster: cache,
      listers,
      nominator: queue.nominated,
      waitingPods,
      runner: {
        addPod: (...args) => runner.filter!.addPod(...args),
        removePod: (...args) => runner.filter!.removePod(...args),
        filterWithNominated: (...args) => runner.filter!.filterWithNominated(...args),
        looksAtNodeOnly: (state) => runner.filter!.looksAtNodeOnly(state),
      },
      extenders: extenders.all,
      activate: (pods) => queue.activate(pods.map(({ metadata }) => metadata.uid)),
      client: context.client,
      recorder: context.recorder,
      clock,
      random: context.random,
      log,
      registry: context.registry,
      group: context.group,
    };
    const profile = makeProfile(withIgnoredResources(profileConfiguration, configuration.extenders), factories, handle);
    const time = metrics.pointTimer(schedulerName);
    const pods = new PodScheduler({
      profile,
      cluster: cache,
      nominated: queue.nominated,
      position,
      random: ties,
      percentageOfNodesToScore: configuration.percentageOfNodesToScore,
      extenders: extenders.all.length > 0 ? extenders : undefined,
      nowMs: () => clock.monotonic(),
      onPoint: (point, startedMs) => time(point, (clock.monotonic() - startedMs) / 1000),
    });
    runner.filter = pods.filter;
    profiles.set(schedulerName, { profile, pods });
    queueProfiles.set(schedulerName, new QueueProfile(profile.plugins, profile.preEnqueue));
  }
  // There is one queue: configuration sees to it that all profiles sort it alike.
  const queueSort = [...profiles.values()][0]!.profile.queueSort[0]!;
  const anyProfile = [...queueProfiles.values()][0]!;
  return { queue, profiles, listers, extenders };
}

function makeProfile(configuration: ProfileConfiguration, factories: ReadonlyMap<string, PluginFactory>, handle: FrameworkHandle): Profile {
  const made = new Map<string, Plugin>();
  for (const name of neededPlugins(configuration)) {
    const factory = factories.get(name);
    if (!factory)
      throw new ConfigurationError(
        `initializing profiles: creating profile for scheduler name ${configuration.schedulerName}: ${JSON.stringify(name)} does not exist`,
      );
    const given = configuration.pluginConfig.get(name) ?? {};
    made.set(name, factory.create(factory.defaultArgs?.(given), handle));
  }
  return expandPoints(configuration, made);
}

/** What an extender counts by itself, NodeResourcesFit leaves alone. */
function withIgnoredResources(profile: ProfileConfiguration, extenders: readonly ExtenderConfiguration[]): ProfileConfiguration {
  const ignored = extenders.flatMap(({ managedResources }) =>
    managedResources.flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler ? [name] : [])),
  );
  if (ignored.length === 0) return profile;
  const given = profile.pluginConfig.get(fitPlugin);
  const said = given?.['ignoredResources'];
  const ignoredResources = [...(Array.isArray(said) ? (said as readonly unknown[]) : []), ...ignored];
  return { ...profile, pluginConfig: new Map([...profile.pluginConfig, [fitPlugin, { ...given, ignoredResources }]]) };
}

function schedulerListers(informers: InformerFactory): SchedulerListers {
  return {
    namespaces: informers.informer(corev1Resources.namespaces),
    services: informers.informer(corev1Resources.services),
    replicationControllers: informers.informer(corev1Resources.replicationcontrollers),
    replicaSets: informers.informer(appsv1Resources.replicasets),
    statefulSets: informers.informer(appsv1Resources.statefulsets),
    persistentVolumes: informers.informer(corev1Resources.persistentvolumes),
    persistentVolumeClaims: informers.informer(corev1Resources.persistentvolumeclaims),
    storageClasses: informers.informer(storagev1Resources.storageclasses),
    csiNodes: informers.informer(storagev1Resources.csinodes),
    csiDrivers: informers.informer(storagev1Resources.csidrivers),
    csiStorageCapacities: informers.informer(storagev1Resources.csistoragecapacities),
    volumeAttachments: informers.informer(storagev1Resources.volumeattachments),
    podDisruptionBudgets: informers.informer(policyv1Resources.poddisruptionbudgets),
  };
}
