import { describe, expect, test } from 'vitest';
import { portKey } from './port-elements.ts';
import { Ruleset } from './ruleset.ts';
import type { VirtualPort } from './service-ports.ts';
import type { TableOptions } from './table-frame.ts';

const options: TableOptions = {
  name: 't',
  families: ['IPv4'],
  podCidrs: { IPv4: '10.244.0.0/16' },
  serviceCidrs: { IPv4: ['10.96.0.0/16'] },
  masqueradeMark: 0x4000,
  balance: 'random',
};
const here = { ip: '10.244.1.2', port: 8080 };
const there = { ip: '10.244.2.2', port: 8080 };
const web: VirtualPort = {
  service: 'shop/web',
  family: 'IPv4',
  kind: 'clusterIP',
  ip: '10.96.0.20',
  protocol: 'TCP',
  port: 80,
  backends: [here, there],
  shortCircuit: undefined,
  whenEmpty: 'reject',
  affinitySeconds: undefined,
  masquerade: 'unlessPod',
  allowedSources: undefined,
};

/** The transaction of each step; a step says how a port is wanted, or that it is not. */
function transactions(given: TableOptions, ...steps: readonly { readonly port: VirtualPort; readonly gone?: boolean }[]): string[] {
  const ruleset = new Ruleset(given);
  return steps.map(({ port, gone }) => {
    const draft = ruleset.draft();
    draft.set(portKey(port.ip!, port), gone ? undefined : port);
    const text = draft.render();
    draft.commit();
    return text;
  });
}
const last = (...steps: readonly { readonly port: VirtualPort; readonly gone?: boolean }[]): string =>
  transactions(options, ...steps).at(-1)!;

describe('the table without a Service', () => {
  test('drops what goes to addresses of Services that do not exist, and refuses other ports of those that do', () => {
    expect(new Ruleset(options).renderFrame()).toMatchInlineSnapshot(`
      "add table ip t
      delete table ip t
      table ip t {
        map services { type ipv4_addr . inet_proto . inet_service : verdict; }
        map near-services { type ipv4_addr . inet_proto . inet_service : verdict; }
        map far-services { type ipv4_addr . inet_proto . inet_service : verdict; }
        map endpoints { typeof rt ip nexthop . meta l4proto . tcp dport . numgen random mod 65536 : rt ip nexthop . tcp dport; }
        map picks { typeof rt ip nexthop . meta l4proto . tcp dport . numgen random mod 65536 : ct mark; }
        map sticky { type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service; }
        map affinity { type mark : mark; flags dynamic,timeout; size 65536; }
        map no-endpoints { type ipv4_addr . inet_proto . inet_service : verdict; }
        map firewall { type ipv4_addr . inet_proto . inet_service : verdict; }
        set hairpin { type ipv4_addr . ipv4_addr; }
        set cluster-ips { type ipv4_addr; }
        chain refuse {
          meta l4proto tcp reject with tcp reset
          reject
        }
        chain by-source {
          ip saddr 10.244.0.0/16 ip daddr . meta l4proto . th dport vmap @near-services
          fib saddr type local meta mark set meta mark | 16384
          fib saddr type local ip daddr . meta l4proto . th dport vmap @near-services
          ip daddr . meta l4proto . th dport vmap @far-services
        }
        chain balance {
          ip daddr . meta l4proto . th dport vmap @services
        }
        chain firewall-check {
          ip daddr . meta l4proto . th dport vmap @firewall
        }
        chain endpoints-check {
          ip daddr . meta l4proto . th dport vmap @no-endpoints
        }
        chain cluster-ips-check {
          ip daddr @cluster-ips goto refuse comment "ports that no Service has"
          ip daddr { 10.96.0.0/16 } drop comment "addresses that no Service has"
        }
        chain before-nat-prerouting {
          type filter hook prerouting priority -110; policy accept;
          ct state new jump firewall-check
        }
        chain before-nat-output {
          type filter hook output priority -110; policy accept;
          ct state new jump firewall-check
        }
        chain nat-prerouting {
          type nat hook prerouting priority -100; policy accept;
          jump balance
        }
        chain nat-output {
          type nat hook output priority -100; policy accept;
          jump balance
        }
        chain nat-postrouting {
          type nat hook postrouting priority 100; policy accept;
          ct status dnat ip saddr . ip daddr @hairpin meta mark set meta mark | 16384
          meta mark & 16384 != 16384 return
          meta mark set meta mark ^ 16384
          masquerade fully-random
        }
        chain filter-input {
          type filter hook input priority 0; policy accept;
          ct state new jump endpoints-check
        }
        chain filter-forward {
          type filter hook forward priority 0; policy accept;
          ct state new jump endpoints-check
          ct state new jump cluster-ips-check
        }
        chain filter-output {
          type filter hook output priority 0; policy accept;
          ct state new jump endpoints-check
          ct state new jump cluster-ips-check
        }
      }
      "
    `);
  });
});

describe('a Service in the table', () => {
  test('leads to a chain for its number of endpoints, and its slots to the endpoints', () => {
    expect(last({ port: web })).toMatchInlineSnapshot(`
      "add chain ip t masquerade-others-2
      add rule ip t masquerade-others-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 16384
      add rule ip t masquerade-others-2 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
      add rule ip t masquerade-others-2 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
      add rule ip t masquerade-others-2 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add element ip t endpoints { 10.96.0.20 . tcp . 80 . 0 : 10.244.1.2 . 8080, 10.96.0.20 . tcp . 80 . 1 : 10.244.2.2 . 8080 }
      add element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-2 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2, 10.244.2.2 . 10.244.2.2 }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
  test('without endpoints is refused', () => {
    expect(last({ port: { ...web, backends: [] } })).toMatchInlineSnapshot(`
      "add element ip t no-endpoints { 10.96.0.20 . tcp . 80 : goto refuse }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
  test('with endpoints on other nodes only, where its policy keeps traffic here, is dropped', () => {
    expect(last({ port: { ...web, backends: [], whenEmpty: 'drop' } })).toMatchInlineSnapshot(`
      "add element ip t no-endpoints { 10.96.0.20 . tcp . 80 : drop }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
  test('with session affinity remembers clients by a number for each endpoint', () => {
    expect(last({ port: { ...web, affinitySeconds: 600 } })).toMatchInlineSnapshot(`
      "add chain ip t masquerade-others-2-for-600
      add rule ip t masquerade-others-2-for-600 ip saddr != 10.244.0.0/16 meta mark set meta mark | 16384
      add rule ip t masquerade-others-2-for-600 ct mark set jhash ip saddr . ip daddr . meta l4proto . th dport mod 4294967295 seed 0x6b6e7272
      add rule ip t masquerade-others-2-for-600 ct mark set ct mark map @affinity
      add rule ip t masquerade-others-2-for-600 update @affinity { jhash ip saddr . ip daddr . meta l4proto . th dport mod 4294967295 seed 0x6b6e7272 timeout 600s : ct mark }
      add rule ip t masquerade-others-2-for-600 dnat ip to ip daddr . meta l4proto . th dport . ct mark map @sticky
      add rule ip t masquerade-others-2-for-600 delete @affinity { jhash ip saddr . ip daddr . meta l4proto . th dport mod 4294967295 seed 0x6b6e7272 : ct mark }
      add rule ip t masquerade-others-2-for-600 ct mark set ip daddr . meta l4proto . th dport . numgen random mod 2 map @picks
      add rule ip t masquerade-others-2-for-600 update @affinity { jhash ip saddr . ip daddr . meta l4proto . th dport mod 4294967295 seed 0x6b6e7272 timeout 600s : ct mark }
      add rule ip t masquerade-others-2-for-600 dnat ip to ip daddr . meta l4proto . th dport . ct mark map @sticky
      add element ip t picks { 10.96.0.20 . tcp . 80 . 0 : 317282318, 10.96.0.20 . tcp . 80 . 1 : 188249403 }
      add element ip t sticky { 10.96.0.20 . tcp . 80 . 317282318 : 10.244.1.2 . 8080, 10.96.0.20 . tcp . 80 . 188249403 : 10.244.2.2 . 8080 }
      add element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-2-for-600 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2, 10.244.2.2 . 10.244.2.2 }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
  test('whose outside traffic stays on the node tells by the source where packets may go', () => {
    const port: VirtualPort = {
      ...web,
      kind: 'externalIP',
      ip: '203.0.113.9',
      masquerade: 'never',
      backends: [here],
      shortCircuit: [here, there],
    };
    expect(last({ port })).toMatchInlineSnapshot(`
      "add chain ip t masquerade-never-2-near
      add rule ip t masquerade-never-2-near meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 offset 32768 map @endpoints
      add rule ip t masquerade-never-2-near dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 offset 32768 map @endpoints
      add rule ip t masquerade-never-2-near dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 offset 32768 map @endpoints
      add chain ip t masquerade-never-1
      add rule ip t masquerade-never-1 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add rule ip t masquerade-never-1 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add element ip t services { 203.0.113.9 . tcp . 80 : goto by-source }
      add element ip t endpoints { 203.0.113.9 . tcp . 80 . 32768 : 10.244.1.2 . 8080, 203.0.113.9 . tcp . 80 . 32769 : 10.244.2.2 . 8080, 203.0.113.9 . tcp . 80 . 0 : 10.244.1.2 . 8080 }
      add element ip t near-services { 203.0.113.9 . tcp . 80 : goto masquerade-never-2-near }
      add element ip t far-services { 203.0.113.9 . tcp . 80 : goto masquerade-never-1 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2, 10.244.2.2 . 10.244.2.2 }
      "
    `);
  });
  test('with source ranges drops the rest before it is led on; ranges within ranges are left out', () => {
    const port: VirtualPort = {
      ...web,
      kind: 'loadBalancerIP',
      ip: '203.0.113.5',
      masquerade: 'always',
      backends: [here],
      allowedSources: ['192.0.0.0/16', '192.0.2.0/24', '198.51.100.0/24'],
    };
    expect(last({ port })).toMatchInlineSnapshot(`
      "add chain ip t from-49e0c7e964e24735
      add rule ip t from-49e0c7e964e24735 ip saddr != { 192.0.0.0/16, 198.51.100.0/24 } drop
      add chain ip t masquerade-always-1
      add rule ip t masquerade-always-1 meta mark set meta mark | 16384
      add rule ip t masquerade-always-1 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add rule ip t masquerade-always-1 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add element ip t firewall { 203.0.113.5 . tcp . 80 : goto from-49e0c7e964e24735 }
      add element ip t endpoints { 203.0.113.5 . tcp . 80 . 0 : 10.244.1.2 . 8080 }
      add element ip t services { 203.0.113.5 . tcp . 80 : goto masquerade-always-1 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2 }
      "
    `);
  });
  test('that goes around has a chain of its own, so that it has its own turn', () => {
    expect(transactions({ ...options, balance: 'round-robin' }, { port: web })[0]).toMatchInlineSnapshot(`
      "add chain ip t masquerade-others-2-of-10.96.0.20/tcp/80
      add rule ip t masquerade-others-2-of-10.96.0.20/tcp/80 ip saddr != 10.244.0.0/16 meta mark set meta mark | 16384
      add rule ip t masquerade-others-2-of-10.96.0.20/tcp/80 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen inc mod 2 map @endpoints
      add rule ip t masquerade-others-2-of-10.96.0.20/tcp/80 dnat ip to ip daddr . meta l4proto . th dport . numgen inc mod 2 map @endpoints
      add rule ip t masquerade-others-2-of-10.96.0.20/tcp/80 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add element ip t endpoints { 10.96.0.20 . tcp . 80 . 0 : 10.244.1.2 . 8080, 10.96.0.20 . tcp . 80 . 1 : 10.244.2.2 . 8080 }
      add element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-2-of-10.96.0.20/tcp/80 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2, 10.244.2.2 . 10.244.2.2 }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
  test('of SCTP is as one of TCP', () => {
    expect(last({ port: { ...web, protocol: 'SCTP', backends: [here] } })).toMatchInlineSnapshot(`
      "add chain ip t masquerade-others-1
      add rule ip t masquerade-others-1 ip saddr != 10.244.0.0/16 meta mark set meta mark | 16384
      add rule ip t masquerade-others-1 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add rule ip t masquerade-others-1 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add element ip t endpoints { 10.96.0.20 . sctp . 80 . 0 : 10.244.1.2 . 8080 }
      add element ip t services { 10.96.0.20 . sctp . 80 : goto masquerade-others-1 }
      add element ip t hairpin { 10.244.1.2 . 10.244.1.2 }
      add element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
});

describe('a change in the table', () => {
  test('of nothing is nothing', () => {
    expect(last({ port: web }, { port: { ...web } })).toBe('');
  });
  test('of an endpoint is a change of its slot', () => {
    expect(last({ port: web }, { port: { ...web, backends: [here, { ip: '10.244.3.3', port: 8080 }] } })).toMatchInlineSnapshot(`
      "delete element ip t endpoints { 10.96.0.20 . tcp . 80 . 1 : 10.244.2.2 . 8080 }
      delete element ip t hairpin { 10.244.2.2 . 10.244.2.2 }
      add element ip t endpoints { 10.96.0.20 . tcp . 80 . 1 : 10.244.3.3 . 8080 }
      add element ip t hairpin { 10.244.3.3 . 10.244.3.3 }
      "
    `);
  });
  test('to fewer endpoints leads to the chain of that number', () => {
    expect(last({ port: web }, { port: { ...web, backends: [there] } })).toMatchInlineSnapshot(`
      "add chain ip t masquerade-others-1
      add rule ip t masquerade-others-1 ip saddr != 10.244.0.0/16 meta mark set meta mark | 16384
      add rule ip t masquerade-others-1 meta l4proto tcp dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      add rule ip t masquerade-others-1 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
      delete element ip t endpoints { 10.96.0.20 . tcp . 80 . 0 : 10.244.1.2 . 8080, 10.96.0.20 . tcp . 80 . 1 : 10.244.2.2 . 8080 }
      delete element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-2 }
      delete element ip t hairpin { 10.244.1.2 . 10.244.1.2 }
      add element ip t endpoints { 10.96.0.20 . tcp . 80 . 0 : 10.244.2.2 . 8080 }
      add element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-1 }
      "
    `);
  });
  test('that removes a Service removes all that was its own', () => {
    expect(last({ port: web }, { port: web, gone: true })).toMatchInlineSnapshot(`
      "delete element ip t endpoints { 10.96.0.20 . tcp . 80 . 0 : 10.244.1.2 . 8080, 10.96.0.20 . tcp . 80 . 1 : 10.244.2.2 . 8080 }
      delete element ip t services { 10.96.0.20 . tcp . 80 : goto masquerade-others-2 }
      delete element ip t hairpin { 10.244.1.2 . 10.244.1.2, 10.244.2.2 . 10.244.2.2 }
      delete element ip t cluster-ips { 10.96.0.20 }
      "
    `);
  });
});
