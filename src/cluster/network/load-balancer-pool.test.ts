import { describe, expect, test } from 'vitest';
import { addressBlock } from './address-block.ts';
import { isPooled, poolFault, poolRequest, renderPoolRoutes } from './load-balancer-pool.ts';

const network = addressBlock(0);
const nodes = [{ name: 'dev-1', index: 1, ip: '10.200.0.11' }];
const taken = [{ cidr: '192.168.1.0/24', what: 'a route of this machine (192.168.1.0/24 dev eth0)' }];

describe('what is remembered', () => {
  test('auto is the end of the nodes network, none is nothing, and nothing said is as before', () => {
    expect(poolRequest('auto', { network })).toEqual({ loadBalancerPool: '10.200.0.240-10.200.0.254' });
    expect(poolRequest('10.1.0.0/28, auto', { network })).toEqual({ loadBalancerPool: '10.1.0.0/28,10.200.0.240-10.200.0.254' });
    expect(poolRequest('none', { network, loadBalancerPool: '10.1.0.0/28' })).toEqual({});
    expect(poolRequest(undefined, { network, loadBalancerPool: '10.1.0.0/28' })).toEqual({ loadBalancerPool: '10.1.0.0/28' });
    expect(poolRequest(undefined, { network })).toEqual({});
  });

  test('an address is of the pool, or not', () => {
    expect(isPooled('10.200.0.240-10.200.0.254', '10.200.0.240')).toBe(true);
    expect(isPooled('10.200.0.240-10.200.0.254', '10.200.0.239')).toBe(false);
    expect(isPooled(undefined, '10.200.0.240')).toBe(false);
  });
});

describe('a pool that is impossible is refused by what is in the way', () => {
  const rows: readonly (readonly [string, RegExp | undefined])[] = [
    ['10.200.0.240-10.200.0.254', undefined],
    ['10.200.0.220-10.200.0.230, 198.51.100.0/28', undefined],
    ['10.200.0.240-10.200.0.9', /^"10\.200\.0\.240-10\.200\.0\.9" is no range/],
    ['ten,10.200.0.240', /^"ten" is no range/],
    ['10.200.0.240; reboot', /no range/],
    ['', /no addresses/],
    ['fd00::/120', /no IPv6/],
    ['10.200.0.10-10.200.0.20', /^10\.200\.0\.11 is the address of a node/],
    ['10.200.0.1', /^10\.200\.0\.1 is the address of a node or of this machine/],
    ['10.200.0.240-10.200.0.255', /^10\.200\.0\.255 is the first or the last/],
    ['10.244.7.0/24', /pods or Services, 10\.244\.0\.0\/16/],
    ['10.96.0.0-10.96.0.4', /pods or Services, 10\.96\.0\.0\/16/],
    ['127.0.0.2', /127\.0\.0\.0\/8/],
    ['192.168.1.200-192.168.1.220', /overlaps a route of this machine \(192\.168\.1\.0\/24 dev eth0\)/],
  ];
  for (const [pool, fault] of rows) {
    test(`"${pool}" ${fault ? 'is refused' : 'is taken'}`, () => {
      const said = poolFault({ network, nodes, loadBalancerPool: pool }, taken);
      if (fault) expect(said).toMatch(fault);
      else expect(said).toBeUndefined();
    });
  }
});

test('the host looks for addresses outside the nodes network on the bridge', () => {
  expect(renderPoolRoutes({ name: 'dev', network, loadBalancerPool: '10.200.0.240-10.200.0.254,198.51.100.6-198.51.100.12' })).toBe(
    `route replace 198.51.100.6/31 dev kn-dev src 10.200.0.1
route replace 198.51.100.8/30 dev kn-dev src 10.200.0.1
route replace 198.51.100.12/32 dev kn-dev src 10.200.0.1
`,
  );
  expect(renderPoolRoutes({ name: 'dev', network })).toBe('');
});
