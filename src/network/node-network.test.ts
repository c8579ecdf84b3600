import { expect, test } from 'vitest';
import { canHaveLab, type LabNode, type NetworkLab, nodeObject, openNetworkLab, reaches } from '../../test/support/network-lab.ts';
import { silentLogger } from '../base/index.ts';
import type { corev1 } from '../api/index.ts';
import { parseNetworkConfiguration } from './configuration/index.ts';
import { createKernel, type Kernel } from './fabric/kernel.ts';
import { NodeNetwork } from './node-network.ts';

const ctx = { signal: new AbortController().signal, log: silentLogger };

/** What an agent of each node would do, with the Nodes passed from hand to hand. */
class Crew {
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

const both = { EnableIPv4: true, EnableIPv6: true };

test.skipIf(!canHaveLab).each([
  ['vxlan', { ...both, Backend: { Type: 'vxlan' } }, true],
  ['vxlan that goes directly where it can', { ...both, Backend: { Type: 'vxlan', DirectRouting: true } }, false],
  ['host-gw', { ...both, Backend: { Type: 'host-gw' } }, false],
])('pods of three nodes reach each other over %s, in both families, and a node that left is out', async (_, conf, tunnelled) => {
  await using lab = await openNetworkLab(3);
  const crew = new Crew(lab, conf);
  for (const node of lab.nodes) await crew.start(node);
  const [one, two, three] = lab.nodes as [LabNode, LabNode, LabNode];
  for (const address of [...two.podAddresses, ...three.podAddresses]) expect(await reaches(one.enterPod, address), address).toBe(true);
  expect(await reaches(two.enterPod, three.podAddresses[0]!)).toBe(true);
  expect(await reaches(one.enter, three.podAddresses[0]!), 'from the node').toBe(true);
  const devices = await createKernel(one.enter).observe([], ctx);
  expect(devices.links.some(({ kind }) => kind === 'vxlan')).toBe(conf.Backend.Type === 'vxlan');
  const direct = devices.entries.some((entry) => entry.kind === 'route' && entry.device === 'eth0');
  expect(direct).toBe(!tunnelled);
  await crew.forget('node-3');
  expect(await reaches(one.enterPod, three.podAddresses[0]!)).toBe(false);
  expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);
  expect(crew.refusals).toEqual([]);
});
