import { expect, test } from 'vitest';
import { addressBlock } from './address-block.ts';
import { hostAddresses, nodeAddresses, rangesOf } from './addresses.ts';
import { chooseIpv6Block, overlapIpv6, routedIpv6Cidrs } from './ipv6-block.ts';

const block = chooseIpv6Block('dev', '10.200.0.0/24')!;

test('a cluster has a /48 of its own: nodes, pods and Services in different parts of it', () => {
  expect(block).toEqual({
    nodeCidr: expect.stringMatching(/^fd[0-9a-f:]+::\/64$/),
    hostIp: block.nodeCidr.replace('/64', '1'),
    podCidr: block.nodeCidr.replace('::/64', ':100::/56'),
    serviceCidr: block.nodeCidr.replace('::/64', ':96::/112'),
  });
  const ranges = [block.nodeCidr, block.podCidr, block.serviceCidr];
  for (const a of ranges) for (const b of ranges) expect(overlapIpv6(a, b)).toBe(a === b);
});

test('the same cluster has the same addresses each time, and no other cluster has them', () => {
  expect(chooseIpv6Block('dev', '10.200.0.0/24')).toEqual(block);
  const others = [chooseIpv6Block('prod', '10.200.0.0/24'), chooseIpv6Block('dev', '10.200.1.0/24')];
  for (const other of others) expect(overlapIpv6(other!.podCidr, block.podCidr)).toBe(false);
});

test('a route over the addresses moves the cluster; one over all of fd00::/8 leaves none', () => {
  const moved = chooseIpv6Block('dev', '10.200.0.0/24', [block.podCidr])!;
  expect(overlapIpv6(moved.podCidr, block.podCidr)).toBe(false);
  expect(chooseIpv6Block('dev', '10.200.0.0/24', ['fd00::/8'])).toBeUndefined();
});

test("a node's addresses end alike, and whoever has no IPv6 has one of each", () => {
  const network = addressBlock(0);
  const dual = { ...network, ipv6: block };
  expect(nodeAddresses(network, { ip: '10.200.0.11' })).toEqual(['10.200.0.11']);
  expect(nodeAddresses(dual, { ip: '10.200.0.210' })).toEqual(['10.200.0.210', block.nodeCidr.replace('/64', '210')]);
  expect(hostAddresses(dual)).toEqual(['10.200.0.1', block.hostIp]);
  expect(rangesOf(dual, 'serviceCidr')).toEqual(['10.96.0.0/16', block.serviceCidr]);
  expect(rangesOf(network, 'podCidr')).toEqual(['10.244.0.0/16']);
});

test('routes are read without the default, multicast and link-local ones', () => {
  const routes = [
    { dst: 'default' },
    { dst: 'fd00::/64' },
    { dst: '2001:db8::7', type: 'local' },
    { dst: 'ff00::/8', type: 'multicast' },
    { dst: 'fe80::/64' },
    { dst: 'fe80::1', type: 'local' },
    {},
  ];
  expect(routedIpv6Cidrs(routes)).toEqual(['fd00::/64', '2001:db8::7/128']);
});
