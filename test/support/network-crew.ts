/** Agents of a lab's machines, as far as the pod network goes: each hears of the others, without an API server between them. */
import { expect } from 'vitest';
import { silentLogger } from '../../src/base/index.ts';
import type { corev1 } from '../../src/api/index.ts';
import { parseNetworkConfiguration } from '../../src/network/configuration/index.ts';
import { createKernel, type Kernel, NodeNetwork } from '../../src/network/index.ts';
import { type LabNode, type NetworkLab, nodeObject } from './network-lab.ts';

export const ctx = { signal: new AbortController().signal, log: silentLogger };

/** What an agent of each node would do, with the Nodes passed from hand to hand. */
export class Crew {
  readonly lab: NetworkLab;
  readonly conf: object;
  readonly objects = new Map<string, corev1.Node>();
  readonly networks = new Map<string, NodeNetwork>();
  readonly refusals: string[] = [];

  constructor(lab: NetworkLab, conf: object) {
    this.lab = lab;
    this.conf = conf;
  }

  network(node: LabNode, kernel: Kernel = createKernel(node.enter)): NodeNetwork {
    const { configuration, faults } = parseNetworkConfiguration(JSON.stringify(this.conf));
    expect(faults).toBeUndefined();
    const network = new NodeNetwork({
      nodeName: node.name,
      nodeIps: node.addresses,
      name: 'knarr-test',
      networks: this.lab.networks,
      configuration: configuration!,
      kernel,
      refuse: (name, reason) => this.refusals.push(`${node.name}: ${name} ${reason}`),
    });
    this.networks.set(node.name, network);
    return network;
  }

  /** Starts the node's agent, which tells the others. */
  async start(node: LabNode, kernel?: Kernel): Promise<boolean> {
    const network = this.network(node, kernel);
    const raised = await network.raise(this.objects.get(node.name) ?? nodeObject(node), () => [...this.objects.values()], ctx);
    await network.apply(ctx);
    await this.tell(nodeObject(node, raised!.annotations));
    return raised!.changed;
  }

  async tell(object: corev1.Node): Promise<void> {
    this.objects.set(object.metadata.name, object);
    for (const network of this.networks.values()) {
      network.seen(object);
      await network.apply(ctx);
    }
  }

  async forget(name: string): Promise<void> {
    this.objects.delete(name);
    for (const network of this.networks.values()) {
      network.gone(name);
      await network.apply(ctx);
    }
  }
}
