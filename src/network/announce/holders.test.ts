import { expect, test } from 'vitest';
import { type corev1, type discoveryv1, parseAddressPool } from '../../api/index.ts';
import { holdersOf } from './holders.ts';

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const pool = parseAddressPool('10.0.0.200-10.0.0.250,fd00::/120');

function service(ips: readonly string[], over: { readonly name?: string; readonly since?: string; readonly local?: boolean } = {}) {
  const { name = 'web', since = metadata.creationTimestamp, local = false } = over;
  const spec: corev1.ServiceSpec = { type: 'LoadBalancer', ...(local && { externalTrafficPolicy: 'Local' }) };
  const status = { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } };
  return { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, name, creationTimestamp: since }, spec, status } as corev1.Service;
}

function node(name: string, over: { readonly ready?: string; readonly labels?: Record<string, string> } = {}): corev1.Node {
  const conditions = [{ type: 'Ready', status: over.ready ?? 'True', reason: '', message: '' }];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...metadata, name, labels: over.labels ?? {} },
    spec: {},
    status: { conditions },
  };
}

/** Endpoints as `node`, `node ending` or `node gone`. */
function slice(...endpoints: readonly string[]): discoveryv1.EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints: endpoints.map((text) => {
      const [nodeName = '', state] = text.split(' ');
      const conditions = { ready: state === undefined, serving: state !== 'gone', terminating: state !== undefined };
      return { addresses: ['10.244.0.1'], nodeName, conditions };
    }),
  };
}

function explain(services: readonly corev1.Service[], nodes: readonly corev1.Node[], slices: readonly discoveryv1.EndpointSlice[] = []) {
  const holders = holdersOf({ services, nodes, pool, slicesOf: () => slices });
  return holders.map((each) => `${each.ip} of ${each.service.metadata.name} at ${each.node}`).toSorted();
}

const three = [node('a'), node('b'), node('c')];

test('one node holds an address, and every node says the same whatever the order it knows them in', () => {
  const said = explain([service(['10.0.0.200'])], three);
  expect(said).toHaveLength(1);
  expect(explain([service(['10.0.0.200'])], three.toReversed())).toEqual(said);
});

test('addresses are spread over the nodes, and only those of a node that goes move', () => {
  const many = service(Array.from({ length: 50 }, (_, index) => `10.0.0.${200 + index}`));
  const before = explain([many], three);
  for (const name of ['a', 'b', 'c']) expect(before.filter((each) => each.endsWith(` at ${name}`)).length).toBeGreaterThan(5);
  const after = explain([many], [node('a'), node('b'), node('c', { ready: 'Unknown' })]);
  expect(after).toHaveLength(50);
  expect(before.filter((each) => !after.includes(each)).every((each) => each.endsWith(' at c'))).toBe(true);
});

test('nodes that are not Ready, excluded or about to go hold nothing', () => {
  const excluded = node('b', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } });
  const going = { ...node('c'), spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' as const }] } };
  expect(explain([service(['10.0.0.200'])], [node('a'), excluded, going])).toEqual(['10.0.0.200 of web at a']);
  expect(explain([service(['10.0.0.200'])], [node('a', { ready: 'False' }), excluded, going])).toEqual([]);
});

test('with the policy Local a node with a ready endpoint holds it, then one whose endpoint ends, then nobody', () => {
  const local = [service(['10.0.0.200'], { local: true })];
  expect(explain(local, three, [slice('b', 'a ending')])).toEqual(['10.0.0.200 of web at b']);
  expect(explain(local, three, [slice('b gone', 'a ending')])).toEqual(['10.0.0.200 of web at a']);
  expect(explain(local, three, [slice('b gone')])).toEqual([]);
});

test('only addresses of the pool are answered for, each once, in their canonical text', () => {
  expect(explain([service(['10.9.0.1', '10.0.0.201', '10.0.0.201', 'fd00:0::7', 'nonsense'])], [node('a')])).toEqual([
    '10.0.0.201 of web at a',
    'fd00::7 of web at a',
  ]);
});

test('an address that two Services claim is of the older one', () => {
  const young = service(['10.0.0.200'], { name: 'young', since: '2026-02-01T00:00:00Z' });
  expect(explain([young, service(['10.0.0.200'])], [node('a')])).toEqual(['10.0.0.200 of web at a']);
});
