import { describe, expect, test } from 'vitest';
import type { corev1, discoveryv1 } from '../api/index.ts';
import { type Backend, type VirtualPort, virtualPortsOf } from './service-ports.ts';

const meta = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function service(
  spec: Partial<corev1.ServiceSpec>,
  { status = {}, ...metadata }: Partial<corev1.Service['metadata']> & { status?: corev1.ServiceStatus } = {},
): corev1.Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...meta, ...metadata },
    spec: { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
    status,
  };
}

function slice(endpoints: readonly discoveryv1.Endpoint[], over: Partial<discoveryv1.EndpointSlice> = {}): discoveryv1.EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...meta, name: 'web-1' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
    ...over,
  };
}

const endpoint = (
  ip: string,
  nodeName: string,
  conditions: discoveryv1.EndpointConditions = { ready: true },
  hints?: discoveryv1.EndpointHints,
): discoveryv1.Endpoint => ({ addresses: [ip], nodeName, conditions, ...(hints && { hints }) });

const here = endpoint('10.244.1.2', 'a');
const there = endpoint('10.244.2.2', 'b');
const two = [here, there];
const unready = { ready: false, serving: false };
const ending = { ready: false, serving: true, terminating: true };
const endingHere = endpoint('10.244.1.9', 'a', ending);
const endingThere = endpoint('10.244.2.9', 'b', ending);
const nodePort: Partial<corev1.ServiceSpec> = { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] };
const balancer: Partial<corev1.ServiceSpec> = { type: 'LoadBalancer', ports: [{ name: 'http', port: 80 }] };
const balanced = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.8' }] } } };

const ips = (backends: readonly Backend[]): string => backends.map(({ ip }) => ip).join(',');

/** One line a virtual port: address, endpoints, and what is special. */
function line({ ip, port, backends, whenEmpty, affinitySeconds, masquerade, shortCircuit, allowedSources }: VirtualPort): string {
  const words = [`${ip ?? 'node'}:${port} → ${ips(backends) || whenEmpty}`];
  if (affinitySeconds !== undefined) words.push(`sticky ${affinitySeconds}`);
  if (masquerade !== 'unlessPod') words.push(masquerade === 'always' ? 'masquerade' : 'keep');
  if (shortCircuit) words.push(`(inside ${ips(shortCircuit) || whenEmpty})`);
  if (allowedSources) words.push(`from [${allowedSources.join(' ')}]`);
  return words.join(' ');
}

function explain(given: corev1.Service, slices: readonly discoveryv1.EndpointSlice[] = [slice(two)], zone?: string): string[] {
  return virtualPortsOf(given, slices, { nodeName: 'a', zone, nodeIps: ['172.30.0.1'] }).map(line);
}

describe('what a Service means on node a', () => {
  test.each<[string, corev1.Service, string[]]>([
    ['cluster IP', service({}), ['10.96.0.20:80 → 10.244.1.2,10.244.2.2']],
    ['headless', service({ clusterIP: 'None' }), []],
    ['ExternalName', service({ type: 'ExternalName' }), []],
    ['not yet given an address', service({ clusterIP: '', clusterIPs: [] }), []],
    ['another proxy serves it', service({}, { labels: { 'service.kubernetes.io/service-proxy-name': '' } }), []],
    ['marked headless', service({}, { labels: { 'service.kubernetes.io/headless': '' } }), []],
    ['node port', service(nodePort), ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', 'node:30080 → 10.244.1.2,10.244.2.2 masquerade']],
    [
      'node port with local policy',
      service({ ...nodePort, externalTrafficPolicy: 'Local' }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', 'node:30080 → 10.244.1.2 keep (inside 10.244.1.2,10.244.2.2)'],
    ],
    ['internal local policy', service({ internalTrafficPolicy: 'Local' }), ['10.96.0.20:80 → 10.244.1.2']],
    [
      'internal local policy does not bind traffic from outside',
      service({ ...nodePort, internalTrafficPolicy: 'Local' }),
      ['10.96.0.20:80 → 10.244.1.2', 'node:30080 → 10.244.1.2,10.244.2.2 masquerade'],
    ],
    ['affinity', service({ sessionAffinity: 'ClientIP' }), ['10.96.0.20:80 → 10.244.1.2,10.244.2.2 sticky 10800']],
    [
      'affinity with a time of its own',
      service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } } }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2 sticky 7'],
    ],
    [
      'external addresses',
      service({ externalIPs: ['192.0.2.7', '192.0.2.7', '2001:db8::7', 'nonsense'] }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', '192.0.2.7:80 → 10.244.1.2,10.244.2.2 masquerade'],
    ],
    [
      'external addresses with local policy',
      service({ externalIPs: ['192.0.2.7'], externalTrafficPolicy: 'Local' }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', '192.0.2.7:80 → 10.244.1.2 keep (inside 10.244.1.2,10.244.2.2)'],
    ],
    [
      'a load balancer without node ports',
      service(balancer, balanced),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2', '192.0.2.8:80 → 10.244.1.2,10.244.2.2 masquerade'],
    ],
    [
      'a load balancer that proxies by itself, and one that has only a name',
      service(balancer, { status: { loadBalancer: { ingress: [{ ip: '192.0.2.8', ipMode: 'Proxy' }, { hostname: 'lb.example' }] } } }),
      ['10.96.0.20:80 → 10.244.1.2,10.244.2.2'],
    ],
    ['a port that no slice has', service({ ports: [{ name: 'other', port: 81 }] }), ['10.96.0.20:81 → reject']],
    ['a protocol that no slice has', service({ ports: [{ name: 'http', port: 80, protocol: 'UDP' }] }), ['10.96.0.20:80 → reject']],
  ])('%s', (_name, given, expected) => {
    expect(explain(given)).toEqual(expected);
  });
});

describe('who may come by a load balancer', () => {
  const ranges = (...loadBalancerSourceRanges: string[]): corev1.Service => service({ ...balancer, loadBalancerSourceRanges }, balanced);
  test.each<[string, corev1.Service, string]>([
    ['ranges are written anew, host bits cleared', ranges('203.0.113.77/24', ' 10.0.0.0/8'), 'from [10.0.0.0/8 203.0.113.0/24]'],
    ['a range that is none costs only itself', ranges('203.0.113.0/24', '} drop; {'), 'from [203.0.113.0/24]'],
    ['where no range is one, nobody may', ranges('all'), 'from []'],
    ['ranges of another family do not bind this one', ranges('2001:db8::/32'), ''],
    ['a range with the node lets its own balancer addresses through', ranges('172.30.0.0/16'), 'from [172.30.0.0/16 192.0.2.8/32]'],
    [
      'the annotation of old',
      service(balancer, {
        ...balanced,
        annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.1.0.0/16, 10.2.0.0/16' },
      }),
      'from [10.1.0.0/16 10.2.0.0/16]',
    ],
  ])('%s', (_name, given, expected) => {
    expect(explain(given)).toEqual([
      '10.96.0.20:80 → 10.244.1.2,10.244.2.2',
      `192.0.2.8:80 → 10.244.1.2,10.244.2.2 masquerade ${expected}`.trim(),
    ]);
  });
});

describe('endpoints that end', () => {
  const local = service({ ...nodePort, externalTrafficPolicy: 'Local' });
  const notReady = endpoint('10.244.1.7', 'a', unready);
  test.each<[string, corev1.Service, discoveryv1.Endpoint[], string[]]>([
    ['are not used while one is ready', service({}), [...two, endingHere], ['10.96.0.20:80 → 10.244.1.2,10.244.2.2']],
    ['are used while none is ready', service({}), [endingHere, notReady], ['10.96.0.20:80 → 10.244.1.9']],
    ['are not used once they no longer serve', service({}), [notReady], ['10.96.0.20:80 → reject']],
    [
      'are used on this node by the local policy alone, when others are ready elsewhere',
      local,
      [endingHere, there],
      ['10.96.0.20:80 → 10.244.2.2', 'node:30080 → 10.244.1.9 keep (inside 10.244.2.2)'],
    ],
    [
      'elsewhere are used by the cluster policy alone',
      local,
      [endingThere, notReady],
      ['10.96.0.20:80 → 10.244.2.9', 'node:30080 → drop keep (inside 10.244.2.9)'],
    ],
    ['all gone: refused, not dropped', local, [], ['10.96.0.20:80 → reject', 'node:30080 → reject keep (inside reject)']],
    [
      'that are published all the same are ready ones',
      service({ publishNotReadyAddresses: true }),
      [endpoint('10.244.1.2', 'a', { ready: true, serving: false, terminating: true })],
      ['10.96.0.20:80 → 10.244.1.2'],
    ],
  ])('%s', (_name, given, endpoints, expected) => {
    expect(explain(given, [slice(endpoints)])).toEqual(expected);
  });

  test('with a local policy and endpoints elsewhere only, packets are dropped, not refused', () => {
    expect(explain(service({ internalTrafficPolicy: 'Local' }), [slice([there])])).toEqual(['10.96.0.20:80 → drop']);
  });
});

describe('topology', () => {
  const zones = (...names: string[]): discoveryv1.EndpointHints => ({ forZones: names.map((name) => ({ name })) });
  const nodes = (name: string, zone: string): discoveryv1.EndpointHints => ({ forNodes: [{ name }], forZones: [{ name: zone }] });
  const ready = { ready: true };
  const east = endpoint('10.244.1.2', 'a', ready, zones('east'));
  const west = endpoint('10.244.2.2', 'b', ready, zones('west'));
  const both = '10.244.1.2,10.244.2.2';
  test.each<[string, string | undefined, discoveryv1.Endpoint[], string]>([
    ['the zone has endpoints', 'east', [east, west], '10.244.1.2'],
    ['the node moved to another zone', 'west', [east, west], '10.244.2.2'],
    ['the node has no zone', undefined, [east, west], both],
    ['no endpoint is for the zone', 'north', [east, west], both],
    ['one endpoint has no hint', 'east', [east, there], both],
    ['an endpoint that is not ready needs no hint', 'west', [endpoint('10.244.1.3', 'a', unready), west], '10.244.2.2'],
    ['an endpoint for several zones', 'west', [endpoint('10.244.1.2', 'a', ready, zones('east', 'west')), west], both],
    [
      'this node has an endpoint of its own',
      'west',
      [endpoint('10.244.1.2', 'a', ready, nodes('a', 'east')), endpoint('10.244.2.2', 'b', ready, nodes('b', 'west'))],
      '10.244.1.2',
    ],
    [
      'without one on this node, the zone decides',
      'west',
      [endpoint('10.244.1.2', 'c', ready, nodes('c', 'east')), endpoint('10.244.2.2', 'b', ready, nodes('b', 'west'))],
      '10.244.2.2',
    ],
    [
      'node hints count only when all ready endpoints have them',
      'west',
      [endpoint('10.244.1.2', 'a', ready, nodes('a', 'east')), west],
      '10.244.2.2',
    ],
    [
      'hints do not hold back endpoints that end, when none is ready',
      'west',
      [endpoint('10.244.1.2', 'a', ending, zones('east'))],
      '10.244.1.2',
    ],
  ])('%s', (_name, zone, endpoints, expected) => {
    expect(explain(service({}), [slice(endpoints)], zone)).toEqual([`10.96.0.20:80 → ${expected}`]);
  });

  test('the local policy does not ask for hints', () => {
    expect(explain(service({ internalTrafficPolicy: 'Local' }), [slice([east, west])], 'west')).toEqual(['10.96.0.20:80 → 10.244.1.2']);
  });
});

describe('several slices', () => {
  test('an endpoint that moves between slices counts once', () => {
    expect(explain(service({}), [slice([here, there]), slice([here])])).toEqual(['10.96.0.20:80 → 10.244.1.2,10.244.2.2']);
  });

  test('each family has its own address and endpoints', () => {
    const v6 = slice([endpoint('FD00::0001', 'a')], { addressType: 'IPv6' });
    const dual = service({ clusterIPs: ['10.96.0.20', 'fd00:96::20'], externalIPs: ['2001:db8:0::7'] });
    expect(explain(dual, [slice([here]), v6])).toEqual([
      '10.96.0.20:80 → 10.244.1.2',
      'fd00:96::20:80 → fd00::1',
      '2001:db8::7:80 → fd00::1 masquerade',
    ]);
  });

  test('an address that is none is passed over, the others are served', () => {
    const hostile = endpoint('10.0.0.1 } ; flush ruleset', 'a');
    expect(explain(service({}), [slice([hostile, here, { addresses: [], conditions: {} }])])).toEqual(['10.96.0.20:80 → 10.244.1.2']);
  });

  test('a port without a name finds the port without a name', () => {
    const plain = slice([here], { ports: [{ port: 9000, protocol: 'TCP' }] });
    const given = service({ ports: [{ port: 80 }] });
    expect(virtualPortsOf(given, [plain, slice([there])], { nodeName: 'a', zone: undefined, nodeIps: [] })).toMatchObject([
      { service: 'shop/web', backends: [{ ip: '10.244.1.2', port: 9000 }] },
    ]);
  });

  test('pods of one name of port may serve it at different numbers', () => {
    const other = slice([there], { ports: [{ name: 'http', port: 9090, protocol: 'TCP' }] });
    expect(virtualPortsOf(service({}), [slice([here]), other], { nodeName: 'a', zone: undefined, nodeIps: [] })[0]!.backends).toEqual([
      { ip: '10.244.1.2', port: 8080 },
      { ip: '10.244.2.2', port: 9090 },
    ]);
  });

  test('a port without a number is nothing that can be served', () => {
    expect(explain(service({}), [slice([here], { ports: [{ name: 'http' }] })])).toEqual(['10.96.0.20:80 → reject']);
  });
});
