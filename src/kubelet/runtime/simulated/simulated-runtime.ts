/**
 * An engine that runs nothing: sandboxes and containers are records that change when the clock says so. It keeps the contract of
 * `runtime.ts`, for scale tests and virtual time; nothing ever falls back to it.
 */
import type { Clock } from '../../../base/index.ts';
import {
  type CallOptions,
  type ContainerConfig,
  type ContainerFilter,
  type EngineContainerState,
  type EngineContainerStatus,
  type EngineImage,
  type ImageService,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type Runtime,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeService,
  type StringMap,
} from '../runtime.ts';
import { EventFeed } from './event-feed.ts';

/** What a container does once it is started. Default: it runs until it is stopped and ends with 0 at once. */
export interface ContainerScript {
  /** Ends by itself after this long. */
  readonly exitAfterMs?: number;
  readonly exitCode?: number;
  /** Stays until it is killed. */
  readonly ignoresStop?: boolean;
  /** CreateContainer fails with this text. */
  readonly createFails?: string;
  /** StartContainer fails with this text. */
  readonly startFails?: string;
}

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** How long the engine takes; all default to 0. */
  readonly latency?: { readonly sandboxMs?: number; readonly createMs?: number; readonly startMs?: number; readonly pullMs?: number };
  readonly script?: (container: ContainerConfig, sandbox: PodSandboxConfig) => ContainerScript;
  /** False: pulling it fails as not found. Default: every image exists. */
  readonly imageExists?: (image: string) => boolean;
  /** First three parts of pod addresses; default `10.244.0`. */
  readonly podNetwork?: string;
}

interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAt: bigint;
  readonly ip: string;
  ready: boolean;
}

interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly script: ContainerScript;
  readonly createdAt: bigint;
  readonly stopped: PromiseWithResolvers<void>;
  state: EngineContainerState;
  startedAt: bigint;
  finishedAt: bigint;
  exitCode: number;
  reason: string;
  message: string;
}

/** An engine whose state a test can look into and disturb. */
export interface SimulatedRuntime extends Runtime {
  /** The pause process of a sandbox dies. */
  killSandbox(id: string): void;
  /** A container ends by itself now. */
  exitContainer(id: string, exitCode: number): void;
}

export function createSimulatedRuntime(options: SimulatedRuntimeOptions): SimulatedRuntime {
  const engine = new SimulatedEngine(options);
  return {
    runtime: engine,
    images: simulatedImages(options),
    killSandbox: (id) => engine.killSandbox(id),
    exitContainer: (id, exitCode) => engine.end(id, exitCode, exitCode === 0 ? 'Completed' : 'Error'),
    close: () => Promise.resolve(),
  };
}

/** Of a /24, whose first address is the gateway's. */
const firstHost = 2;
const lastHost = 254;

class SimulatedEngine implements RuntimeService {
  readonly #options: SimulatedRuntimeOptions;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #feed = new EventFeed<RuntimeEvent>();
  #ids = 0;
  /** Last part of the address that was given last. */
  #lastHost = firstHost - 1;

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options;
  }

  version(): ReturnType<RuntimeService['version']> {
    return Promise.resolve({ name: 'simulated', version: '1.0.0', apiVersion: 'v1' });
  }

  status(): ReturnType<RuntimeService['status']> {
    const condition = (type: string) => ({ type, status: true, reason: '', message: '' });
    return Promise.resolve({
      conditions: [condition('RuntimeReady'), condition('NetworkReady')],
      handlers: [],
      supplementalGroupsPolicy: false,
    });
  }

  updatePodCidr(): Promise<void> {
    return Promise.resolve();
  }

  async runPodSandbox(config: PodSandboxConfig, { signal }: CallOptions): Promise<string> {
    const name = sandboxName(config);
    for (const other of this.#sandboxes.values()) {
      if (sandboxName(other.config) !== name) continue;
      throw new RuntimeError('Unknown', `failed to reserve sandbox name "${name}": name "${name}" is reserved for "${other.id}"`);
    }
    await this.#take('sandboxMs', signal);
    const id = this.#newId();
    const ip = config.security.namespaces.network === 'node' ? '' : this.#freeAddress();
    this.#sandboxes.set(id, { id, config, createdAt: this.#now(), ip, ready: true });
    this.#feed.push({ containerId: id, type: 'started' });
    return id;
  }

  async stopPodSandbox(id: string, options: CallOptions): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const container of this.#containers.values()) {
      if (container.sandboxId === id) await this.stopContainer(container.id, 0, options);
    }
    this.killSandbox(id);
  }

  async removePodSandbox(id: string, options: CallOptions): Promise<void> {
    await this.stopPodSandbox(id, options);
    for (const container of this.#containers.values()) if (container.sandboxId === id) this.#containers.delete(container.id);
    this.#sandboxes.delete(id);
  }

  async podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    return Promise.resolve(sandboxStatus(found(this.#sandboxes.get(id), 'sandbox', id)));
  }

  listPodSandboxes({ id, labels }: { readonly id?: string; readonly labels?: StringMap }): Promise<readonly PodSandboxStatus[]> {
    const all = [...this.#sandboxes.values()].filter(
      (each) => (id === undefined || each.id === id) && hasLabels(each.config.labels, labels),
    );
    return Promise.resolve(all.map(sandboxStatus));
  }

  async createContainer(
    { sandboxId, config }: { readonly sandboxId: string; readonly config: ContainerConfig },
    { signal }: CallOptions,
  ): Promise<string> {
    const sandbox = found(this.#sandboxes.get(sandboxId), 'sandbox', sandboxId);
    if (!sandbox.ready) throw new RuntimeError('Unknown', `sandbox container "${sandboxId}" is not running`);
    await this.#take('createMs', signal);
    const script = this.#options.script?.(config, sandbox.config) ?? {};
    if (script.createFails !== undefined) throw new RuntimeError('Unknown', script.createFails);
    const id = this.#newId();
    this.#containers.set(id, {
      id,
      sandboxId,
      config,
      script,
      createdAt: this.#now(),
      stopped: Promise.withResolvers(),
      state: 'created',
      startedAt: 0n,
      finishedAt: 0n,
      exitCode: 0,
      reason: '',
      message: '',
    });
    this.#feed.push({ containerId: id, type: 'created' });
    return id;
  }

  async startContainer(id: string, { signal }: CallOptions): Promise<void> {
    const container = found(this.#containers.get(id), 'container', id);
    if (container.state !== 'created') throw new RuntimeError('Unknown', `container "${id}" is in ${container.state} state`);
    await this.#take('startMs', signal);
    const { startFails, exitAfterMs, exitCode = 0 } = container.script;
    if (startFails !== undefined) {
      container.message = startFails;
      this.end(id, 128, 'StartError');
      throw new RuntimeError('Unknown', startFails);
    }
    container.state = 'running';
    container.startedAt = this.#now();
    this.#feed.push({ containerId: id, type: 'started' });
    if (exitAfterMs === undefined) return;
    this.#options.clock.setTimer(exitAfterMs, () => this.end(id, exitCode, exitCode === 0 ? 'Completed' : 'Error'));
  }

  async stopContainer(id: string, graceSeconds: number, { signal }: CallOptions): Promise<void> {
    const container = this.#containers.get(id);
    if (!container || container.state === 'exited') return;
    if (container.state === 'created' || !container.script.ignoresStop) {
      this.end(id, container.script.exitCode ?? 0, 'Completed');
      return;
    }
    const wait = new AbortController();
    await Promise.race([
      container.stopped.promise,
      this.#options.clock.sleep(graceSeconds * 1000, AbortSignal.any([signal, wait.signal])).catch((error: unknown) => {
        if (!wait.signal.aborted) throw error;
      }),
    ]);
    wait.abort();
    this.end(id, 137, 'Error');
  }

  removeContainer(id: string): Promise<void> {
    this.end(id, 137, 'Error');
    this.#containers.delete(id);
    return Promise.resolve();
  }

  listContainers({ id, sandboxId, labels }: ContainerFilter): ReturnType<RuntimeService['listContainers']> {
    const all = [...this.#containers.values()].filter(
      (each) =>
        (id === undefined || each.id === id) &&
        (sandboxId === undefined || each.sandboxId === sandboxId) &&
        hasLabels(each.config.labels, labels),
    );
    return Promise.resolve(
      all.map((each) => {
        const { metadata, image, labels: own, annotations } = each.config;
        const shared = { id: each.id, sandboxId: each.sandboxId, metadata, state: each.state, createdAt: each.createdAt };
        return { ...shared, image: image.image, imageRef: image.image, imageId: image.image, labels: own, annotations };
      }),
    );
  }

  async containerStatus(id: string): Promise<EngineContainerStatus> {
    const container = found(this.#containers.get(id), 'container', id);
    const { config, state, createdAt, startedAt, finishedAt, exitCode, reason, message } = container;
    const sandbox = this.#sandboxes.get(container.sandboxId);
    return Promise.resolve({
      id,
      metadata: config.metadata,
      state,
      createdAt,
      startedAt,
      finishedAt,
      exitCode,
      image: config.image.userSpecifiedImage || config.image.image,
      imageRef: config.image.image,
      imageId: config.image.image,
      reason,
      message,
      labels: config.labels,
      annotations: config.annotations,
      mounts: config.mounts,
      logPath: `${sandbox?.config.logDirectory ?? ''}/${config.logPath}`,
      resources: config.resources,
    });
  }

  updateContainerResources(id: string): Promise<void> {
    found(this.#containers.get(id), 'container', id);
    return Promise.resolve();
  }

  reopenContainerLog(id: string): Promise<void> {
    found(this.#containers.get(id), 'container', id);
    return Promise.resolve();
  }

  execSync({ containerId }: { readonly containerId: string }): ReturnType<RuntimeService['execSync']> {
    const { state } = found(this.#containers.get(containerId), 'container', containerId);
    if (state !== 'running') return Promise.reject(new RuntimeError('Unknown', `container is in ${state} state`));
    return Promise.resolve({ stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: 0 });
  }

  exec(): Promise<string> {
    return Promise.reject(new RuntimeError('Unimplemented', 'a simulated container has nothing to run'));
  }

  attach(): Promise<string> {
    return Promise.reject(new RuntimeError('Unimplemented', 'a simulated container has no streams'));
  }

  portForward(): Promise<string> {
    return Promise.reject(new RuntimeError('Unimplemented', 'a simulated sandbox has no network'));
  }

  containerStats(id: string): ReturnType<RuntimeService['containerStats']> {
    return Promise.resolve(this.#stats(found(this.#containers.get(id), 'container', id)));
  }

  listContainerStats(): ReturnType<RuntimeService['listContainerStats']> {
    return Promise.resolve([...this.#containers.values()].filter(({ state }) => state === 'running').map((each) => this.#stats(each)));
  }

  listPodSandboxStats(): ReturnType<RuntimeService['listPodSandboxStats']> {
    return Promise.resolve(
      [...this.#sandboxes.values()].map(({ id, config }) => ({
        id,
        metadata: config.metadata,
        labels: config.labels,
        interfaces: [],
        containers: [...this.#containers.values()].filter(({ sandboxId }) => sandboxId === id).map((each) => this.#stats(each)),
      })),
    );
  }

  events({ signal }: CallOptions): AsyncIterable<RuntimeEvent> {
    return this.#feed.follow(signal);
  }

  killSandbox(id: string): void {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox?.ready) return;
    sandbox.ready = false;
    this.#feed.push({ containerId: id, type: 'stopped' });
  }

  end(id: string, exitCode: number, reason: string): void {
    const container = this.#containers.get(id);
    if (!container || container.state === 'exited') return;
    container.state = 'exited';
    container.exitCode = exitCode;
    container.reason = reason;
    container.finishedAt = this.#now();
    container.stopped.resolve();
    this.#feed.push({ containerId: id, type: 'stopped' });
  }

  #stats({ id, config }: ContainerRecord): Awaited<ReturnType<RuntimeService['containerStats']>> {
    const timestamp = this.#now();
    return {
      id,
      metadata: config.metadata,
      labels: config.labels,
      cpu: { timestamp, usageCoreNanoSeconds: 0n, usageNanoCores: 0n },
      memory: { timestamp, workingSetBytes: 0n, usageBytes: 0n, rssBytes: 0n },
    };
  }

  /** The next address that no sandbox has; one that was given back rests until all others had their turn, as with host-local. */
  #freeAddress(): string {
    const { podNetwork = '10.244.0' } = this.#options;
    const taken = new Set([...this.#sandboxes.values()].map(({ ip }) => ip));
    for (let tries = firstHost; tries <= lastHost; tries++) {
      this.#lastHost = this.#lastHost >= lastHost ? firstHost : this.#lastHost + 1;
      const ip = `${podNetwork}.${this.#lastHost}`;
      if (!taken.has(ip)) return ip;
    }
    throw new RuntimeError(
      'Unknown',
      `failed to allocate for range 0: no IP addresses available in range set: ${podNetwork}.1-${podNetwork}.254`,
    );
  }

  async #take(what: 'sandboxMs' | 'createMs' | 'startMs', signal: AbortSignal): Promise<void> {
    const delayMs = this.#options.latency?.[what] ?? 0;
    if (delayMs > 0) await this.#options.clock.sleep(delayMs, signal);
  }

  #newId(): string {
    return (++this.#ids).toString(16).padStart(64, '0');
  }

  /** Different for everything that is made in the same millisecond, so that “newest” has a meaning. */
  #now(): bigint {
    return BigInt(Math.floor(this.#options.clock.now())) * 1_000_000n + BigInt(this.#ids % 1_000_000);
  }
}

function sandboxName({ metadata: { name, namespace, uid, attempt } }: PodSandboxConfig): string {
  return `${name}_${namespace}_${uid}_${attempt}`;
}

function sandboxStatus({ id, config, createdAt, ip, ready }: SandboxRecord): PodSandboxStatus {
  return {
    id,
    metadata: config.metadata,
    state: ready ? 'ready' : 'notReady',
    createdAt,
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: '',
    ips: ip === '' ? [] : [ip],
    namespaces: config.security.namespaces,
  };
}

function hasLabels(labels: StringMap, wanted: StringMap = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function found<T>(record: T | undefined, what: string, id: string): T {
  if (record === undefined) throw new RuntimeError('NotFound', `an error occurred when try to find ${what} "${id}": not found`);
  return record;
}

function simulatedImages({ clock, latency, imageExists = () => true }: SimulatedRuntimeOptions): ImageService {
  const images = new Map<string, EngineImage>();
  const idOf = (name: string): string => `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
  return {
    listImages: () => Promise.resolve([...images.values()]),
    imageStatus: ({ image }) =>
      Promise.resolve(images.get(image) ?? [...images.values()].find(({ id, repoDigests }) => id === image || repoDigests.includes(image))),
    pullImage: async ({ image: { image } }, { signal }) => {
      if (latency?.pullMs) await clock.sleep(latency.pullMs, signal);
      if (!imageExists(image)) {
        throw new RuntimeError(
          'NotFound',
          `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`,
        );
      }
      const id = idOf(image);
      images.set(image, { id, repoTags: [image], repoDigests: [`${image}@${id}`], sizeBytes: 1_000_000n, username: '', pinned: false });
      return id;
    },
    removeImage: ({ image }) => {
      for (const [name, { id }] of images) if (name === image || id === image) images.delete(name);
      return Promise.resolve();
    },
    imageFsInfo: () => Promise.resolve([]),
  };
}
