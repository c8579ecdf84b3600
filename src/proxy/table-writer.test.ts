import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { type Ctx, type Random, seededRandom, silentLogger, systemClock } from '../base/index.ts';
import { PortClaims } from './port-claims.ts';
import { runToolIn } from './run-tool.ts';
import { virtualPortsOf } from './service-ports.ts';
import { nearOffset } from './shared-chain.ts';
import type { TableOptions } from './table-frame.ts';
import { TableWriter } from './table-writer.ts';
import { canTest } from './testdata/test-node.ts';

const namespace = `knarr-test-proxy-${process.pid}-equal`;
const run = runToolIn(['nsenter', `--net=/run/netns/${namespace}`]);
const ctx: Ctx = { signal: new AbortController().signal, log: silentLogger };
const context = { nodeName: 'here', nodeIps: ['192.0.2.1', '2001:db8:1::1'], zone: undefined };

const optionsFor = (name: string): TableOptions => ({
  name,
  families: ['IPv4', 'IPv6'],
  podCidrs: { IPv4: '10.244.0.0/16', IPv6: 'fd00:244::/32' },
  serviceCidrs: { IPv4: ['10.96.0.0/16'], IPv6: ['fd00:96::/64'] },
  masqueradeMark: 0x4000,
  balance: 'random',
});

interface Given {
  readonly service: corev1.Service;
  readonly slices: readonly discoveryv1.EndpointSlice[];
}

/** A Service of any kind with any number of endpoints. */
function anyService(random: Random, index: number): Given {
  const one = <T>(...choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)]!;
  const metadata = {
    name: `s${index}`,
    namespace: 'test',
    uid: `${index}`,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const clusterIPs = [`10.96.0.${index}`, `fd00:96::${index}`];
  const protocol = one('TCP', 'UDP', 'SCTP');
  const service: corev1.Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: one('ClusterIP', 'NodePort', 'LoadBalancer'),
      clusterIP: clusterIPs[0]!,
      clusterIPs: clusterIPs.slice(0, one(1, 2)),
      externalTrafficPolicy: one('Cluster', 'Local'),
      internalTrafficPolicy: one('Cluster', 'Cluster', 'Local'),
      sessionAffinity: one('None', 'None', 'ClientIP'),
      // Two Services may claim one external address.
      externalIPs: one<string[]>([], ['203.0.113.1', '2001:db8:9::1']),
      loadBalancerSourceRanges: one<string[]>([], ['192.0.2.0/24'], ['192.0.0.0/16', '192.0.2.0/24']),
      ports: [{ name: 'a', protocol, port: 80, ...(one(true, false) && { nodePort: 30_000 + index }) }],
    },
    status: { loadBalancer: { ingress: one<{ ip: string }[]>([], [{ ip: `203.0.113.${100 + index}` }]) } },
  };
  const count = one(0, 1, 2, 3, 7);
  const slices = (['IPv4', 'IPv6'] as const).map((addressType): discoveryv1.EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType,
    ports: [{ name: 'a', protocol, port: one(8080, 8081) }],
    endpoints: Array.from({ length: count }, () => ({
      addresses: [(addressType === 'IPv4' ? '10.244.1.' : 'fd00:244:1::') + one(2, 3, 4, 5, 6, 7, 8, 9, 10, 11)],
      nodeName: one('here', 'there'),
      conditions: { ready: one(true, true, true, false) },
    })),
  }));
  return { service, slices };
}

function claim(claims: PortClaims, name: string, given: Given | undefined): Set<string> {
  return claims.set(name, '2026', given ? virtualPortsOf(given.service, given.slices, context) : []);
}

interface Listed {
  readonly map?: { readonly name: string; readonly elem?: readonly unknown[] };
  readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string; readonly expr: unknown };
}

/** All that a table says but its name, in an order that does not depend on when it was said; which endpoint stands in which slot is left out. */
async function tableOf(family: 'ip' | 'ip6', name: string): Promise<string[]> {
  const { stdout } = await run(['nft', '-j', 'list', 'table', family, name], {});
  const { nftables } = JSON.parse(stdout) as { nftables: readonly Listed[] };
  const rules = new Map<string, number>();
  const lines = nftables.flatMap(({ map, set, chain, rule }): string[] => {
    const held = map ?? set;
    if (held) {
      const texts = (held.elem ?? []).map((each) => JSON.stringify(withoutSlot(held.name, each))).toSorted();
      return texts.map((text) => `${held.name} ${text}`);
    }
    if (chain) return [`chain ${chain.name}`];
    if (!rule) return [];
    const at = (rules.get(rule.chain) ?? 0) + 1;
    rules.set(rule.chain, at);
    return [`rule ${rule.chain} ${at} ${JSON.stringify(rule.expr)}`];
  });
  return lines.toSorted();
}

/** Slots are told apart by what they are for; that they have no holes follows from the number of elements. */
function withoutSlot(map: string, element: unknown): unknown {
  if (map !== 'endpoints' && map !== 'picks') return element;
  const [{ concat }, value] = element as [{ concat: [string, string, number, number] }, unknown];
  const slot = concat[3];
  return [concat.slice(0, 3), slot >= nearOffset ? 'near' : 'all', value];
}

describe.skipIf(!canTest)('a table that was changed step by step', { timeout: 60_000 }, () => {
  beforeAll(() => void spawnSync('ip', ['netns', 'add', namespace]));
  afterAll(() => void spawnSync('ip', ['netns', 'del', namespace]));

  test.each([1, 2, 3])('is the same as one that is built anew, whatever the steps were (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const services = new Map<string, Given>();
    const claims = new PortClaims(context.nodeIps);
    const writer = new TableWriter(optionsFor('steps'), systemClock, run);
    expect(await writer.rewrite(claims, ctx)).toEqual([]);
    for (let step = 1; step <= 24; step++) {
      const touched = new Set<string>();
      for (let change = 0; change <= random.next() * 4; change++) {
        const index = 1 + Math.floor(random.next() * 12);
        const given = random.next() < 0.25 ? undefined : anyService(random, index);
        if (given) services.set(`test/s${index}`, given);
        else services.delete(`test/s${index}`);
        for (const key of claim(claims, `test/s${index}`, given)) touched.add(key);
      }
      expect(await writer.apply(touched, claims, ctx)).toEqual([]);
      if (step % 4 !== 0) continue;
      await writer.tidy(ctx);
      const anew = new PortClaims(context.nodeIps);
      for (const [name, given] of services) claim(anew, name, given);
      expect(await new TableWriter(optionsFor('anew'), systemClock, run).rewrite(anew, ctx)).toEqual([]);
      for (const family of ['ip', 'ip6'] as const) expect(await tableOf(family, 'steps')).toEqual(await tableOf(family, 'anew'));
    }
  });
});
