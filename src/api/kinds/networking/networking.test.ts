import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const group = 'networking.k8s.io';
const metadata = { name: 'a', namespace: 'b' };

describe('Ingress', () => {
  const ingresses = definitionOf('ingresses', group);
  const service = { service: { name: 'svc', port: { number: 80 } } };
  const path = { path: '/', pathType: 'Prefix', backend: service };
  const withPath = (change: Manifest): Manifest => ({ metadata, spec: { rules: [{ http: { paths: [{ ...path, ...change }] } }] } });
  const at = 'spec.rules[0].http.paths[0]';

  test.each<[string, Manifest, (string | RegExp)[]]>([
    ['fine', withPath({}), []],
    ['nothing', { metadata, spec: {} }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    ['no type', withPath({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      'an unknown type',
      withPath({ pathType: 'Regex' }),
      [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    ['a relative path', withPath({ path: 'a' }), [`${at}.path: Invalid value: "a": must be an absolute path`]],
    [
      'odd sequences',
      withPath({ path: '/a//b%2f/..' }),
      [
        `${at}.path: Invalid value: "/a//b%2f/..": must not contain '//'`,
        `${at}.path: Invalid value: "/a//b%2f/..": must not contain '%2f'`,
        `${at}.path: Invalid value: "/a//b%2f/..": cannot end with '/..'`,
      ],
    ],
    ['no backend', withPath({ backend: {} }), [`${at}.backend: Invalid value: "": resource or service backend is required`]],
    [
      'two backends',
      withPath({ backend: { ...service, resource: { kind: 'k', name: 'n' } } }),
      [`${at}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    ['no port', withPath({ backend: { service: { name: 'svc' } } }), [`${at}.backend: Required value: port name or number is required`]],
    [
      'two ports',
      withPath({ backend: { service: { name: 'svc', port: { name: 'http', number: 80 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      'a service name',
      withPath({ backend: { service: { name: '1svc', port: { number: 80 } } } }),
      [/service\.name: Invalid value: "1svc": a DNS-1035 label/],
    ],
    [
      'hosts',
      {
        metadata,
        spec: { rules: [{ host: '10.0.0.1' }, { host: '*.*' }], defaultBackend: service, tls: [{ hosts: ['A'], secretName: 'B' }] },
      },
      [
        'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
        /^spec.rules\[1\].host: Invalid value: "\*\.\*": a wildcard DNS-1123 subdomain/,
        /^spec.tls\[0\].hosts\[0\]: Invalid value: "A"/,
        /^spec.tls\[0\].secretName: Invalid value: "B"/,
      ],
    ],
    [
      'a class said twice',
      {
        metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'x' } },
        spec: { ingressClassName: 'y', defaultBackend: service },
      },
      ['annotations.kubernetes.io/ingress.class: Invalid value: "x": must match `ingressClassName` when both are specified'],
    ],
  ])('%s', (_name, manifest, expected) => {
    const { faults } = create(ingresses, manifest);
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('the annotation of old warns once', () => {
    const annotated = { metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: { defaultBackend: service } };
    const { object, warnings } = create(ingresses, annotated);
    expect(warnings).toEqual([`annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`]);
    expect(update(ingresses, { old: object, manifest: annotated }).warnings).toEqual([]);
  });

  test('status and row', () => {
    const rules = ['a.x', undefined, 'b.x', 'c.x', 'd.x'].map((host) => ({ host }));
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.x' }, { ip: '192.0.2.1' }] } };
    const manifest = { metadata, spec: { rules, tls: [{}], ingressClassName: 'nginx' }, status };
    expect(row(ingresses, decode(ingresses, manifest))).toMatchObject({
      Class: 'nginx',
      Hosts: 'a.x,b.x,c.x + 2 more...',
      Address: '192.0.2.1,lb.x',
      Ports: '80, 443',
    });
    const wrong = { ...manifest, status: { loadBalancer: { ingress: [{ ip: 'x' }, { hostname: '192.0.2.1' }] } } };
    expect(update(ingresses, { old: decode(ingresses, manifest), manifest: wrong, subresource: 'status' }).faults).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address',
    ]);
  });
});

test('IngressClass', () => {
  const classes = definitionOf('ingressclasses', group);
  const faults = (spec: Manifest): readonly string[] => create(classes, { metadata: { name: 'a' }, spec }).faults;
  expect(faults({})).toEqual(['spec.controller: Required value']);
  expect(faults({ controller: 'plain' })).toEqual([
    'spec.controller: Invalid value: "plain": must be a domain-prefixed path (such as "acme.io/foo")',
  ]);
  expect(faults({ controller: 'a.b/c', parameters: { kind: '', name: 'n', scope: 'Namespace' } })).toEqual([
    'spec.parameters.kind: Required value',
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ]);
  const base = { metadata: { name: 'a' }, spec: { controller: 'a.b/c', parameters: { apiGroup: 'x.y', kind: 'K', name: 'n' } } };
  expect(create(classes, base).object).toMatchObject({ spec: { parameters: { scope: 'Cluster' } } });
  expect(row(classes, base)).toMatchObject({ Controller: 'a.b/c', Parameters: 'K.x.y/n' });
  expect(update(classes, { old: decode(classes, base), manifest: withField(base, 'spec.controller', 'a.b/d') }).faults).toEqual([
    'spec.controller: Invalid value: "a.b/d": field is immutable',
  ]);
});

describe('NetworkPolicy', () => {
  const policies = definitionOf('networkpolicies', group);

  test('defaults, warnings and row', () => {
    const spec = { egress: [{ to: [{ ipBlock: { cidr: '10.1.2.3/16' } }], ports: [{ port: 80 }] }] };
    const { object, faults, warnings } = create(policies, { metadata, spec });
    expect(faults).toEqual([]);
    expect(object['spec']).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      podSelector: {},
      egress: [{ ports: [{ protocol: 'TCP' }] }],
    });
    expect(warnings).toEqual([
      'spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.1.2.3/16" is ambiguous in this context (should be "10.1.0.0/16" or "10.1.2.3/32"?)',
    ]);
    expect(row(policies, object)).toMatchObject({ 'Pod-Selector': '<none>' });
  });

  test('faults', () => {
    const ingress = [
      {
        ports: [{ port: 80, endPort: 70 }, { port: 'x'.repeat(16), endPort: 1 }, { endPort: 1 }, { protocol: 'X' }],
        from: [{}, { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/9'] } }, { ipBlock: { cidr: '' } }],
      },
    ];
    const strict = 'must be a strict subset of `cidr`';
    expect(create(policies, { metadata, spec: { ingress, policyTypes: ['Both'] } }).faults).toEqual([
      'spec.ingress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`',
      'spec.ingress[0].ports[1].endPort: Invalid value: 1: may not be specified when `port` is non-numeric',
      'spec.ingress[0].ports[1].port: Invalid value: "xxxxxxxxxxxxxxxx": must be no more than 15 characters',
      'spec.ingress[0].ports[2].endPort: Invalid value: 1: may not be specified when `port` is not specified',
      'spec.ingress[0].ports[3].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"',
      'spec.ingress[0].from[0]: Required value: must specify a peer',
      `spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "10.0.0.0/8": ${strict}`,
      `spec.ingress[0].from[1].ipBlock.except[1]: Invalid value: "11.0.0.0/9": ${strict}`,
      'spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer',
      'spec.ingress[0].from[2].ipBlock.cidr: Required value',
      'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"',
    ]);
  });
});

test('IPAddress', () => {
  const addresses = definitionOf('ipaddresses', group);
  const { validateName } = addresses.strategy;
  expect(validateName('10.0.0.1', false)).toEqual([]);
  expect(validateName('2001:db8::1', false)).toEqual([]);
  expect(validateName('010.0.0.1', false)).toEqual(['must not have leading 0s']);
  expect(validateName('::ffff:10.0.0.1', false)).toEqual(['must not be an IPv4-mapped IPv6 address']);
  expect(validateName('2001:DB8::1', false)).toEqual(['must be in canonical form ("2001:db8::1")']);
  expect(validateName('x', false)).toEqual(['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']);
  const base = { metadata: { name: '10.0.0.1' }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } };
  expect(create(addresses, { metadata: base.metadata }).faults).toEqual(['spec.parentRef: Required value']);
  expect(row(addresses, base)).toEqual({ Name: '10.0.0.1', ParentRef: 'services/default/s' });
  expect(update(addresses, { old: decode(addresses, base), manifest: withField(base, 'spec.parentRef.name', 't') }).faults).toEqual([
    'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"default","Name":"t"}: field is immutable',
  ]);
});

test('ServiceCIDR', () => {
  const ranges = definitionOf('servicecidrs', group);
  const faults = (...cidrs: string[]): readonly string[] => create(ranges, { metadata: { name: 'a' }, spec: { cidrs } }).faults;
  expect(faults()).toEqual(['spec.cidrs: Required value: at least one CIDR required']);
  expect(faults('10.0.0.0/24', 'fd00::/64', 'fd01::/64')).toEqual([
    'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","fd00::/64","fd01::/64"]}: may only hold up to 2 values',
  ]);
  expect(faults('10.0.0.0/24', 'fd00::/64')).toEqual([]);
  expect(faults('10.0.0.1/24')).toEqual(['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length']);
  expect(faults('10.0.0.0/24', '10.0.1.0/24')[0]).toMatch(
    /may specify no more than one IP for each IP family, i.e 192.168.0.0\/24 and 2001:db8::\/64$/,
  );
  const old = decode(ranges, { metadata: { name: 'a' }, spec: { cidrs: ['10.0.0.0/24'] } });
  const changed = (...cidrs: string[]): readonly string[] =>
    update(ranges, { old, manifest: { metadata: { name: 'a' }, spec: { cidrs } } }).faults;
  expect(changed('10.0.0.0/24', 'fd00::/64')).toEqual([]);
  expect(changed('10.0.1.0/24')).toEqual(['spec.cidrs[0]: Invalid value: "10.0.1.0/24": field is immutable']);
  expect(changed()).toEqual(['spec.cidrs: Invalid value: []: field is immutable']);
});
