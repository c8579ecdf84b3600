import { expect, test } from 'vitest';
import { Crew, ctx } from '../../test/support/network-crew.ts';
import { canHaveLab, type LabNode, nodeObject, openNetworkLab, reaches } from '../../test/support/network-lab.ts';
import type { corev1 } from '../api/index.ts';
import { createKernel } from './fabric/kernel.ts';

test.skipIf(!canHaveLab)(
  'a node that comes back with another device address is reached again, and what is hostile costs itself alone',
  async () => {
    await using lab = await openNetworkLab(2);
    const [one, two] = lab.nodes as [LabNode, LabNode];
    const crew = new Crew(lab, { Backend: { Type: 'vxlan' } });
    await crew.start(one);
    await crew.start(two);
    await createKernel(two.enter).ip(['link set knarr.1 address 02:00:00:00:00:99'], ctx);
    await crew.start(two);
    expect(crew.objects.get('node-2')!.metadata.annotations!['flannel.alpha.coreos.com/backend-data']).toBe(
      '{"VNI":1,"VtepMAC":"02:00:00:00:00:99"}',
    );
    expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);

    const honest = crew.objects.get('node-2')!.metadata.annotations!;
    const evil = async (annotations: Record<string, string>, subnets = ['10.244.9.0/24'], addresses = ['192.168.77.9']) => {
      crew.refusals.length = 0;
      await crew.tell(
        nodeObject(
          { name: 'node-9', addresses, subnets },
          { ...honest, 'flannel.alpha.coreos.com/public-ip': '192.168.77.9', ...annotations },
        ),
      );
      expect(await reaches(one.enterPod, two.podAddresses[0]!)).toBe(true);
      await crew.forget('node-9');
      return crew.refusals.filter((line) => line.startsWith('node-1:')).join('\n');
    };
    const mac = (text: string) => ({ 'flannel.alpha.coreos.com/backend-data': JSON.stringify({ VNI: 1, VtepMAC: text }) });
    const ip = (text: string) => ({ 'flannel.alpha.coreos.com/public-ip': text });
    const fresh = mac('02:00:00:00:00:77');
    expect(await evil(mac('02:00:00:00:00:99\nroute del default'))).toContain('backend data');
    expect(await evil(mac('ff:ff:ff:ff:ff:ff'))).toContain('backend data');
    expect(await evil({ 'flannel.alpha.coreos.com/backend-data': '{{' })).toContain('backend data');
    expect(await evil({})).toContain("identity 02:00:00:00:00:99 is node node-2's");
    expect(await evil({ ...fresh, ...ip('192.168.77.2') })).toContain("address 192.168.77.2 is node node-2's");
    expect(await evil({ ...fresh, ...ip('192.168.77.1') })).toContain("this node's own");
    expect(await evil({ ...fresh, ...ip('10.244.1.2') })).toContain('inside of the pod network');
    expect(await evil({ ...fresh, ...ip('$(reboot)') })).toContain('is none');
    expect(await evil(fresh, ['10.244.1.0/24'])).toContain("pod subnet 10.244.1.0/24 is this node's own");
    expect(await evil(fresh, ['10.244.2.128/25'])).toContain("overlaps node node-2's");
    expect(await evil(fresh, ['0.0.0.0/0'])).toContain('outside of the pod network');
    expect(await evil({ ...fresh, 'flannel.alpha.coreos.com/backend-type': 'udp' })).toContain('its backend is "udp"');
    expect(await evil(fresh)).toBe('');
  },
);

test.skipIf(!canHaveLab)('a thousand nodes are programmed at once, and one change is three commands', async () => {
  await using lab = await openNetworkLab(1);
  const [one] = lab.nodes as [LabNode];
  const crew = new Crew(lab, { Network: '10.0.0.0/8', Backend: { Type: 'vxlan' } });
  const hex = (n: number): string => n.toString(16).padStart(2, '0');
  const other = (n: number, macEnd = '00'): corev1.Node => {
    const [high, low] = [n >> 8, n & 255];
    const data = JSON.stringify({ VNI: 1, VtepMAC: `02:00:00:${hex(high)}:${hex(low)}:${macEnd}` });
    const address = `172.16.${high}.${low}`;
    return nodeObject(
      { name: `far-${n}`, addresses: [address], subnets: [`10.${100 + high}.${low}.0/24`] },
      {
        'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
        'flannel.alpha.coreos.com/backend-type': 'vxlan',
        'flannel.alpha.coreos.com/backend-data': data,
        'flannel.alpha.coreos.com/public-ip': address,
      },
    );
  };
  for (let n = 1; n <= 1000; n++) crew.objects.set(`far-${n}`, other(n));
  const kernel = createKernel(one.enter);
  const commands: number[] = [];
  await crew.start(one, {
    ...kernel,
    apply: (plan, options) => {
      commands.push(plan.ip.length + plan.bridge.length);
      return kernel.apply(plan, options);
    },
  });
  // A thousand of three, and the way to nobody.
  expect(commands).toEqual([3001]);
  expect((await kernel.observe(['knarr.1'], ctx)).entries).toHaveLength(3001);
  await crew.tell(other(7, '11'));
  // The old station goes; station, neighbour and route are told again only where they changed.
  expect(commands[1]).toBe(3);
  expect(crew.refusals).toEqual([]);
});
