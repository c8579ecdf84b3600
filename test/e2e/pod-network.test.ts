import { expect, test } from 'vitest';
import { Crew, ctx } from '../support/network-crew.ts';
import { canHaveLab, type LabNode, openNetworkLab, reaches } from '../support/network-lab.ts';
import { createKernel } from '../../src/network/index.ts';

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
