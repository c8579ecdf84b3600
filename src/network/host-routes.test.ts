import { expect, test } from 'vitest';
import { Crew, ctx } from '../../test/support/network-crew.ts';
import { canHaveLab, type LabNode, nodeObject, openNetworkLab, reaches } from '../../test/support/network-lab.ts';
import { parseNetworkConfiguration } from './configuration/index.ts';
import { createKernel } from './fabric/kernel.ts';
import { HostRoutes } from './host-routes.ts';

test.skipIf(!canHaveLab)('the host reaches the pods of each node through that node, while it is there', async () => {
  await using lab = await openNetworkLab(2);
  const [one, two] = lab.nodes as [LabNode, LabNode];
  const conf = { EnableIPv4: true, EnableIPv6: true, Backend: { Type: 'vxlan' } };
  const crew = new Crew(lab, conf);
  for (const node of lab.nodes) await crew.start(node);
  const { configuration } = parseNetworkConfiguration(JSON.stringify(conf));
  const kernel = createKernel(lab.enterHost);
  const begin = (): HostRoutes => new HostRoutes({ device: 'br0', networks: lab.networks, configuration: configuration!, kernel });
  const routes = async (): Promise<string[]> => {
    const { entries } = await kernel.observe([], ctx);
    return entries.flatMap((entry) => (entry.kind === 'route' ? [`${entry.subnet} ${entry.via}`] : [])).toSorted();
  };
  const both = (node: LabNode): string[] => node.subnets.map((subnet, at) => `${subnet} ${node.addresses[at]}`);
  await kernel.ip(['route add 10.244.0.0/16 via 192.168.77.1', 'route add 10.244.9.0/24 via 192.168.77.1 dev br0 proto 107'], ctx);

  const host = begin();
  for (const node of crew.objects.values()) expect(host.seen(node)).toBe(true);
  await host.look(ctx);
  expect(await host.apply(ctx)).toBe(true);
  // What an earlier life left of a node that has gone meanwhile goes too.
  expect(await routes()).toEqual([...both(one), ...both(two)].toSorted());
  for (const node of lab.nodes) for (const address of node.podAddresses) expect(await reaches(lab.enterHost, address)).toBe(true);

  // The way leads through nobody else.
  await kernel.ip(['link set port1 down'], ctx);
  expect(await reaches(lab.enterHost, two.podAddresses[0]!)).toBe(true);
  await kernel.ip(['link set port1 up'], ctx);

  const again = begin();
  for (const node of crew.objects.values()) again.seen(node);
  await again.look(ctx);
  again.gone('node-2');
  const annotations = crew.objects.get('node-1')!.metadata.annotations!;
  const evil = (name: string, subnet: string, address: string, publicIp = address): void => {
    const data = { 'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:77"}' };
    const ip = { 'flannel.alpha.coreos.com/public-ip': publicIp };
    again.seen(nodeObject({ name, addresses: [address], subnets: [subnet] }, { ...annotations, ...data, ...ip }));
  };
  evil('whole', '10.244.0.0/16', '192.168.77.30');
  evil('outside', '0.0.0.0/0', '192.168.77.31');
  evil('thief', '10.244.1.0/24', '192.168.77.32');
  evil('far', '10.244.33.0/24', '192.0.2.1');
  evil('host', '10.244.34.0/24', '192.168.77.254');
  expect(await again.apply(ctx)).toBe(true);
  expect(await routes()).toEqual(both(one).toSorted());
});
