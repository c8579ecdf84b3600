import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../../strategy.suite.ts';

const services = definitionOf('services');
const metadata = { name: 'a', namespace: 'b' };
const base: Manifest = { metadata, spec: { selector: { app: 'x' }, ports: [{ port: 80 }] } };

test('defaults', () => {
  expect(create(services, base).object['spec']).toEqual({
    selector: { app: 'x' },
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
  });
  expect(create(services, withField(base, 'spec.type', 'LoadBalancer')).object['spec']).toMatchObject({
    externalTrafficPolicy: 'Cluster',
    allocateLoadBalancerNodePorts: true,
  });
  expect(create(services, withField(base, 'spec.sessionAffinity', 'ClientIP')).object['spec']).toMatchObject({
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
  });
  expect(create(services, withField(base, 'spec.clusterIP', 'None')).object['spec']).toMatchObject({ clusterIPs: ['None'] });
});

describe('faults', () => {
  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.ports', [], ['spec.ports: Required value']],
    ['spec.ports.0.port', 0, [/^spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive/, /targetPort/]],
    ['spec.ports.0.protocol', 'ICMP', ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']],
    ['spec.ports.0.targetPort', 'Http', [/^spec\.ports\[0\]\.targetPort: Invalid value: "Http": must contain only alpha-numeric/]],
    ['spec.ports.0.nodePort', 30_000, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    ['spec.ports.0.appProtocol', 'a b', [/^spec\.ports\[0\]\.appProtocol: Invalid value: "a b"/]],
    ['spec.ports', [{ port: 80 }, { port: 81 }], ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
    [
      'spec.ports',
      [
        { port: 80, name: 'a' },
        { port: 81, name: 'a' },
      ],
      ['spec.ports[1].name: Duplicate value: "a"'],
    ],
    [
      'spec.ports',
      [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
      [/^spec\.ports\[1\]: Duplicate value: /],
    ],
    [
      'spec.type',
      'Magic',
      ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    ['spec.sessionAffinity', 'Sticky', ['spec.sessionAffinity: Unsupported value: "Sticky": supported values: "ClientIP", "None"']],
    ['spec.selector', { 'a b': 'c' }, [/^spec\.selector: Invalid value: "a b"/]],
    ['spec.externalIPs', ['127.0.0.1'], [/^spec\.externalIPs\[0\]: Invalid value: "127\.0\.0\.1": may not be in the loopback range/]],
    ['spec.clusterIP', '10.0.0', [/^spec\.clusterIPs\[0\]: Invalid value: "10\.0\.0": must be a valid IP address/]],
    ['spec.clusterIPs', ['10.0.0.1'], ['spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified']],
    ['spec.ipFamilies', ['IPv5'], ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"']],
    ['spec.ipFamilies', ['IPv4', 'IPv4'], ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
    [
      'spec.externalTrafficPolicy',
      'Local',
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    ['spec.internalTrafficPolicy', 'Near', ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"']],
    [
      'spec.trafficDistribution',
      'Random',
      ['spec.trafficDistribution: Unsupported value: "Random": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"'],
    ],
    [
      'spec.loadBalancerSourceRanges',
      ['10.0.0.0/8'],
      ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    ['spec.loadBalancerClass', 'a/b', ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"]],
    [
      'spec.allocateLoadBalancerNodePorts',
      true,
      ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    [
      'spec.healthCheckNodePort',
      30_000,
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
  ])('%s = %j', (path, value, expected) => {
    const { faults } = create(services, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('an ExternalName has a name and no addresses', () => {
    const external = (spec: Manifest): readonly string[] => create(services, { metadata, spec: { type: 'ExternalName', ...spec } }).faults;
    expect(external({ externalName: 'example.com.' })).toEqual([]);
    expect(external({})).toEqual(['spec.externalName: Required value']);
    expect(external({ externalName: 'a.b', clusterIP: '10.0.0.1', ipFamilies: ['IPv4'] })).toEqual([
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
      'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
    ]);
  });

  test('headless is for ClusterIP', () => {
    expect(create(services, { metadata, spec: { clusterIP: 'None' } }).faults).toEqual([]);
    expect(create(services, { metadata, spec: { clusterIP: 'None', type: 'NodePort', ports: [{ port: 1 }] } }).faults).toEqual([
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
    ]);
  });

  test('its name begins with a letter', () => expect(services.strategy.validateName('1a', false)[0]).toMatch(/^a DNS-1035 label must/));
});

describe('updates', () => {
  const old = decode(services, {
    metadata,
    spec: {
      type: 'NodePort',
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'a', port: 80, nodePort: 30_080 }],
    },
  });

  test('what was allocated stays when it is not named', () => {
    const manifest = {
      metadata,
      spec: {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 81 },
          { name: 'b', port: 82 },
        ],
      },
    };
    const { object, faults } = update(services, { old, manifest });
    expect(object['spec']).toMatchObject({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [{ nodePort: 30_080 }, { port: 82 }] });
    expect(faults).toEqual([]);
  });

  test('the address does not change', () => {
    const manifest = { metadata, spec: { ...(old['spec'] as Manifest), clusterIP: '10.0.0.2', clusterIPs: ['10.0.0.2'] } };
    expect(update(services, { old, manifest }).faults).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ]);
  });

  test('a change of type drops what belonged to the old one', () => {
    const toExternal = { metadata, spec: { ...(old['spec'] as Manifest), type: 'ExternalName', externalName: 'a.b' } };
    const { object, faults } = update(services, { old, manifest: toExternal });
    expect(faults).toEqual([]);
    expect(object['spec']).not.toHaveProperty('clusterIP');
    expect(object['spec']).not.toHaveProperty('ipFamilies');
    const toClusterIp = update(services, { old, manifest: { metadata, spec: { ...(old['spec'] as Manifest), type: 'ClusterIP' } } });
    expect(toClusterIp.faults).toEqual([]);
    expect(toClusterIp.object['spec']).toMatchObject({ ports: [{ name: 'a', port: 80, protocol: 'TCP', targetPort: 80 }] });
    expect(toClusterIp.object['spec']).not.toHaveProperty('externalTrafficPolicy');
  });

  test('only a load balancer has addresses outside', () => {
    const status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };
    expect(update(services, { old, manifest: { ...old, status }, subresource: 'status' }).faults).toEqual([
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ]);
  });
});

test('warnings', () => {
  const warned = (spec: Manifest): readonly string[] => create(services, { metadata, spec: { ports: [{ port: 1 }], ...spec } }).warnings;
  expect(warned({})).toEqual([]);
  expect(warned({ clusterIP: 'None', sessionAffinity: 'ClientIP', externalIPs: ['1.2.3.4'] })).toEqual([
    'spec.externalIPs is ignored for headless services',
    'spec.SessionAffinity is ignored for headless services',
  ]);
  expect(warned({ externalName: 'a.b', trafficDistribution: 'PreferClose' })).toEqual([
    'spec.externalName is ignored when spec.type is not "ExternalName"',
    'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
  ]);
});

test.each<[string, Manifest, Record<string, unknown>]>([
  [
    'ClusterIP',
    { clusterIPs: ['10.0.0.1'] },
    { Type: 'ClusterIP', 'Cluster-IP': '10.0.0.1', 'External-IP': '<none>', 'Port(s)': '80/TCP', Selector: 'app=x' },
  ],
  [
    'NodePort',
    {
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 30_080 },
        { port: 53, protocol: 'UDP' },
      ],
    },
    { 'Port(s)': '80:30080/TCP,53/UDP' },
  ],
  ['waiting load balancer', { type: 'LoadBalancer' }, { 'External-IP': '<pending>' }],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'a.b', ports: [] },
    { 'Cluster-IP': '<none>', 'External-IP': 'a.b', 'Port(s)': '<none>' },
  ],
])('the row of a Service: %s', (_name, spec, expected) => {
  expect(row(services, decode(services, { metadata, spec: { ...(base['spec'] as Manifest), ...spec } }))).toMatchObject(expected);
});
