import { describe, expect, test } from 'vitest';
import { type corev1, parseAddressPool } from '../../api/index.ts';
import { planAddresses, type PlanInput, wantsLoadBalancer } from './plan.ts';

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function service(spec: Partial<corev1.ServiceSpec> = {}, annotations: Record<string, string> = {}): corev1.Service {
  const ports = [{ port: 80, protocol: 'TCP' as const }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, annotations },
    spec: { type: 'LoadBalancer', ports, ipFamilies: ['IPv4'], ...spec },
    status: {},
  };
}

function node(name: string, ip: string, over: { readonly ready?: string; readonly labels?: Record<string, string> } = {}): corev1.Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...metadata, name, labels: over.labels ?? {} },
    spec: {},
    status: {
      addresses: [{ type: 'InternalIP', address: ip }],
      conditions: [{ type: 'Ready', status: over.ready ?? 'True', reason: '', message: '' }],
    },
  };
}

const nodes = [node('b', '10.0.0.2'), node('a', '10.0.0.1'), node('c', '10.0.0.3', { ready: 'Unknown' })];
const taken = { key: 'shop/first', ips: ['10.0.0.1', '10.0.0.2'], ports: [{ port: 80, protocol: 'TCP' as const }] };

function explain(given: corev1.Service, over: Partial<PlanInput> & { readonly ranges?: string } = {}): string {
  const { ranges = '', ...rest } = over;
  const input = { current: [], others: [], nodes, nodesWithEndpoints: new Set<string>(), pool: parseAddressPool(ranges), ...rest };
  const plan = planAddresses({ service: given, ...input });
  return plan.type === 'have' ? plan.ips.join(' ') || 'none' : `refused: ${plan.message}`;
}

describe('addresses of nodes', () => {
  const local = service({ externalTrafficPolicy: 'Local' });
  test.each<[string, corev1.Service, Partial<PlanInput>, string]>([
    ['every Ready node', service(), {}, '10.0.0.1 10.0.0.2'],
    ['no node is Ready: what it has stays', service(), { nodes: [], current: ['10.0.0.9'] }, '10.0.0.9'],
    ['local policy: nodes with endpoints', local, { nodesWithEndpoints: new Set(['b', 'c']) }, '10.0.0.2'],
    ['local policy without endpoints: all', local, {}, '10.0.0.1 10.0.0.2'],
    [
      'a node that is left out',
      service(),
      { nodes: [node('a', '10.0.0.1', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } })] },
      'none',
    ],
    ['an asked-for node', service({ loadBalancerIP: '10.0.0.2' }), {}, '10.0.0.2'],
    [
      'an asked-for address that no node has',
      service({ loadBalancerIP: '10.0.0.7' }),
      {},
      'refused: the address 10.0.0.7 that is asked for is not one of a node that can serve',
    ],
    ['another port beside', service({ ports: [{ port: 81 }] }), { others: [taken] }, '10.0.0.1 10.0.0.2'],
    ['the port of another protocol', service({ ports: [{ port: 80, protocol: 'UDP' }] }), { others: [taken] }, '10.0.0.1 10.0.0.2'],
    ['a taken port', service(), { others: [taken] }, 'refused: port 80/TCP of the nodes\' addresses is taken by Service "shop/first"'],
    ["the kubelet's port", service({ ports: [{ port: 10250 }] }), {}, "refused: port 10250/TCP of the nodes' addresses is the nodes' own"],
    ['no such family', service({ ipFamilies: ['IPv6'] }), {}, 'none'],
  ])('%s', (_name, given, over, expected) => {
    expect(explain(given, over)).toBe(expected);
  });
});

describe('addresses of a pool', () => {
  const ranges = '10.9.0.5-10.9.0.6, 10.9.1.0/31, fd00::/120';
  const asked = (ips: string): corev1.Service => service({}, { 'knarr.io/load-balancer-ips': ips });
  const dual: Partial<corev1.ServiceSpec> = { ipFamilies: ['IPv4', 'IPv6'] };
  test.each<[string, corev1.Service, Partial<PlanInput> & { readonly ranges?: string }, string]>([
    ['the first that is free', service(), {}, '10.9.0.5'],
    ['one that nobody has', service(), { others: [{ ...taken, ips: ['10.9.0.5', '10.9.0.6'] }] }, '10.9.1.0'],
    ['what it has it keeps', service(), { current: ['10.9.1.1'] }, '10.9.1.1'],
    ['an address that left the pool is given back', service(), { current: ['10.8.0.1'] }, '10.9.0.5'],
    ['one of each family', service(dual), {}, '10.9.0.5 fd00::'],
    ['a family that the pool lacks may be missing', service(dual), { ranges: '10.9.0.5' }, '10.9.0.5'],
    [
      'unless both are required',
      service({ ...dual, ipFamilyPolicy: 'RequireDualStack' }),
      { ranges: '10.9.0.5' },
      'refused: the pool has no free IPv6 address',
    ],
    ['an asked-for address', asked('10.9.1.1'), { current: ['10.9.0.5'] }, '10.9.1.1'],
    ['one outside of the pool', asked('192.0.2.1'), {}, 'refused: the address 192.0.2.1 that is asked for is not in the pool'],
    [
      'sharing is refused',
      asked('10.9.0.5'),
      { others: [{ ...taken, ips: ['10.9.0.5'], ports: [] }] },
      'refused: the address 10.9.0.5 that is asked for is taken by Service "shop/first"',
    ],
    ['nonsense', asked('1.2.3.4; drop'), {}, 'refused: "1.2.3.4; drop" that is asked for is no address'],
    ['all are taken', service(), { ranges: '10.0.0.1', others: [taken] }, 'refused: the pool has no free IPv4 address'],
    ['the class of node addresses', service({ loadBalancerClass: 'knarr.io/node-addresses' }), {}, '10.0.0.1 10.0.0.2'],
    [
      'the class of the pool, where there is none',
      service({ loadBalancerClass: 'knarr.io/pool' }),
      { ranges: '' },
      'refused: the pool has no free IPv4 address',
    ],
    [
      'a class that is none',
      service({ loadBalancerClass: 'knarr.io/moon' }),
      {},
      'refused: there is no load balancer class "knarr.io/moon": knarr.io/node-addresses and knarr.io/pool are',
    ],
  ])('%s', (_name, given, over, expected) => {
    expect(explain(given, { ranges, ...over })).toBe(expected);
  });
});

test('ranges that are none are named, the others count', () => {
  const { ranges, invalid } = parseAddressPool('10.0.0.9-10.0.0.1,::1-10.0.0.1,1.2.3.4-1.2.3.5-1.2.3.6,x,10.0.0.1');
  expect(ranges).toHaveLength(1);
  expect(invalid).toEqual(['10.0.0.9-10.0.0.1', '::1-10.0.0.1', '1.2.3.4-1.2.3.5-1.2.3.6', 'x']);
});

test('another balancer’s class is left alone', () => {
  expect(wantsLoadBalancer(service({ loadBalancerClass: 'example.com/lb' }))).toBe(false);
  expect(wantsLoadBalancer(service({ type: 'NodePort' }))).toBe(false);
});
