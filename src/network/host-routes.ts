/**
 * How the machine that nodes stand on reaches their pods: those of each node through that node. Whoever keeps the machine's network has a
 * route for all pods through one node; these are beside it, so a node that says nothing of itself yet is reached through that one.
 */
import { type corev1, corev1Resources } from '../api/index.ts';
import { backoffMs, type Clock, type Ctx, isAbort, type TaskGroup } from '../base/index.ts';
import type { InformerFactory } from '../client/index.ts';
import { directRoute, isOnLink } from './backends/host-gateway.ts';
import type { NetworkConfiguration } from './configuration/index.ts';
import type { Entry } from './fabric/entry.ts';
import { Fabric } from './fabric/fabric.ts';
import { createKernel, type Kernel, type Link } from './fabric/kernel.ts';
import { membershipOf } from './node-network.ts';
import type { Lease, Membership } from './nodes/node-claim.ts';
import { Peering } from './peering.ts';
import { createWakeUp } from './wake-up.ts';

export interface HostRoutesConfig {
  /** The interface of this machine that the nodes are on. */
  readonly device: string;
  /** Ranges of all pods of the cluster, one of each family at most. */
  readonly networks: readonly string[];
  readonly configuration: NetworkConfiguration;
  /** Sees every node. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly group: TaskGroup;
}

/** How long what stands in the kernel is believed. */
const lookAgainMs = 10_000;
const retryPolicy = { initialMs: 1000, maxMs: 30_000 };

/** Starts it; runs until the group closes. Another network than ours has routes of its own. */
export function startHostRoutes({ informers, clock, group, ...config }: HostRoutesConfig): void {
  if (config.configuration.backend.type === 'none') return;
  const nodes = informers.informer(corev1Resources.nodes);
  const wakeUp = createWakeUp(clock);
  const routes = new HostRoutes({ ...config, kernel: createKernel() });
  group.spawn('routes to pods', async (ctx) => {
    const seen = (node: corev1.Node): void => {
      if (routes.seen(node)) wakeUp.wake();
    };
    nodes.addHandler({
      added: seen,
      updated: (_old, node) => seen(node),
      deleted: ({ metadata }) => routes.gone(metadata.name) && wakeUp.wake(),
    });
    informers.start();
    // Before the list is whole, a route to a node that is merely not told of yet would be taken away.
    await nodes.whenSynced(ctx.signal);
    let lookAgainAtMs = 0;
    for (let failures = 0; ;) {
      try {
        if (failures > 0 || clock.monotonic() >= lookAgainAtMs) {
          await routes.look(ctx);
          lookAgainAtMs = clock.monotonic() + lookAgainMs;
        }
        failures = (await routes.apply(ctx)) ? 0 : failures + 1;
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        failures++;
        ctx.log.error('the routes to pods are not as they should be; they are tried again', { err });
      }
      const waitMs = failures > 0 ? backoffMs(retryPolicy, failures - 1) : Math.max(0, lookAgainAtMs - clock.monotonic());
      await wakeUp.next(waitMs, ctx.signal);
    }
  });
}

/** The routes as they stand in the kernel. */
export class HostRoutes {
  readonly #device: string;
  readonly #kernel: Kernel;
  readonly #membership: Membership;
  readonly #fabric: Fabric;
  readonly #peering: Peering;
  #link: Link | undefined;

  constructor({
    device,
    networks,
    configuration,
    kernel,
  }: Pick<HostRoutesConfig, 'device' | 'networks' | 'configuration'> & { readonly kernel: Kernel }) {
    this.#device = device;
    this.#kernel = kernel;
    this.#membership = membershipOf(configuration, networks);
    this.#fabric = new Fabric(kernel);
    this.#peering = new Peering({
      // It is none of the nodes.
      nodeName: '',
      membership: this.#membership,
      backend: { entriesOf: (leases) => this.#entriesOf(leases) },
      own: [],
      fabric: this.#fabric,
      // Every node says so of the others already.
      refuse: () => {},
    });
  }

  /** @returns whether `apply` has something to do */
  seen(node: corev1.Node): boolean {
    return this.#peering.set(node);
  }

  /** @returns whether `apply` has something to do */
  gone(name: string): boolean {
    return this.#peering.delete(name);
  }

  /** Finds out what stands. @throws when the interface is not there */
  async look(ctx: Ctx): Promise<void> {
    const { links, entries } = await this.#kernel.observe([], ctx);
    const link = links.find(({ name }) => name === this.#device);
    if (!link) throw new Error(`there is no interface ${this.#device}`);
    this.#link = link;
    this.#fabric.found(entries.filter((entry) => entry.device === this.#device));
    this.#peering.settleAgain();
  }

  /** Tells the kernel what changed. @returns false when it refused something: look again */
  async apply(ctx: Ctx): Promise<boolean> {
    const refused = await this.#fabric.apply(ctx);
    for (const { command, message } of refused) ctx.log.warn('the kernel refuses a route to pods', { command: command.text, message });
    return refused.length === 0;
  }

  #entriesOf(leases: readonly Lease[]): Entry[] {
    const underlay = this.#link;
    if (!underlay) return [];
    return leases.flatMap((lease) => {
      // A range as wide as the whole network is the route that is there already.
      const whole = lease.subnet === this.#membership.networks[lease.family];
      const own = underlay.addresses.some(({ address }) => address === lease.publicIp);
      return !whole && !own && isOnLink({ underlay }, lease.publicIp) ? [directRoute({ underlay }, lease)] : [];
    });
  }
}
