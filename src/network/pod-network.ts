/**
 * The pod network of one node: waits for the node's pod subnets, makes them reachable and others' reachable from here, then hands the
 * engine its CNI configuration. Owns one loop, which is woken by Nodes, and looks at the kernel now and then: somebody may have been there.
 */
import { type corev1, corev1Resources } from '../api/index.ts';
import { backoffMs, type Clock, type Ctx, isAbort, ProcessError, type TaskGroup } from '../base/index.ts';
import type { Client, EventRecorder, Informer, InformerFactory } from '../client/index.ts';
import { renderCniConfig, writeCniConfig } from './cni-config.ts';
import type { NetworkConfiguration } from './configuration/index.ts';
import { createKernel } from './fabric/kernel.ts';
import { prepareKernel } from './kernel-settings.ts';
import { NetworkError } from './network-error.ts';
import { NodeNetwork, type Raised } from './node-network.ts';
import { type NetworkCondition, publish } from './nodes/publisher.ts';
import { createWakeUp, type WakeUp } from './wake-up.ts';
import { withdrawNetwork } from './withdraw.ts';

export interface PodNetworkConfig {
  readonly nodeName: string;
  /** Addresses of the node, one of each family at most. */
  readonly nodeIps: readonly string[];
  /** Begins the names of nftables tables; the CNI network's name. One a cluster. */
  readonly name: string;
  /** Ranges of all pods of the cluster. */
  readonly networks: readonly string[];
  readonly configuration: NetworkConfiguration;
  /** Where the engine looks for CNI configurations. */
  readonly cniConfigDir: string;
  /** Where the address plugin keeps what it gave out. */
  readonly ipamDir: string;
  /** Sees every node. */
  readonly informers: InformerFactory;
  /** May write its own node's status. */
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly group: TaskGroup;
}

/** How long what stands in the kernel is believed. */
const lookAgainMs = 10_000;
const retryPolicy = { initialMs: 1000, maxMs: 30_000 };

/** Starts it; runs until the group closes. */
export function startPodNetwork(config: PodNetworkConfig): void {
  const { configuration, group } = config;
  if (configuration.backend.type === 'none') {
    group.spawn('pod network', async (ctx) => {
      await prepareKernel({ ipv6: config.networks.some((range) => range.includes(':')), interfaces: [] }, ctx);
      await withdrawNetwork(config, createKernel(), ctx);
      ctx.log.info("pods have another network: its CNI configuration is expected in the engine's directory", {
        directory: config.cniConfigDir,
      });
    });
    return;
  }
  const nodes = config.informers.informer(corev1Resources.nodes);
  const wakeUp = createWakeUp(config.clock);
  group.spawn('pod network', (ctx) => new Keeper(config, nodes, wakeUp, ctx).run());
}

class Keeper {
  readonly #config: PodNetworkConfig;
  readonly #nodes: Informer<corev1.Node>;
  readonly #wakeUp: WakeUp;
  readonly #ctx: Ctx;
  readonly #network: NodeNetwork;
  #raised: Raised | undefined;
  #lookAgainAtMs = 0;
  /** The own node's subnets and addresses when the network was last raised. */
  #source = '';

  constructor(config: PodNetworkConfig, nodes: Informer<corev1.Node>, wakeUp: WakeUp, ctx: Ctx) {
    this.#config = config;
    this.#nodes = nodes;
    this.#wakeUp = wakeUp;
    this.#ctx = ctx;
    const refuse = (name: string, reason: string): void => this.#refuse(name, reason);
    this.#network = new NodeNetwork({ ...config, kernel: createKernel(), refuse });
  }

  async run(): Promise<void> {
    const { clock, nodeName, informers } = this.#config;
    const { signal, log } = this.#ctx;
    const seen = (node: corev1.Node): void => {
      if (this.#network.seen(node) || node.metadata.name === nodeName) this.#wakeUp.wake();
    };
    this.#nodes.addHandler({
      added: seen,
      updated: (_old, node) => seen(node),
      deleted: ({ metadata }) => this.#network.gone(metadata.name) && this.#wakeUp.wake(),
    });
    informers.start();
    // Before the list is whole, a node that is merely not told of yet would be taken for one that is gone.
    await this.#nodes.whenSynced(signal);
    for (let failures = 0; ;) {
      let waitMs = 0;
      try {
        const sound = await this.#step();
        failures = sound ? 0 : failures + 1;
        if (!sound) this.#lookAgainAtMs = 0;
      } catch (err) {
        if (isAbort(err, signal)) throw err;
        failures++;
        this.#lookAgainAtMs = 0;
        log.error('the pod network is not as it should be; it is tried again', { err });
        if (err instanceof NetworkError || err instanceof ProcessError) await this.#confess(err);
      }
      waitMs = failures > 0 ? backoffMs(retryPolicy, failures - 1) : Math.max(0, this.#lookAgainAtMs - clock.monotonic());
      await this.#wakeUp.next(waitMs, signal);
    }
  }

  /** @returns false when something was refused */
  async #step(): Promise<boolean> {
    const { clock, nodeName } = this.#config;
    const node = this.#nodes.get({ name: nodeName });
    if (!node) return true;
    const source = sourceOf(node);
    let fresh: Raised | undefined;
    if (clock.monotonic() >= this.#lookAgainAtMs || source !== this.#source) {
      fresh = await this.#network.raise(node, () => this.#nodes.list(), this.#ctx);
      this.#lookAgainAtMs = clock.monotonic() + lookAgainMs;
      this.#source = source;
    }
    const raised = fresh ?? this.#raised;
    if (!raised) return true;
    const [sound] = await Promise.all([this.#network.apply(this.#ctx), this.#publish(node, raised)]);
    // Only now: the node becomes Ready by it, and others shall know the way to its first pod by then.
    if (fresh) await this.#welcomePods(fresh);
    return sound;
  }

  /** From here on the engine connects pods. */
  async #welcomePods(raised: Raised): Promise<void> {
    const { cniConfigDir, name, ipamDir, configuration } = this.#config;
    const { places, podMtu } = raised;
    if (!this.#raised) {
      const interfaces = places.map(({ underlay }) => underlay.name);
      await prepareKernel({ ipv6: places.some(({ family }) => family === 'IPv6'), interfaces }, this.#ctx);
    }
    const subnets = places.map(({ subnet }) => subnet);
    writeCniConfig(cniConfigDir, renderCniConfig({ name, subnets, ipamDir, mtu: podMtu }));
    if (!this.#raised || raised.changed)
      this.#ctx.log.info('pod network is up', { backend: configuration.backend.type, podCIDRs: subnets, mtu: podMtu });
    this.#raised = raised;
  }

  async #publish(node: corev1.Node, { annotations }: Raised): Promise<void> {
    const { configuration } = this.#config;
    const message = `the pod network (${configuration.backend.type}) is up on this node`;
    await this.#write(node, { annotations, condition: { status: 'False', reason: 'PodNetworkIsUp', message } });
  }

  /** Tells the cluster why pods have no network here. */
  async #confess({ message }: Error): Promise<void> {
    const node = this.#nodes.get({ name: this.#config.nodeName });
    if (!node || this.#raised) return;
    try {
      await this.#write(node, { condition: { status: 'True', reason: 'PodNetworkFailed', message } });
    } catch (err) {
      if (isAbort(err, this.#ctx.signal)) throw err;
      this.#ctx.log.warn('cannot tell the cluster of it', { err });
    }
  }

  async #write(node: corev1.Node, wanted: { annotations?: Raised['annotations']; condition: NetworkCondition }): Promise<void> {
    const { client, clock } = this.#config;
    await publish(node, wanted, { client, clock, signal: this.#ctx.signal });
  }

  #refuse(name: string, reason: string): void {
    this.#ctx.log.warn('a node is left out of the pod network', { node: name, reason });
    const own = this.#nodes.get({ name: this.#config.nodeName });
    if (own)
      this.#config.recorder.event(own, { type: 'Warning', reason: 'NodeLeftOut', message: `node ${name} is not reached: ${reason}` });
  }
}

/** What of the own node the network is made from. */
function sourceOf({ spec, metadata }: corev1.Node): string {
  const overwrites = Object.entries(metadata.annotations ?? {}).filter(([name]) => name.endsWith('-overwrite'));
  return JSON.stringify([metadata.uid, spec.podCIDRs ?? spec.podCIDR, overwrites]);
}
