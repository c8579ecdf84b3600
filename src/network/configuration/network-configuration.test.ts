import { expect, test } from 'vitest';
import { backendTypes, defaultConfiguration, parseNetworkConfiguration } from './network-configuration.ts';

const read = (conf: unknown) => parseNetworkConfiguration(JSON.stringify(conf));
const vxlan = { type: 'vxlan', vni: 1, port: 8472, gbp: false, learning: false, directRouting: false };

test.each([
  ['nothing is vxlan for IPv4', {}, { backend: vxlan, families: ['IPv4'], networks: {} }],
  [
    "flannel's own example",
    { Network: '10.244.0.0/16', EnableNFTables: false, Backend: { Type: 'vxlan' } },
    { backend: vxlan, families: ['IPv4'], networks: { IPv4: '10.244.0.0/16' } },
  ],
  [
    'both families, with ranges written carelessly',
    { EnableIPv6: true, Network: '10.1.2.3/8', IPv6Network: 'FD00:0:0::1/48', Backend: { Type: 'host-gw' } },
    { backend: { type: 'host-gw' }, families: ['IPv4', 'IPv6'], networks: { IPv4: '10.0.0.0/8', IPv6: 'fd00::/48' } },
  ],
  [
    'IPv6 alone',
    { EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fd00::/48' },
    { backend: vxlan, families: ['IPv6'], networks: { IPv6: 'fd00::/48' } },
  ],
  [
    'every option of vxlan',
    { Backend: { Type: 'vxlan', VNI: 4096, Port: 4789, GBP: true, Learning: true, DirectRouting: true, MTU: 1400, Name: 'flannel-x' } },
    {
      backend: { type: 'vxlan', vni: 4096, port: 4789, gbp: true, learning: true, directRouting: true, name: 'flannel-x' },
      families: ['IPv4'],
      networks: {},
      mtu: 1400,
    },
  ],
  ['port and MTU 0 are the defaults', { Backend: { Port: 0, MTU: 0 } }, { backend: vxlan, families: ['IPv4'], networks: {} }],
  ['another network', { Backend: { Type: 'none' } }, { backend: { type: 'none' }, families: ['IPv4'], networks: {} }],
])('%s', (_, conf, configuration) => {
  expect(read(conf)).toEqual({ configuration });
});

test.each([
  ['a range', { Network: '10.244.0.0' }, ['Network: must be an IPv4 range, not "10.244.0.0"']],
  ['a range of the other family', { Network: 'fd00::/48' }, ['Network: must be an IPv4 range, not "fd00::/48"']],
  ['a range that is a command', { Network: '10.0.0.0/8;reboot' }, ['Network: must be an IPv4 range, not "10.0.0.0/8;reboot"']],
  ['a number for a range', { Network: 10 }, ['Network: must be a string']],
  ['an IPv6 range without IPv6', { IPv6Network: 'fd00::/48' }, ['IPv6Network: needs EnableIPv6: true']],
  ['no family', { EnableIPv4: false }, ['EnableIPv4: and EnableIPv6 must not both be false']],
  ['a word for a switch', { EnableIPv6: 'true' }, ['EnableIPv6: must be true or false']],
  ['a misspelt field', { Netwrok: '10.0.0.0/8' }, ['Netwrok: not supported']],
  [
    'a length of subnets',
    { SubnetLen: 25 },
    ["SubnetLen: not supported: the cluster gives nodes their subnets (controller-manager's cluster-cidr, node-cidr-mask-size)"],
  ],
  ['a backend that is no object', { Backend: 'vxlan' }, ['Backend: must be an object']],
  [
    'an encrypted backend',
    { Backend: { Type: 'wireguard' } },
    ['Backend.Type: wireguard is not supported: nothing here encrypts what nodes send each other; there are vxlan, host-gw, none'],
  ],
  ["flannel's old backend", { Backend: { Type: 'udp' } }, ['Backend.Type: udp is not supported; there are vxlan, host-gw, none']],
  ['an unknown backend', { Backend: { Type: 'Vxlan' } }, ['Backend.Type: "Vxlan" is no backend; there are vxlan, host-gw, none']],
  [
    'numbers',
    { Backend: { VNI: 0, Port: 70_000 } },
    ['Backend.VNI: must be a whole number from 1 to 16777215', 'Backend.Port: must be a whole number from 0 to 65535'],
  ],
  ['a number in quotes', { Backend: { VNI: '1' } }, ['Backend.VNI: must be a whole number from 1 to 16777215']],
  ['half a number', { Backend: { VNI: 1.5 } }, ['Backend.VNI: must be a whole number from 1 to 16777215']],
  ['an MTU in which IPv6 does not fit', { Backend: { MTU: 1279 } }, ['Backend.MTU: must be 0 (as the interface) or from 1280 to 65535']],
  [
    'a name that no interface can have',
    { Backend: { Name: 'a b' } },
    ['Backend.Name: must be the name of an interface, of 1 to 13 letters, digits, dots, dashes and underscores'],
  ],
  ['an option of another backend', { Backend: { Type: 'host-gw', VNI: 1 } }, ['Backend.VNI: not supported']],
  [
    'all at once',
    { Network: 1, EnableIPv6: 2, Backend: { GBP: 3 }, Else: 4 },
    ['Network: must be a string', 'EnableIPv6: must be true or false', 'Backend.GBP: must be true or false', 'Else: not supported'],
  ],
  ['a list', [], ['not a JSON object']],
])('%s is refused by name', (_, conf, faults) => {
  expect(read(conf)).toEqual({ faults });
});

test('what is no JSON is refused', () => {
  expect(parseNetworkConfiguration('{"Network"').faults?.[0]).toMatch(/^not JSON: /);
});

test('the default of each backend leaves the families to the cluster', () => {
  for (const type of backendTypes) expect(defaultConfiguration(type)).toMatchObject({ backend: { type }, networks: {} });
  expect(defaultConfiguration()).toEqual({ backend: vxlan, networks: {} });
});

test('whatever is written there, it is a value that is understood, or faults', () => {
  // Not random: a failure is the same each time.
  let state = 1;
  const next = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
  const values = [
    null,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    1e99,
    '',
    '1',
    'vxlan',
    'none',
    'host-gw',
    '10.0.0.0/8',
    'fd00::/48',
    '::/0',
    [],
    {},
    [{}],
    'a\nb',
    '__proto__',
  ];
  const names = [
    'Network',
    'IPv6Network',
    'EnableIPv4',
    'EnableIPv6',
    'EnableNFTables',
    'SubnetLen',
    'Type',
    'VNI',
    'Port',
    'MTU',
    'GBP',
    'Name',
    'DirectRouting',
    '__proto__',
    'constructor',
  ];
  const object = (depth: number): Record<string, unknown> => {
    const fields = Array.from({ length: next(5) }, () => [names[next(names.length)]!, values[next(values.length)]] as const);
    return Object.fromEntries([...fields, ...(depth > 0 && next(2) ? [['Backend', object(depth - 1)] as const] : [])]);
  };
  for (let turn = 0; turn < 3000; turn++) {
    const conf = object(1);
    const { configuration, faults } = read(conf);
    expect([JSON.stringify(conf), (faults?.length ?? 0) > 0]).toEqual([JSON.stringify(conf), configuration === undefined]);
    // What was understood says nothing but what it says when it is read back.
    if (configuration) expect(JSON.stringify(configuration)).toMatch(/^[\w{}[\]",:./-]+$/);
  }
});
