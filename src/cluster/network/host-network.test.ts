import { expect, test } from 'vitest';
import { addressBlock } from './address-block.ts';
import { formatMark, parseMark } from './bridge-mark.ts';
import { openingRules } from './host-firewall.ts';
import { renderHostTables, renderRoutes } from './host-network.ts';
import { nodeHardwareAddress } from './node-namespaces.ts';

const opening = { bridge: 'kn-dev', apiPort: 6443, comment: 'knarr-dev', ipv6: false };

test.each([
  [
    'a forward chain that drops',
    { family: 'ip', table: 'filter', name: 'FORWARD', type: 'filter', hook: 'forward', policy: 'drop' },
    [
      'insert rule ip filter FORWARD iifname "kn-dev" accept comment "knarr-dev"',
      'insert rule ip filter FORWARD oifname "kn-dev" accept comment "knarr-dev"',
    ],
  ],
  [
    'an input chain that drops: the API alone',
    { family: 'inet', table: 'ufw', name: 'input', type: 'filter', hook: 'input', policy: 'drop' },
    ['insert rule inet ufw input iifname "kn-dev" tcp dport 6443 accept comment "knarr-dev"'],
  ],
  ['a chain that accepts', { family: 'ip', table: 'filter', name: 'FORWARD', type: 'filter', hook: 'forward', policy: 'accept' }, []],
  ['a chain of another cluster', { family: 'ip', table: 'knarr-b', name: 'x', type: 'filter', hook: 'forward', policy: 'drop' }, []],
  ['a chain for IPv6', { family: 'ip6', table: 'filter', name: 'FORWARD', type: 'filter', hook: 'forward', policy: 'drop' }, []],
])('%s', (_, chain, rules) => {
  expect(openingRules([chain], opening)).toEqual(rules);
});

test('a firewall of IPv6 is opened for nodes that have it', () => {
  const chain = { family: 'ip6', table: 'filter', name: 'FORWARD', type: 'filter', hook: 'forward', policy: 'drop' };
  expect(openingRules([chain], { ...opening, ipv6: true })).toEqual([
    'insert rule ip6 filter FORWARD iifname "kn-dev" accept comment "knarr-dev"',
    'insert rule ip6 filter FORWARD oifname "kn-dev" accept comment "knarr-dev"',
  ]);
});

test('a mark in an alias says whose a bridge is', () => {
  expect(parseMark('kn-dev', formatMark('/', 6443))).toEqual({ bridge: 'kn-dev', home: '/', apiPort: 6443 });
  expect(parseMark('docker0', 'the office network')).toBeUndefined();
});

test('published ports and the ranges of the cluster lead through a node that is on', () => {
  const record = { name: 'dev', network: addressBlock(0), published: [{ hostPort: 8080, nodePort: 30_080 }] };
  expect(renderHostTables(record, ['10.200.0.12'])).toContain('th dport 8080 dnat to 10.200.0.12:30080');
  expect(renderHostTables(record, ['10.200.0.12'])).not.toContain('ip6');
  expect(renderHostTables(record, [])).not.toContain('dnat to');
  expect(renderRoutes(record, ['10.200.0.12'])).toBe(
    'route replace 10.244.0.0/16 via 10.200.0.12 dev kn-dev\nroute replace 10.96.0.0/16 via 10.200.0.12 dev kn-dev\n',
  );
  expect(renderRoutes(record, [])).toBe('route replace 10.244.0.0/16 dev kn-dev\nroute replace 10.96.0.0/16 dev kn-dev\n');
});

test('a cluster of both families has a second table and a second pair of routes', () => {
  const ipv6 = { nodeCidr: 'fd1:2:3::/64', hostIp: 'fd1:2:3::1', podCidr: 'fd1:2:3:100::/56', serviceCidr: 'fd1:2:3:96::/112' };
  const record = { name: 'dev', network: { ...addressBlock(0), ipv6 }, published: [{ hostPort: 8080, nodePort: 30_080 }] };
  const tables = renderHostTables(record, ['10.200.0.12', 'fd1:2:3::12']);
  expect(tables).toContain('table ip6 knarr-dev {');
  expect(tables).toContain('    ip6 saddr fd1:2:3::/64 oifname != "kn-dev" masquerade\n');
  expect(tables).toContain('ip6 daddr != ::1 fib daddr type local meta l4proto { tcp, udp } th dport 8080 dnat to [fd1:2:3::12]:30080');
  expect(renderHostTables(record, [])).not.toContain('dnat to');
  expect(renderRoutes(record, ['10.200.0.12', 'fd1:2:3::12']).split('\n')).toEqual([
    'route replace 10.244.0.0/16 via 10.200.0.12 dev kn-dev',
    'route replace 10.96.0.0/16 via 10.200.0.12 dev kn-dev',
    'route replace fd1:2:3:100::/56 via fd1:2:3::12 dev kn-dev',
    'route replace fd1:2:3:96::/112 via fd1:2:3::12 dev kn-dev',
    '',
  ]);
  expect(renderRoutes(record, [])).toContain('route replace fd1:2:3:96::/112 dev kn-dev\n');
});

test('a node has the same hardware address in every life, and no other node has it', () => {
  expect(nodeHardwareAddress('10.200.0.11')).toBe('02:00:0a:c8:00:0b');
  expect(nodeHardwareAddress('10.200.15.254')).toBe('02:00:0a:c8:0f:fe');
});
