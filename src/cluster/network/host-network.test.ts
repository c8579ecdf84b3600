import { expect, test } from 'vitest';
import { formatMark, parseMark } from './bridge-mark.ts';
import { openingRules } from './host-firewall.ts';

const opening = { bridge: 'kn-dev', apiPort: 6443, comment: 'knarr-dev' };

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

test('a mark in an alias says whose a bridge is', () => {
  expect(parseMark('kn-dev', formatMark('/', 6443))).toEqual({ bridge: 'kn-dev', home: '/', apiPort: 6443 });
  expect(parseMark('docker0', 'the office network')).toBeUndefined();
});
