import { expect, test } from 'vitest';
import { addressBlock, chooseAddressBlock, nodeAddress, overlap, routedCidrs } from './address-block.ts';

test('the first cluster gets the addresses that everyone knows', () => {
  expect(chooseAddressBlock([])).toEqual({
    nodeCidr: '10.200.0.0/24',
    hostIp: '10.200.0.1',
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    apiServiceIp: '10.96.0.1',
    dnsServiceIp: '10.96.0.10',
  });
  expect(nodeAddress(addressBlock(2), 1)).toBe('10.200.2.11');
});

test.each([
  ['a VPN on the pod range', ['10.244.8.0/24'], '10.243.0.0/16'],
  ['a wide office network over the services of the first two', ['10.96.0.0/15'], '10.242.0.0/16'],
  ['a host route to one node address', ['10.200.0.7/32'], '10.243.0.0/16'],
])('%s moves the cluster to the next block', (_name, taken, podCidr) => {
  expect(chooseAddressBlock(taken)?.podCidr).toBe(podCidr);
});

test('who begins elsewhere comes round to the first at last', () => {
  expect(chooseAddressBlock([], 3)?.podCidr).toBe('10.241.0.0/16');
  expect(chooseAddressBlock(['10.200.15.0/24'], 31)?.podCidr).toBe('10.244.0.0/16');
});

test('a network that covers everything leaves no block', () => {
  expect(chooseAddressBlock(['10.0.0.0/8'])).toBeUndefined();
});

test('overlap sees containment both ways', () => {
  expect(overlap('10.0.0.0/8', '10.1.2.0/24')).toBe(true);
  expect(overlap('10.1.2.0/24', '10.0.0.0/8')).toBe(true);
  expect(overlap('10.1.2.0/24', '10.1.3.0/24')).toBe(false);
});

test('routes are read without the default and multicast ones', () => {
  const routes = [
    { dst: 'default' },
    { dst: '10.1.0.0/16' },
    { dst: '10.2.3.4', type: 'local' },
    { dst: '224.0.0.0/4', type: 'multicast' },
    {},
  ];
  expect(routedCidrs(routes)).toEqual(['10.1.0.0/16', '10.2.3.4/32']);
});
