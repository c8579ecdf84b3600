/**
 * The network of one node as it stands in the kernel: devices, entries for the other nodes, egress rules. Invariants: what is right is left
 * alone, since packets of running pods are in it; nothing is taken away before the whole list of nodes is known.
 */
import { cidrContains, type corev1, parseCidr } from '../api/index.ts';
import type { Ctx } from '../base/index.ts';
import type { Backend, Place } from './backends/backend.ts';
import { createBackend } from './backends/create-backend.ts';
import type { NetworkConfiguration } from './configuration/index.ts';
import { egressTable, renderEgressTable } from './egress.ts';
import { type Entry, nowhere } from './fabric/entry.ts';
import { Fabric } from './fabric/fabric.ts';
import type { Kernel, Observed } from './fabric/kernel.ts';
import { publishedAnnotations } from './nodes/annotations.ts';
import type { Lease, Membership } from './nodes/node-claim.ts';
import { Peering } from './peering.ts';
import { findPlaces } from './places.ts';

export interface NodeNetworkConfig {
  readonly nodeName: string;
  /** Addresses of the node, one of each family at most. */
  readonly nodeIps: readonly string[];
  /** Begins the name of the nftables table. */
  readonly name: string;
  /** Ranges of all pods of the cluster, one of each family at most. */
  readonly networks: readonly string[];
  readonly configuration: NetworkConfiguration;
  readonly kernel: Kernel;
  /** Told why another node is left out. */
  readonly refuse: (node: string, reason: string) => void;
}

/** What has come of `raise`. */
export interface Raised {
  readonly places: readonly Place[];
  readonly podMtu: number;
  readonly annotations: Readonly<Record<string, string | null>>;
  /** Whether a device was made or changed. */
  readonly changed: boolean;
}

export class NodeNetwork {
  readonly #config: NodeNetworkConfig;
  readonly #membership: Membership;
  readonly #fabric: Fabric;
  #peering: Peering | undefined;
  /** What the peering was made for. */
  #shape = '';

  constructor(config: NodeNetworkConfig) {
    this.#config = config;
    this.#membership = membershipOf(config.configuration, config.networks);
    this.#fabric = new Fabric(config.kernel);
  }

  /**
   * Makes what is this node's own, after a look at what stands. Called again it mends. Undefined when the node has no subnet yet.
   * @param nodes all of the cluster, to begin with
   * @throws NetworkError when the node or its configuration does not allow it; ProcessError when the kernel does not
   */
  async raise(node: corev1.Node, nodes: () => readonly corev1.Node[], ctx: Ctx): Promise<Raised | undefined> {
    const { kernel, configuration, nodeName } = this.#config;
    let observed = await kernel.observe([], ctx);
    const places = findPlaces(node, observed.links, { ...this.#config, membership: this.#membership });
    if (places.length === 0) return undefined;
    const backend = createBackend(configuration, nodeName, places);
    const commands = backend.deviceCommands(observed.links);
    await kernel.ip(commands, ctx);
    observed = await kernel.observe(backend.devices, ctx);
    await this.#keepEgress(ctx);
    const reaches = backend.reaches(observed.links);
    this.#join(backend, places, observed, nodes);
    const annotations = publishedAnnotations(configuration.backend.type, reaches);
    return { places, podMtu: backend.podMtu, annotations, changed: commands.length > 0 };
  }

  /** Hears of another node. @returns whether `apply` has something to do */
  seen(node: corev1.Node): boolean {
    return this.#peering?.set(node) ?? false;
  }

  /** Hears that a node is gone. @returns whether `apply` has something to do */
  gone(name: string): boolean {
    return this.#peering?.delete(name) ?? false;
  }

  /** Tells the kernel what changed. @returns false when it refused something: look again */
  async apply(ctx: Ctx): Promise<boolean> {
    const refused = await this.#fabric.apply(ctx);
    for (const { command, message } of refused)
      ctx.log.warn('the kernel refuses a part of the pod network', { command: command.text, message });
    return refused.length === 0;
  }

  #join(backend: Backend, places: readonly Place[], observed: Observed, nodes: () => readonly corev1.Node[]): void {
    const { nodeName, refuse } = this.#config;
    const shape = JSON.stringify(places);
    this.#fabric.found(observed.entries.filter((entry) => this.#isOurs(entry, backend)));
    if (shape === this.#shape) return;
    this.#shape = shape;
    const own = places.map((place): Lease => ({ ...place, id: '' }));
    this.#fabric.clear();
    this.#fabric.want(nowhere, this.#dead(places));
    this.#peering = new Peering({ nodeName, membership: this.#membership, backend, own, fabric: this.#fabric, refuse });
    for (const node of nodes()) this.#peering.set(node);
  }

  /** On a machine with another cluster, routes to that one's pods carry our mark too. */
  #isOurs(entry: Entry, { devices }: Backend): boolean {
    if (entry.kind !== 'route' || devices.includes(entry.device)) return true;
    const subnet = parseCidr(entry.subnet)!;
    const network = parseCidr(this.#membership.networks[subnet.address.family] ?? '');
    return network === undefined || cidrContains(network, subnet.address);
  }

  /** Packets to pods of no node stay in the cluster: the default route would lead them out, or round in circles. */
  #dead(places: readonly Place[]) {
    return places.flatMap(({ family }) => {
      const subnet = this.#membership.networks[family];
      return subnet === undefined ? [] : [{ kind: 'route' as const, subnet, device: nowhere, onlink: false }];
    });
  }

  async #keepEgress({ signal }: Ctx): Promise<void> {
    const { kernel, name } = this.#config;
    const tables = JSON.parse(await kernel.run(['nft', '-j', 'list', 'tables'], { signal })) as {
      readonly nftables: readonly { readonly table?: { readonly family: string; readonly name: string } }[];
    };
    if (tables.nftables.some(({ table }) => table?.family === 'inet' && table.name === egressTable(name))) return;
    const networks = Object.values(this.#membership.networks);
    await kernel.run(['nft', '-f', '-'], { signal, input: renderEgressTable(name, networks) });
  }
}

/** What all nodes have in common. @param ranges of the cluster's pods; the configuration's go before them */
export function membershipOf({ backend, families, networks }: NetworkConfiguration, ranges: readonly string[]): Membership {
  const known = Object.fromEntries(ranges.map((range) => [range.includes(':') ? 'IPv6' : 'IPv4', range]));
  return {
    type: backend.type,
    vni: backend.type === 'vxlan' ? backend.vni : 0,
    families: families ?? ['IPv4', 'IPv6'],
    networks: { ...known, ...networks },
  };
}
