import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Crew, ctx } from '../support/network-crew.ts';
import { canHaveLab, type LabNode, openNetworkLab, reaches } from '../support/network-lab.ts';
import { createKernel } from '../../src/network/index.ts';
import { buildToolboxImage, toolbox } from './images.ts';
import { unavailable } from './kubectl.ts';
import { OwnCluster } from './own-cluster.ts';

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
  for (const address of [...two.podAddresses, ...three.podAddresses]) expect(await reaches(one.enterPod, address)).toBe(true);
  expect(await reaches(two.enterPod, three.podAddresses[0]!)).toBe(true);
  expect(await reaches(one.enter, three.podAddresses[0]!)).toBe(true);
  const devices = await createKernel(one.enter).observe([], ctx);
  expect(devices.links.some(({ kind }) => kind === 'vxlan')).toBe(conf.Backend.Type === 'vxlan');
  const direct = devices.entries.some((entry) => entry.kind === 'route' && entry.device === 'eth0');
  expect(direct).toBe(!tunnelled);
  await crew.forget('node-3');
  expect(await reaches(one.enterPod, three.podAddresses[0]!)).toBe(false);
  expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);
  expect(crew.refusals).toEqual([]);
});

test.skipIf(!canHaveLab)('an agent that was killed between any two commands is mended by the next, and the device stays', async () => {
  await using lab = await openNetworkLab(2);
  const [one, two] = lab.nodes as [LabNode, LabNode];
  const crew = new Crew(lab, { Backend: { Type: 'vxlan' } });
  await crew.start(two);
  await crew.start(one);
  const kernel = createKernel(one.enter);
  const device = async () => (await kernel.observe([], ctx)).links.find(({ kind }) => kind === 'vxlan');
  const before = await device();
  const index = (await kernel.run(['ip', '-o', 'link', 'show', 'knarr.1'], ctx)).split(':')[0];
  const halves = [
    'route del 10.244.2.0/24 dev knarr.1',
    'neigh del 10.244.2.0 dev knarr.1',
    'addr del 10.244.1.0/32 dev knarr.1',
    'link set knarr.1 mtu 1300',
  ];
  for (let done = 1; done <= halves.length; done++) {
    await kernel.ip(halves.slice(0, done), ctx);
    await kernel.run(['nft', 'delete', 'table', 'inet', 'knarr-test-egress'], ctx);
    await crew.start(one);
    expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);
  }
  expect(await device()).toEqual(before);
  expect((await kernel.run(['ip', '-o', 'link', 'show', 'knarr.1'], ctx)).split(':')[0]).toBe(index);
  expect(await crew.start(one)).toBe(false);
  await kernel.ip(['link del knarr.1'], ctx);
  await crew.start(one);
  expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);
});

test.skipIf(unavailable)('with --network none, pods have the network that somebody else configures', async () => {
  const cluster = new OwnCluster({ name: 'cni' });
  try {
    const starting = cluster.up('--network', 'none');
    // The node is Ready when it has a network, which `up` waits for.
    const node = await vi.waitFor(
      async () => {
        const [found] = JSON.parse(await cluster.knarr(['node', 'list', '-o', 'json'])) as {
          cniDirectory: string;
          conditions: { type: string; status: string }[];
        }[];
        expect(found?.conditions.find(({ type }) => type === 'Ready')?.status).toBe('False');
        return found!;
      },
      { timeout: 120_000, interval: 250 },
    );
    expect(await cluster.knarr(['node', 'list'])).toContain(node.cniDirectory);
    const bridge = {
      type: 'bridge',
      bridge: 'another0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '192.168.88.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    };
    mkdirSync(node.cniDirectory, { recursive: true });
    writeFileSync(
      join(node.cniDirectory, '10-another.conflist'),
      JSON.stringify({ cniVersion: '0.4.0', name: 'another', plugins: [bridge] }),
    );
    await starting;
    await cluster.kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=60s']);
    await buildToolboxImage(cluster.home, cluster.name);
    await cluster.kubectl(['run', 'guest', `--image=${toolbox}`, '--image-pull-policy=Never', '--', '-c', 'sleep 600']);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/guest', '--timeout=120s']);
    expect(await cluster.kubectl(['get', 'pod', 'guest', '-o', 'jsonpath={.status.podIP}'])).toMatch(/^192\.168\.88\./);
  } finally {
    await cluster.remove();
  }
});
