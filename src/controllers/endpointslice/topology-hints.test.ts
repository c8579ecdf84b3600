import { describe, expect, it } from 'vitest';
import type { corev1, discoveryv1 } from '../../api/index.ts';
import type { SlicePlan } from './pack.ts';
import { addTopologyHints, isOverloaded, wantsTopologyHints, zoneRatios } from './topology-hints.ts';

const ports = [{ name: 'web', port: 80, protocol: 'TCP' }];

/** `a>b` stands in zone a and serves b; `a!` is not ready. */
function endpoint(text: string, n: number): discoveryv1.Endpoint {
  const [zone = '', served] = text.replace('!', '').split('>');
  return {
    addresses: [`10.0.0.${n}`],
    conditions: { ready: !text.includes('!') },
    ...(zone && { zone }),
    ...(served && { hints: { forZones: [{ name: served }] } }),
  };
}
const endpoints = (text: string): discoveryv1.Endpoint[] => text.split(' ').filter(Boolean).map(endpoint);
const show = (list: readonly discoveryv1.Endpoint[]): string =>
  list.map(({ zone = '', hints }) => zone + (hints ? `>${hints.forZones!.map(({ name }) => name).join()}` : '')).join(' ');

function slice(name: string, text: string): discoveryv1.EndpointSlice {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports, endpoints: endpoints(text) };
}

/** Ratios as `a:0.5 b:0.5`; `standing` are slices that the plan leaves alone. */
function hint(ratios: string, created: string, standing: readonly string[] = []): string {
  const shares = new Map(
    ratios
      .split(' ')
      .filter(Boolean)
      .map((share) => [share.split(':')[0]!, Number(share.split(':')[1])]),
  );
  const existing = standing.map((text, i) => slice(`s${i}`, text));
  const create = created === '' ? [] : [{ ports, endpoints: endpoints(created) }];
  const plan: SlicePlan = { create, update: [], remove: [] };
  const outcome = addTopologyHints(plan, { existing, ratios: shares.size > 0 ? shares : undefined });
  const written = [
    ...outcome.plan.create.map((group) => `create ${show(group.endpoints)}`),
    ...outcome.plan.update.map((change) => `update ${change.slice.metadata.name} ${show(change.endpoints)}`),
  ];
  return [outcome.type === 'refused' ? outcome.reason : [...outcome.counts].map(([zone, n]) => `${zone}=${n}`).join(), ...written].join(
    '; ',
  );
}

describe('topology hints', () => {
  it.each([
    ['keep endpoints where they are while shares are even', 'a:0.5 b:0.5', 'a a b b', [], 'a=2,b=2; create a>a a>a b>b b>b'],
    ['give a zone without endpoints some of another', 'a:0.5 b:0.5', 'a a a a', [], 'a=2,b=2; create a>b a>b a>a a>a'],
    ['follow the shares of CPU', 'a:0.75 b:0.25', 'a a b b', [], 'a=3,b=1; create a>a a>a b>a b>b'],
    ['are not for endpoints that are not ready', 'a:0.5 b:0.5', 'a a! b', [], 'a=1,b=1; create a>a a b>b'],
    ['stay in slices that nobody changes', 'a:0.5 b:0.5', 'b', ['a>a'], 'a=1,b=1; create b>b'],
    ['are added to slices that have none', 'a:0.5 b:0.5', '', ['a b'], 'a=1,b=1; update s0 a>a b>b'],
    ['are made anew where a zone is no more', 'a:0.5 b:0.5', '', ['a>c b>b'], 'a=1,b=1; update s0 a>a b>b'],
    [
      'are made anew where one zone has too many',
      'a:0.5 b:0.5',
      'b b',
      ['a>a a>a a>a a>a'],
      'b=3,a=3; create b>b b>b; update s0 a>b a>a a>a a>a',
    ],
  ] as const)('%s', (_, ratios, created, standing, expected) => {
    expect(hint(ratios, created, standing)).toBe(expected);
  });

  it.each([
    ['without zones', '', 'a b', 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes; create a b'],
    ['for fewer endpoints than zones', 'a:0.5 b:0.5', 'a', 'Insufficient number of endpoints (1 endpoints, 2 zones); create a'],
    [
      'where the least of each zone is more than there are',
      'a:0.4 b:0.4 c:0.2',
      'a b c',
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones); create a b c',
    ],
  ])('are not given %s', (_, ratios, created, expected) => {
    expect(hint(ratios, created)).toBe(expected);
  });

  it('are taken from slices that had some when they cannot be', () => {
    expect(hint('', 'b>b', ['a>a', 'a'])).toBe(
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes; create b; update s0 a',
    );
    expect(hint('a:0.5 b:0.5', '>a b', [])).toBe('One or more endpoints do not have a zone specified; create  b');
  });

  it('are asked for by either annotation, the old one first', () => {
    const asked = (annotations: Record<string, string>): boolean =>
      wantsTopologyHints({ metadata: { annotations } } as unknown as corev1.Service);
    expect(asked({ 'service.kubernetes.io/topology-mode': 'Auto' })).toBe(true);
    expect(asked({ 'service.kubernetes.io/topology-aware-hints': 'auto' })).toBe(true);
    expect(asked({ 'service.kubernetes.io/topology-aware-hints': 'disabled', 'service.kubernetes.io/topology-mode': 'Auto' })).toBe(false);
    expect(asked({})).toBe(false);
  });
});

describe('shares of CPU', () => {
  const node = (zone: string, cpu: number, more: Record<string, string> = {}, ready = 'True'): corev1.Node =>
    ({
      metadata: { labels: { ...(zone && { 'topology.kubernetes.io/zone': zone }), ...more } },
      status: { allocatable: { cpu: String(cpu) }, conditions: [{ type: 'Ready', status: ready }] },
    }) as unknown as corev1.Node;
  const ratios = (...nodes: corev1.Node[]): unknown => {
    const found = zoneRatios(nodes, ({ status }) => Number(status.allocatable!['cpu']) * 1000);
    return found && Object.fromEntries(found);
  };

  it('are those of ready nodes that are no control planes', () => {
    const controlPlane = { 'node-role.kubernetes.io/control-plane': '' };
    expect(ratios(node('a', 3), node('b', 1), node('b', 4, {}, 'False'), node('a', 8, controlPlane))).toEqual({ a: 0.75, b: 0.25 });
  });

  it('are unknown when a node does not say its zone or CPU, or all stand in one zone', () => {
    expect(ratios(node('a', 1), node('b', 1), node('', 1))).toBeUndefined();
    expect(ratios(node('a', 1), node('b', 0))).toBeUndefined();
    expect(ratios(node('a', 1), node('a', 1))).toBeUndefined();
  });

  it('make a Service overloaded that has too few endpoints for a zone', () => {
    const shares = new Map([
      ['a', 0.5],
      ['b', 0.5],
    ]);
    const overloaded = (a: number, b: number): boolean =>
      isOverloaded(
        new Map([
          ['a', a],
          ['b', b],
        ]),
        shares,
      );
    expect(overloaded(5, 5)).toBe(false);
    expect(overloaded(6, 5)).toBe(false);
    expect(overloaded(8, 2)).toBe(true);
    expect(isOverloaded(new Map([['a', 3]]), shares)).toBe(true);
    expect(isOverloaded(new Map([['a', 3]]), undefined)).toBe(true);
  });
});
