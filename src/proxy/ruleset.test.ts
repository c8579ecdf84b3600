import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { staleConnections } from './conntrack.ts';
import { buildRuleset, emptyRuleset, renderChange, renderTable } from './ruleset.ts';
import type { VirtualPort } from './service-ports.ts';

const web: VirtualPort = {
  service: 'shop/web:http',
  family: 'IPv4',
  kind: 'clusterIP',
  ip: '10.96.0.20',
  protocol: 'TCP',
  port: 80,
  backends: [
    { ip: '10.244.1.2', port: 8080 },
    { ip: '10.244.1.3', port: 8080 },
  ],
  whenEmpty: 'reject',
  affinitySeconds: undefined,
  masquerade: 'unlessPod',
  shortCircuit: undefined,
  allowedSources: undefined,
};
const first = buildRuleset([web], emptyRuleset);

describe('a change is as small as it can be', () => {
  test.each<[string, VirtualPort[], string]>([
    ['nothing changed', [web], ''],
    [
      'an endpoint is replaced: one element',
      [{ ...web, backends: [web.backends[0]!, { ip: '10.244.1.9', port: 8080 }] }],
      `delete element ip t endpoints { 10.96.0.20 . tcp . 80 . 2 : 10.244.1.3 . 8080 }
delete element ip t hairpin { 10.244.1.3 . 10.244.1.3 }
add element ip t endpoints { 10.96.0.20 . tcp . 80 . 2 : 10.244.1.9 . 8080 }
add element ip t hairpin { 10.244.1.9 . 10.244.1.9 }
`,
    ],
    [
      'an endpoint leaves: another number of slots, so another chain',
      [{ ...web, backends: [web.backends[0]!] }],
      `add chain ip t vip-1
add rule ip t vip-1 ct mark set 1
add rule ip t vip-1 dnat ip to ip daddr . meta l4proto . th dport . ct mark map @endpoints
delete element ip t services { 10.96.0.20 . tcp . 80 : goto vip-2 }
delete element ip t endpoints { 10.96.0.20 . tcp . 80 . 2 : 10.244.1.3 . 8080 }
delete element ip t hairpin { 10.244.1.3 . 10.244.1.3 }
add element ip t services { 10.96.0.20 . tcp . 80 : goto vip-1 }
flush chain ip t vip-2
delete chain ip t vip-2
`,
    ],
  ])('%s', (_name, ports, script) => {
    expect(renderChange('t', first, buildRuleset(ports, first))).toBe(script);
  });
});

const nodePort: VirtualPort = { ...web, ip: undefined, port: 30080, masquerade: 'never' };
const sticky: VirtualPort = { ...web, ip: '10.96.0.21', affinitySeconds: 600 };
const silent: VirtualPort = { ...web, ip: '10.96.0.22', protocol: 'UDP', backends: [] };

test.skipIf(process.getuid?.() !== 0 || spawnSync('nft', ['--version']).status !== 0)(
  'the kernel takes the table and every change of it',
  () => {
    const states = [[], [web], [web, nodePort, sticky, silent], [{ ...web, backends: [] }, sticky], []];
    let before = emptyRuleset;
    let script = '';
    for (const ports of states) {
      const after = buildRuleset(ports, before);
      script += script === '' ? renderTable('knarr-test', '10.244.0.0/16', after) : renderChange('knarr-test', before, after);
      before = after;
      // Each state on top of the ones before it, in a network namespace of its own that ends with the command.
      const { status, stderr } = spawnSync('unshare', ['--net', 'nft', '-f', '-'], { input: script, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
  },
);

test('an address that two Services claim stays with the first', () => {
  const other: VirtualPort = { ...web, service: 'shop/thief', backends: [{ ip: '10.244.9.9', port: 1 }] };
  expect([...buildRuleset([web, other], emptyRuleset).endpoints.values()]).toEqual(['10.244.1.2 . 8080', '10.244.1.3 . 8080']);
});

test('connections of a UDP endpoint that left are forgotten, of a TCP one not', () => {
  const dns: VirtualPort = { ...web, ip: '10.96.0.10', protocol: 'UDP', port: 53 };
  const before = buildRuleset([web, dns], emptyRuleset);
  const after = buildRuleset(
    [web, dns].map((port) => ({ ...port, backends: [port.backends[0]!] })),
    before,
  );
  expect(staleConnections(before, after)).toEqual([['-p', 'udp', '--orig-dst', '10.96.0.10', '--dst-nat', '10.244.1.3']]);
});
