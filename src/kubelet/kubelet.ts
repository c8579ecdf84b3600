/**
 * The kubelet put together: sources of pods on one side, the engine on the other, a worker for each pod between them, and beside them
 * what keeps the node itself in order. Everything that runs belongs to one task group; closing it stops watching and writing and
 * leaves the containers running.
 */
import { type corev1, corev1Resources, type nodev1, nodev1Resources } from '../api/index.ts';
import { type Clock, type Ctx, isAbort, type Logger, type Random, type Registry, TaskGroup } from '../base/index.ts';
import { type Client, createEventRecorder, type EventRecorder, type Informer, type InformerFactory } from '../client/index.ts';
import type { KubeletConfig } from './config.ts';
import { imageVolumesRefusal } from './containers/image-volumes.ts';
import { createNodeResolver } from './containers/node-resolver.ts';
import { EvictionManager } from './eviction/eviction-manager.ts';
import type { KubeletHost } from './host/host.ts';
import { ImageCollector } from './images/image-collector.ts';
import { ImagePuller } from './images/image-puller.ts';
import { Slots } from './images/slots.ts';
import { createKubeletMetrics, measuredRuntime, noMetrics } from './kubelet-metrics.ts';
import { admitPod, resizeRefusal } from './node/admission.ts';
import { keepNodeLease } from './node/lease.ts';
import { nodeAllocatable, nodeCapacity } from './node/machine-resources.ts';
import { NodeManager } from './node/node-manager.ts';
import { PodViews } from './pleg/pod-views.ts';
import { CrashBackoff } from './pods/crash-backoff.ts';
import { removeOrphans } from './pods/orphans.ts';
import { isMirrorPod } from './pods/pod-names.ts';
import type { PodServices } from './pods/pod-services.ts';
import { PodWorkers } from './pods/pod-workers.ts';
import { ProbeVerdicts } from './pods/probe-verdicts.ts';
import { readPullSecrets, runtimeHandler } from './pods/referenced-by-pods.ts';
import { StaticPods } from './pods/static-pods.ts';
import type { Runtime } from './runtime/runtime.ts';
import type {
  ContainerLogOptions,
  ContainerLogs,
  Environment,
  KubeletDeps as NeighbourDeps,
  KubeletServer,
  KubeletServerOptions,
  PodLookup,
  Prober,
  ProbeListener,
  VolumeManager,
  VolumeManagerDeps,
} from './seams.ts';
import { StatusManager } from './status/status-manager.ts';

/** The parts that touch more than the engine; simulated nodes have simple ones. */
export interface KubeletParts {
  readonly volumes: (deps: VolumeManagerDeps) => VolumeManager;
  readonly environment: (deps: NeighbourDeps) => Environment;
  readonly prober: (deps: NeighbourDeps, listener: ProbeListener) => Prober;
  readonly logs: (deps: NeighbourDeps, options: ContainerLogOptions) => ContainerLogs;
  readonly server: (deps: NeighbourDeps, options: KubeletServerOptions, ctx: Ctx) => Promise<KubeletServer>;
}

export interface AssemblyDeps {
  readonly client: Client;
  /** Started by the kubelet for what it asks for; the owner stops it. */
  readonly informers: InformerFactory;
  readonly engine: Runtime;
  readonly host: KubeletHost;
  readonly parts: KubeletParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry?: Registry;
  /** Default: one of its own. */
  readonly recorder?: EventRecorder;
  /** Resolves when containers of a pod at these addresses may start; default: at once. */
  readonly guardPod?: PodServices['guardPod'];
  /** The node's pod ranges, each time they change; the network room renders CNI from them. */
  readonly onPodCidrs?: (cidrs: readonly string[]) => void;
}

export interface Kubelet {
  readonly pods: PodLookup;
  /** The node as last read or written. */
  node(): corev1.Node | undefined;
  /** Port of the HTTPS server; 0 without one. */
  readonly port: number;
  /** Stops the kubelet; containers go on. */
  close(): Promise<void>;
}

/** Starts the kubelet; it runs until `close()` or until `ctx.signal` aborts. */
export async function assembleKubelet(config: KubeletConfig, deps: AssemblyDeps, ctx: Ctx): Promise<Kubelet> {
  const assembly = new Assembly(config, deps, ctx);
  await assembly.start();
  return {
    pods: assembly.workers,
    node: () => assembly.nodes.node,
    port: assembly.port,
    close: () => assembly.close(),
  };
}

class Assembly {
  readonly #config: KubeletConfig;
  readonly #deps: AssemblyDeps;
  readonly #log: Logger;
  readonly #group: TaskGroup;
  readonly #recorder: EventRecorder;
  readonly #neighbours: NeighbourDeps;
  readonly #podInformer: Informer<corev1.Pod>;
  readonly #nodeInformer: Informer<corev1.Node>;
  readonly #runtimeClasses: Informer<nodev1.RuntimeClass>;
  readonly #views: PodViews;
  readonly #services: PodServices;
  readonly #eviction: EvictionManager;
  readonly #images: ImageCollector;
  readonly #allocatable: Readonly<Record<string, string>>;
  readonly #static: StaticPods;
  readonly workers: PodWorkers;
  readonly nodes: NodeManager;
  #server: KubeletServer | undefined;
  #podCidrs = '';
  #imageFsPath: string | undefined;

  constructor(config: KubeletConfig, given: AssemblyDeps, { signal, log }: Ctx) {
    const deps = given.registry
      ? { ...given, engine: measuredRuntime(given.engine, { registry: given.registry, clock: given.clock }) }
      : given;
    this.#config = config;
    this.#deps = deps;
    this.#log = log;
    this.#group = new TaskGroup({ log, signal });
    const { client, clock, random, engine, host, parts, informers } = deps;
    this.#recorder =
      deps.recorder ??
      createEventRecorder({
        client,
        component: 'kubelet',
        host: config.nodeName,
        clock,
        random,
        group: this.#group,
        ...(deps.registry && { registry: deps.registry }),
      });
    this.#neighbours = {
      client,
      clock,
      random,
      log,
      recorder: this.#recorder,
      runtime: engine.runtime,
      images: engine.images,
      nodeName: config.nodeName,
      rootDir: config.rootDir,
    };
    this.#podInformer = informers.informer(corev1Resources.pods, { fieldSelector: `spec.nodeName=${config.nodeName}` });
    this.#nodeInformer = informers.informer(corev1Resources.nodes, { fieldSelector: `metadata.name=${config.nodeName}` });
    this.#runtimeClasses = informers.informer(nodev1Resources.runtimeclasses);
    const reservations = { ...config, thresholds: config.evictionHard };
    this.#allocatable = nodeAllocatable(host.machine, reservations);
    this.#views = new PodViews({
      runtime: engine.runtime,
      clock,
      log,
      relistMs: config.relistMs,
      relistWithEventsMs: config.relistWithEventsMs,
      onChange: ({ uid }) => this.workers.worker(uid)?.wakeByEngine(),
    });
    const metrics = deps.registry
      ? createKubeletMetrics({
          registry: deps.registry,
          runningPods: () => this.workers.active().length,
          runningContainers: () => this.workers.runningContainers().length,
        })
      : noMetrics;
    const verdicts = new ProbeVerdicts();
    const lookup: PodLookup = lookupOf(() => this.workers);
    const statuses = new StatusManager({ client, clock, log, group: this.#group, apiPod: (uid) => this.#static.apiPod(uid) });
    this.#static = new StaticPods({
      client,
      group: this.#group,
      informer: this.#podInformer,
      workers: () => this.workers,
      statuses: () => statuses,
      node: () => this.nodes.node,
    });
    this.#services = {
      settings: {
        podLogsDir: config.podLogsDir,
        clusterDns: config.clusterDns,
        clusterDomain: config.clusterDomain,
        seccompRoot: `${config.rootDir}/seccomp`,
        seccompDefault: config.seccompDefault,
        podPidsLimit: config.podPidsLimit,
        retry: config.retryBackoff,
        resyncMs: config.syncMs,
      },
      clock,
      random,
      metrics,
      recorder: this.#recorder,
      runtime: engine.runtime,
      runtimeName: () => this.nodes.runtimeVersion?.name ?? 'containerd',
      host,
      puller: new ImagePuller({
        images: engine.images,
        recorder: this.#recorder,
        clock,
        backoff: config.imageBackoff,
        maxParallelPulls: config.maxParallelPulls,
      }),
      views: this.#views,
      statuses,
      volumes: parts.volumes({
        ...this.#neighbours,
        pods: lookup,
        nodeAllocatable: () => this.#allocatable,
        hostIps: () => config.nodeIps,
        refreshMs: config.volumeRefreshMs,
        node: () => this.nodes.node,
        localPathDir: config.localPathDir,
      }),
      environment: parts.environment(this.#neighbours),
      prober: parts.prober(this.#neighbours, (report) => {
        verdicts.report(report);
        this.workers.worker(report.podUid)?.wake();
      }),
      logs: parts.logs(this.#neighbours, {
        pods: lookup,
        maxSizeBytes: config.logMaxBytes,
        maxFiles: config.logMaxFiles,
        checkMs: config.logCheckMs,
      }),
      probes: verdicts,
      backoff: new CrashBackoff(config.crashBackoff, clock),
      startSlots: new Slots(config.maxParallelStarts),
      hostIps: () => config.nodeIps,
      nodeAllocatable: () => this.#allocatable,
      nodeDns: createNodeResolver({ ...config, readResolvConf: () => host.readResolvConf() }),
      guardPod: deps.guardPod ?? (async () => {}),
      networkUnready: () => this.nodes.networkFault(),
      imageVolumesRefusal: () => imageVolumesRefusal(this.nodes.runtimeVersion),
      recursiveReadOnly: () => this.nodes.runtimeStatus?.handlers.some(({ recursiveReadOnlyMounts }) => recursiveReadOnlyMounts) ?? false,
      refuseResize: (pod) =>
        resizeRefusal({
          pod,
          others: this.workers.active().filter(({ metadata }) => metadata.uid !== pod.metadata.uid),
          allocatable: this.#allocatable,
        }),
      podsChanged: () => host.cgroups.balance(this.workers.active()),
      pullSecrets: (pod, podCtx) => readPullSecrets(pod, { client, recorder: this.#recorder }, podCtx),
      runtimeHandler: (pod) => runtimeHandler(pod, { classes: this.#runtimeClasses, recorder: this.#recorder }),
    };
    this.workers = new PodWorkers({
      services: this.#services,
      group: this.#group,
      log,
      admit: (pod, others) =>
        admitPod({
          pod,
          node: this.nodes.node,
          others,
          allocatable: this.#allocatable,
          appArmor: host.appArmor,
          allowedUnsafeSysctls: config.allowedUnsafeSysctls,
          pressures: this.#eviction.pressures(),
        }),
    });
    this.#images = new ImageCollector({
      images: engine.images,
      runtime: engine.runtime,
      clock,
      recorder: this.#recorder,
      node: () => this.nodes.node,
      imageFs: async () => (await host.readings(this.#imageFsPath)).imageFs,
      highPercent: config.imageHighPercent,
      lowPercent: config.imageLowPercent,
      minAgeMs: config.imageMinAgeMs,
      periodMs: config.imageCheckMs,
    });
    this.#eviction = new EvictionManager({
      host,
      clock,
      recorder: this.#recorder,
      thresholds: config.evictionHard,
      periodMs: config.evictionPeriodMs,
      transitionMs: config.evictionTransitionMs,
      imageFsPath: () => this.#imageFsPath,
      activePods: () => this.workers.active(),
      reclaimDisk: (evictionCtx) => this.#images.removeAllUnused(evictionCtx),
      evict: (pod, verdict, graceSeconds, resource) => {
        metrics.podEvicted(resource);
        this.workers.worker(pod.metadata.uid)?.fail(verdict, graceSeconds);
      },
      onChange: () => this.nodes.wake(),
    });
    this.nodes = new NodeManager({
      client,
      clock,
      recorder: this.#recorder,
      runtime: engine.runtime,
      images: engine.images,
      identity: {
        nodeName: config.nodeName,
        nodeIps: config.nodeIps,
        hostname: config.hostname,
        labels: config.nodeLabels,
        taints: config.registerWithTaints,
        providerId: config.providerId,
        unschedulable: config.unschedulable,
      },
      machine: host.machine,
      capacity: nodeCapacity(host.machine, config.maxPods),
      allocatable: this.#allocatable,
      version: config.version,
      register: config.registerNode,
      kubeletPort: () => this.port,
      pressures: () => this.#eviction.pressures(),
      faults: () => {
        const fault = this.#views.unhealthy();
        return fault === undefined ? [] : [`PLEG is not healthy: ${fault}`];
      },
      stored: () => this.#nodeInformer.get({ name: config.nodeName }),
      updateMs: config.nodeStatusUpdateMs,
      reportMs: config.nodeStatusReportMs,
      onRuntimeStatus: () => {
        for (const pod of this.workers.list()) this.workers.worker(pod.metadata.uid)?.wake();
      },
    });
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async start(): Promise<void> {
    const { clock, host, informers } = this.#deps;
    const config = this.#config;
    const ctx: Ctx = { signal: this.#group.signal, log: this.#log };
    const { cpuMillis } = host.machine;
    await host.prepare();
    host.cgroups.prepare({ cpuMillis, memoryBytes: host.machine.memoryBytes });
    if (config.server) {
      const options: KubeletServerOptions = {
        ...config.server,
        pods: this.workers,
        node: () => this.nodes.node,
        healthy: () => this.#healthy(),
        ...(this.#deps.registry && { registry: this.#deps.registry }),
      };
      this.#server = await this.#deps.parts.server(this.#neighbours, options, ctx);
    }
    this.#services.volumes.start(ctx);
    this.#services.logs.start(ctx);
    this.#spawn('engine list', (task) => this.#views.run(task));
    this.#spawn('engine events', (task) => this.#views.listen(task));
    this.#spawn('node status', (task) => this.nodes.run(task));
    this.#spawn('node lease', (task) =>
      keepNodeLease(
        {
          client: this.#deps.client,
          clock,
          nodeName: config.nodeName,
          node: () => this.nodes.node,
          durationSeconds: config.leaseDurationSeconds,
        },
        task,
      ),
    );
    this.#spawn('eviction', (task) => this.#eviction.run(task));
    this.#spawn('image collector', (task) => this.#images.run(task));
    if (config.manifestDir !== undefined) {
      const { nodeName, manifestCheckMs } = config;
      this.#static.start({ directory: config.manifestDir, nodeName, clock, checkMs: manifestCheckMs });
    }
    this.#watch();
    informers.start();
    this.#spawn('housekeeping', (task) => this.#housekeeping(task));
  }

  async close(): Promise<void> {
    await this.#group.close();
    await this.#services.prober.close();
    await this.#server?.close();
  }

  #spawn(name: string, run: (ctx: Ctx) => Promise<void>): void {
    this.#group.spawn(`kubelet ${name}`, run);
  }

  #watch(): void {
    this.#podInformer.addHandler({
      added: (pod) => this.#observed(pod),
      updated: (_, pod) => this.#observed(pod),
      deleted: (pod) => {
        if (isMirrorPod(pod)) this.#static.mirrorDeleted(pod);
        else this.workers.remove(pod.metadata.uid);
      },
    });
    const onNode = (node: corev1.Node): void => {
      const cidrs = node.spec.podCIDRs ?? (node.spec.podCIDR ? [node.spec.podCIDR] : []);
      if (cidrs.length === 0 || cidrs.join() === this.#podCidrs) return;
      this.#podCidrs = cidrs.join();
      this.#deps.onPodCidrs?.(cidrs);
      // Engines that make their own network file want the range from us; the others ignore it.
      this.#spawn('pod range', (task) => this.#deps.engine.runtime.updatePodCidr(cidrs.join(','), task));
      this.nodes.wake();
    };
    this.#nodeInformer.addHandler({ added: onNode, updated: (_, node) => onNode(node) });
  }

  #observed(pod: corev1.Pod): void {
    if (isMirrorPod(pod)) this.#static.observed(pod);
    else this.workers.apply(pod);
  }

  /** Waits until all sources were read once: before that nobody can say who is an orphan. */
  async #housekeeping(ctx: Ctx): Promise<void> {
    const { clock, engine } = this.#deps;
    await this.#podInformer.whenSynced(ctx.signal);
    for (;;) {
      try {
        const [fs] = await engine.images.imageFsInfo(ctx);
        this.#imageFsPath = fs?.mountpoint;
        await removeOrphans((uid) => this.workers.byUid(uid) !== undefined || this.#static.has(uid), this.#services, ctx);
        this.#static.refresh();
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.warn('housekeeping did not finish', { err });
      }
      await clock.sleep(this.#config.housekeepingMs, ctx.signal);
    }
  }

  #healthy(): { readonly ok: boolean; readonly message: string } {
    const fault = this.#views.unhealthy();
    return fault === undefined ? { ok: true, message: 'ok' } : { ok: false, message: fault };
  }
}

/** The workers need their neighbours and the neighbours the workers: this looks through to them when asked. */
function lookupOf(workers: () => PodWorkers): PodLookup {
  return {
    byUid: (uid) => workers().byUid(uid),
    byName: (namespace, name) => workers().byName(namespace, name),
    list: () => workers().list(),
    status: (uid) => workers().status(uid),
    sandboxId: (uid) => workers().sandboxId(uid),
    containerId: (uid, name, previous) => workers().containerId(uid, name, previous),
    logPath: (uid, name, previous) => workers().logPath(uid, name, previous),
    runningContainers: () => workers().runningContainers(),
  };
}
