/**
 * A whole cluster in this process: store in memory, API server, controllers, scheduler and simulated nodes, joined by transports
 * without sockets. On a virtual clock nothing moves until it is turned, and two runs of a seed are the same run.
 */
import { corev1Resources, getCondition } from '../api/index.ts';
import type { UserInfo } from '../apiserver/index.ts';
import {
  type Clock,
  knarrVersion,
  type Logger,
  type Random,
  seededRandom,
  silentLogger,
  systemClock,
  VirtualClock,
} from '../base/index.ts';
import { type Client, createClient, type Transport } from '../client/index.ts';
import { type ListeningApiServer, type Managers, type ManagerSettings, startApiServer, startManagers } from '../controlplane/index.ts';
import { createMemoryStore, type Store } from '../store/index.ts';
import { type Change, Changes } from './changes.ts';
import { TestClusterError } from './errors.ts';
import { Faults } from './faults.ts';
import { administrator, createServingIdentity, createTokens, type ServingIdentity } from './identities.ts';
import { type SimulatedNode, type SimulatedNodeOptions, startSimulatedNode } from './simulated-node.ts';
import { simulatedUsage, type UsageOf } from './simulated-usage.ts';

export interface ClusterOptions {
  /** How many simulated nodes, named `node-1`, `node-2` …; default 1. */
  readonly nodes?: number;
  /** How they behave; each is asked for by its name. */
  readonly node?: SimulatedNodeOptions | ((name: string) => SimulatedNodeOptions);
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Of all that chance decides, names and uids among it; default 1. */
  readonly seed?: number;
  /** Serves on a port of 127.0.0.1 too, for clients of any kind; see `kubeconfig`. Default false. */
  readonly listen?: boolean;
  /** Periods and limits of the controllers; each has upstream's default. */
  readonly controllers?: ManagerSettings['controllers'];
  readonly scheduler?: ManagerSettings['scheduler'];
  /** False: neither controllers nor scheduler are started; whoever wants some starts them over `transportFor`. */
  readonly managers?: boolean;
  /** What containers use; left out: `metrics.k8s.io` is not served. */
  readonly usage?: UsageOf;
  /** How long events are kept; default one hour. */
  readonly eventTtlSeconds?: number;
  /** Default: nothing is logged. */
  readonly log?: Logger;
  /** Called with every write that became visible, from the first on; must not throw. */
  readonly onChange?: (change: Change) => void;
}

export interface Cluster extends AsyncDisposable {
  /** The administrator, in this process. */
  readonly client: Client;
  readonly clock: Clock;
  /** Aborts when the cluster closes. */
  readonly signal: AbortSignal;
  readonly nodes: readonly SimulatedNode[];
  /** What goes wrong between controllers and scheduler on one side and the API server on the other. */
  readonly faults: Faults;
  readonly store: Store;
  /** A client for anyone else. */
  clientFor(user: UserInfo): Client;
  /** A way to the API server for anyone else, under the name of a program. */
  transportFor(user: UserInfo, userAgent?: string): Transport;
  /** @throws TestClusterError when the cluster does not listen */
  kubeconfig(): string;
  /** One more node; resolves when its kubelet runs. */
  addNode(options?: SimulatedNodeOptions): Promise<SimulatedNode>;
  /** Turns the virtual clock. @throws TestClusterError on another clock */
  advance(durationMs: number): Promise<void>;
  /**
   * Waits until `done` holds, looking after every change of the world; a virtual clock is turned meanwhile.
   * @param limitMs of the cluster's clock; default ten minutes
   * @throws TestClusterError naming `what` when the limit passes first
   */
  until(what: string, done: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  /** Controllers and scheduler end, as when their process dies, until they are started again. */
  stopManagers(): Promise<void>;
  startManagers(): void;
  /** The API server ends with all its watches and starts anew on the same store; it keeps its port. */
  restartApiServer(): Promise<void>;
  /** Names of what runs in the background; empty once the cluster is closed. */
  readonly running: readonly string[];
  close(): Promise<void>;
}

const podCidr = '10.244.0.0/16';
const serviceCidr = '10.96.0.0/16';
const apiServiceIp = '10.96.0.1';
/** Where pods of a real cluster would find the API server; nothing answers there. */
const advertised = { ip: '192.168.0.1', port: 6443 };
const loopback = '127.0.0.1';
const defaultLimitMs = 600_000;
/** On a clock that leaps, a minute is over before a request has crossed a real socket. */
const requestTimeoutMs = 86_400_000;

/** Resolves when every node is ready and pods can be created in `default`. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const names = { hosts: ['localhost'], addresses: [loopback, apiServiceIp] };
  const cluster = new InProcessCluster(options, options.listen ? await createServingIdentity(names) : undefined);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

class InProcessCluster implements Cluster {
  readonly clock: Clock;
  readonly client: Client;
  readonly store: Store;
  readonly faults: Faults;
  readonly #options: ClusterOptions;
  readonly #tokens = createTokens();
  readonly #identity: ServingIdentity | undefined;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #nodes: SimulatedNode[] = [];
  #changes: Changes | undefined;
  #server: ListeningApiServer | undefined;
  #managers: Managers | undefined;
  #port = 0;

  constructor(options: ClusterOptions, identity: ServingIdentity | undefined) {
    this.#options = options;
    this.#identity = identity;
    this.clock = options.clock ?? systemClock;
    this.#random = seededRandom(options.seed ?? 1);
    this.#log = options.log ?? silentLogger;
    this.store = createMemoryStore({ clock: this.clock, log: this.#log });
    this.faults = new Faults(this.#random);
    this.client = this.clientFor(administrator);
  }

  async start(): Promise<void> {
    const { nodes = 1, managers = true, onChange } = this.#options;
    this.#changes = await Changes.follow(this.store, this.clock, onChange);
    await this.#startApiServer();
    if (!managers) return;
    this.startManagers();
    for (let i = 0; i < nodes; i++) await this.addNode();
    await this.until('nodes are ready and pods can be created', () => this.#isReady());
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get nodes(): readonly SimulatedNode[] {
    return this.#nodes;
  }

  get running(): readonly string[] {
    return this.#managers?.running ?? [];
  }

  clientFor(user: UserInfo): Client {
    return createClient(this.transportFor(user));
  }

  kubeconfig(): string {
    if (!this.#identity) throw new TestClusterError('the cluster does not listen: start it with `listen: true`');
    return this.#identity.kubeconfig({ host: loopback, port: this.#port });
  }

  async addNode(options?: SimulatedNodeOptions): Promise<SimulatedNode> {
    const index = this.#nodes.length + 1;
    const name = `node-${index}`;
    const { node = {} } = this.#options;
    const faults = new Faults(this.#random);
    const user: UserInfo = { name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] };
    const added = await startSimulatedNode(options ?? (typeof node === 'function' ? node(name) : node), {
      name,
      index,
      transport: this.transportFor(user),
      faults,
      clock: this.clock,
      random: this.#random,
      log: this.#log,
      signal: this.signal,
    });
    this.#nodes.push(added);
    return added;
  }

  async advance(durationMs: number): Promise<void> {
    if (!(this.clock instanceof VirtualClock)) throw new TestClusterError('only a virtual clock can be turned');
    await this.clock.advance(durationMs);
  }

  async until(what: string, done: () => boolean | Promise<boolean>, limitMs = defaultLimitMs): Promise<void> {
    const changes = this.#changes!;
    const endMs = this.clock.monotonic() + limitMs;
    for (;;) {
      const seen = changes.count;
      if (await done()) return;
      if (await changes.next(seen, endMs - this.clock.monotonic())) continue;
      if (await done()) return;
      throw new TestClusterError(`not reached in ${limitMs} ms: ${what}`);
    }
  }

  startManagers(): void {
    const { controllers, scheduler } = this.#options;
    this.#managers ??= startManagers({
      transport: (user, userAgent) => this.faults.wrap(this.transportFor(user, userAgent)),
      podCidrs: [podCidr],
      ...(this.#identity && { rootCa: this.#identity.rootCa }),
      ...(controllers && { controllers }),
      ...(scheduler !== undefined && { scheduler }),
      clock: this.clock,
      random: this.#random,
      log: this.#log,
      signal: this.signal,
    });
  }

  async stopManagers(): Promise<void> {
    const stopping = this.#managers;
    this.#managers = undefined;
    await stopping?.close();
  }

  async restartApiServer(): Promise<void> {
    await this.#server?.api.close();
    await this.#startApiServer();
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await node.stopKubelet();
    await this.stopManagers();
    this.#stop.abort();
    await this.#server?.api.close();
    this.#changes?.close();
    await this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #startApiServer(): Promise<void> {
    const { eventTtlSeconds, usage } = this.#options;
    const identity = this.#identity;
    this.#server = await startApiServer({
      store: this.store,
      listen: identity ? [{ host: loopback, port: this.#port }] : [],
      ...(identity && { tls: identity.tls, rootCa: identity.rootCa }),
      ...(eventTtlSeconds !== undefined && { eventTtlSeconds }),
      ...(usage && { usage: (host) => simulatedUsage(host, usage) }),
      advertise: advertised,
      serviceCidrs: [serviceCidr],
      apiServiceIp,
      flags: { 'request-timeout': requestTimeoutMs },
      tokens: this.#tokens,
      knarrVersion,
      clock: this.clock,
      random: this.#random,
      log: this.#log,
      onStoreLost: () => {},
    });
    this.#port = this.#server.addresses[0]?.port ?? 0;
  }

  /** Through whichever API server runs at the moment of the call. */
  transportFor(user: UserInfo, userAgent?: string): Transport {
    const current = (): Transport => this.#server!.api.transport(user, userAgent);
    return {
      request: (request) => current().request(request),
      watch: (request) => current().watch(request),
      discover: (options) => current().discover!(options),
      close: () => Promise.resolve(),
    };
  }

  async #isReady(): Promise<boolean> {
    const { items: nodes } = await this.client.list(corev1Resources.nodes, { signal: this.signal });
    const ready = nodes.filter(({ status }) => getCondition(status.conditions, 'Ready')?.status === 'True');
    if (ready.length < this.#nodes.length) return false;
    const { items: accounts } = await this.client.list(corev1Resources.serviceaccounts, { namespace: 'default', signal: this.signal });
    return accounts.some(({ metadata }) => metadata.name === 'default');
  }
}
