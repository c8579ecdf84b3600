import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { create, decode, definitionOf, type Manifest, now, row, update } from './strategy.suite.ts';

const metadata = { name: 'a', namespace: 'b' };

describe('Event', () => {
  const core = definitionOf('events');
  const newer = definitionOf('events', 'events.k8s.io');
  const regarding = { kind: 'Pod', namespace: 'b', name: 'p', fieldPath: 'spec.containers{c}' };
  const strict: Manifest = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata,
    eventTime: now,
    type: 'Normal',
    reason: 'Started',
    action: 'Starting',
    note: 'up',
    reportingController: 'kubelet',
    reportingInstance: 'n1',
    regarding,
  };

  test('an event of old lives beside its object', () => {
    expect(create(core, { metadata, involvedObject: { kind: 'Pod', namespace: 'b', name: 'p' } }).faults).toEqual([]);
    expect(create(core, { metadata, involvedObject: { kind: 'Node', name: 'n' } }).faults).toEqual([
      'involvedObject.namespace: Invalid value: "": does not match event.namespace',
    ]);
    expect(create(core, { metadata: { name: 'a', namespace: 'default' }, involvedObject: { kind: 'Node', name: 'n' } }).faults).toEqual([]);
  });

  test('the newer API is strict', () => {
    expect(create(newer, strict).faults).toEqual([]);
    expect(create(newer, { metadata, regarding, deprecatedCount: 2, deprecatedSource: { component: 'x' }, type: 'Odd' }).faults).toEqual([
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: Odd',
      'count: Invalid value: "": needs to be unset',
      'source: Invalid value: "": needs to be unset',
    ]);
    expect(create(newer, { ...strict, action: '', reason: 'x'.repeat(129), series: { count: 1 } }).faults).toEqual([
      'action: Required value',
      'reason: Invalid value: "": can have at most 128 characters',
      'series.count: Invalid value: "": should be at least 2',
      'series.lastObservedTime: Required value',
    ]);
  });

  test('the newer API asks for proper names; both count bytes', () => {
    const named = (name: string): Manifest => ({ ...strict, metadata: { name, namespace: 'b' } });
    expect(create(newer, named('A b')).faults).toEqual([
      expect.stringMatching(/^metadata.name: Invalid value: "A b": a lowercase RFC 1123/),
    ]);
    expect(core.strategy.validateName('A b', false)).toEqual([]);
    expect(create(newer, { ...strict, note: 'ä'.repeat(512) }).faults).toEqual([]);
    expect(create(newer, { ...strict, note: 'ä'.repeat(513) }).faults).toEqual([
      'message: Invalid value: "": can have at most 1024 characters',
    ]);
  });

  test('only the series and metadata change', () => {
    const old = decode(newer, strict);
    const series = { count: 2, lastObservedTime: now };
    expect(update(newer, { old, manifest: { ...strict, series } }).faults).toEqual([]);
    expect(update(newer, { old, manifest: { ...strict, note: 'down', type: 'Warning' } }).faults).toEqual([
      'message: Invalid value: "down": field is immutable',
      'type: Invalid value: "Warning": field is immutable',
    ]);
  });

  test('the two APIs are views of one set', () => {
    const stored = newer.storage.toStorage!(decode(newer, strict)) as KubeObject & Manifest;
    expect(stored).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: regarding,
      message: 'up',
      reportingComponent: 'kubelet',
      source: {},
    });
    expect(stored).not.toHaveProperty('regarding');
    expect(newer.storage.fromStorage!(stored)).toEqual({ ...decode(newer, strict) });
    expect(newer.selectableFields['regarding.name']!(decode(newer, strict))).toBe('p');
    expect(core.selectableFields['involvedObject.name']!(stored)).toBe('p');
    expect(newer.selectableFields).not.toHaveProperty('source');
  });

  test('its row', () => {
    expect(row(newer, decode(newer, { ...strict, eventTime: '2026-01-01T00:58:00Z' }))).toEqual({
      'Last Seen': '2m',
      Type: 'Normal',
      Reason: 'Started',
      Object: 'pod/p',
      Subobject: 'spec.containers{c}',
      Source: 'kubelet, n1',
      Message: 'up',
      'First Seen': '2m',
      Count: 1,
      Name: 'a',
    });
    const old = {
      metadata,
      involvedObject: { kind: 'Pod' },
      count: 3,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:59:30Z',
      source: { component: 'c' },
    };
    expect(row(core, decode(core, old))).toMatchObject({ 'Last Seen': '30s', 'First Seen': '60m', Count: 3, Object: 'pod', Source: 'c' });
  });
});

describe('EndpointSlice', () => {
  const slices = definitionOf('endpointslices', 'discovery.k8s.io');
  const base = { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] };

  test('defaults', () => expect(create(slices, base).object['ports']).toEqual([{ port: 80, name: '', protocol: 'TCP' }]));

  test.each<[string, Manifest, (string | RegExp)[]]>([
    ['fine', {}, []],
    ['no type', { addressType: '' }, ['addressType: Required value']],
    ['an unknown type', { addressType: 'IPX' }, ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"']],
    ['no address', { endpoints: [{ addresses: [] }] }, ['endpoints[0].addresses: Required value: must contain at least 1 address']],
    [
      'the other family',
      { endpoints: [{ addresses: ['fd00::1'] }] },
      ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
    ],
    ['loopback', { endpoints: [{ addresses: ['127.0.0.1'] }] }, [/may not be in the loopback range/]],
    [
      'a name',
      { addressType: 'FQDN', endpoints: [{ addresses: ['example'] }] },
      [/should be a domain with at least two segments separated by dots/],
    ],
    ['a host name', { endpoints: [{ addresses: ['10.0.0.1'], hostname: 'A' }] }, [/^endpoints\[0\]\.hostname: Invalid value: "A"/]],
    ['the same port name', { ports: [{ port: 1 }, { port: 2 }] }, ['ports[1].name: Duplicate value: ""']],
    ['a protocol', { ports: [{ protocol: 'X' }] }, ['ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']],
    [
      'too many',
      { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) },
      ['endpoints: Too many: 1001: must have at most 1000 items'],
    ],
    [
      'a zone twice',
      { endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'z' }, { name: 'z' }] } }] },
      ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
    ],
  ])('%s', (_name, change, expected) => {
    const { faults } = create(slices, { ...base, ...change });
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('addresses of another form warn, but not those of our own controllers', () => {
    const odd = { ...base, endpoints: [{ addresses: ['010.0.0.1'] }] };
    expect(create(slices, odd).warnings).toEqual([
      'endpoints[0].addresses[0]: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
    ]);
    const labels = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' };
    expect(create(slices, { ...odd, metadata: { ...metadata, labels } }).warnings).toEqual([]);
    expect(create(slices, { ...base, addressType: 'FQDN', endpoints: [{ addresses: ['a.b'] }] }).warnings).toEqual([
      'spec.addressType: FQDN endpoints are deprecated',
    ]);
    const named = { ...base, addressType: 'FQDN', endpoints: [{ addresses: ['a.b'] }] };
    expect(update(slices, { old: decode(slices, named), manifest: named }).warnings).toEqual([]);
    const endpoints = { metadata, subsets: [{ addresses: [{ ip: '::ffff:10.0.0.1' }] }] };
    expect(create(definitionOf('endpoints'), endpoints).warnings).toEqual([
      'subsets[0].addresses[0].ip: non-standard IP address "::ffff:10.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
    ]);
  });

  test('the topology of old is not written any more; a node that it named before is kept', () => {
    const on = (node: string, address = '10.0.0.1'): Manifest => ({
      ...base,
      endpoints: [{ addresses: [address], deprecatedTopology: { 'kubernetes.io/hostname': node, a: 'b' } }],
    });
    expect(create(slices, on('n1')).object['endpoints']).toEqual([{ addresses: ['10.0.0.1'] }]);
    const old = decode(slices, on('n1'));
    expect(update(slices, { old, manifest: on('n1') }).object['endpoints']).toEqual(on('n1')['endpoints']);
    expect(update(slices, { old, manifest: on('n1', '10.0.0.2') }).object['endpoints']).toEqual([
      { addresses: ['10.0.0.2'], nodeName: 'n1' },
    ]);
    expect(update(slices, { old, manifest: on('n2') }).object['endpoints']).toEqual([{ addresses: ['10.0.0.1'] }]);
  });

  test('the type of addresses stays; the row shows three of each', () => {
    expect(update(slices, { old: decode(slices, base), manifest: { ...base, addressType: 'FQDN', endpoints: [] } }).faults).toEqual([
      'addressType: Invalid value: "FQDN": field is immutable',
    ]);
    const many = {
      ...base,
      endpoints: ['1', '2', '3', '4', '5'].map((last) => ({ addresses: [`10.0.0.${last}`] })),
      ports: [{ name: 'web' }, { port: 8080 }],
    };
    expect(row(slices, many)).toMatchObject({ Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...', Ports: 'web,8080' });
    expect(row(slices, { metadata, addressType: 'IPv4' })).toMatchObject({ Endpoints: '<unset>', Ports: '<unset>' });
  });
});

describe('Endpoints', () => {
  const endpoints = definitionOf('endpoints');

  test.each<[string, Manifest[], Manifest[]]>([
    ['none', [], []],
    [
      'the same ports twice',
      [
        { addresses: [{ ip: '10.0.0.2' }], ports: [{ port: 80, protocol: 'TCP' }] },
        { addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80, protocol: 'TCP' }] },
      ],
      [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80, protocol: 'TCP' }] }],
    ],
    [
      'the same addresses twice',
      [
        { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'b', port: 81, protocol: 'TCP' }] },
        { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'a', port: 80, protocol: 'TCP' }] },
      ],
      [
        {
          addresses: [{ ip: '10.0.0.1' }],
          ports: [
            { name: 'b', port: 81, protocol: 'TCP' },
            { name: 'a', port: 80, protocol: 'TCP' },
          ],
        },
      ],
    ],
    [
      'ready and not',
      [
        { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] },
        { notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] },
      ],
      [{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] }],
    ],
    [
      'without ports, and targets of one address',
      [
        {
          addresses: [
            { ip: '10.0.0.1', targetRef: { uid: 'b' } },
            { ip: '10.0.0.1', targetRef: { uid: 'a' } },
          ],
        },
        { addresses: [{ ip: '10.0.0.1' }] },
      ],
      [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1', targetRef: { uid: 'a' } }, { ip: '10.0.0.1', targetRef: { uid: 'b' } }] }],
    ],
  ])('subsets are stored in one form: %s', (_name, subsets, stored) => {
    const { object } = create(endpoints, { metadata, subsets });
    expect(object['subsets']).toEqual(stored);
    expect(update(endpoints, { old: object, manifest: { metadata, subsets: stored } }).object['subsets']).toEqual(stored);
  });

  test('faults and row', () => {
    const { faults } = create(endpoints, {
      metadata,
      subsets: [{}, { addresses: [{ ip: 'x' }], ports: [{ port: 0, name: 'a' }, { port: 1 }] }],
    });
    expect(faults).toEqual([
      'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
      'subsets[1].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'subsets[1].addresses[0].ip: Invalid value: "x": must be a valid IP address',
      'subsets[1].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'subsets[1].ports[1].name: Required value',
    ]);
    expect(
      row(endpoints, { metadata, subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }, { port: 81 }] }] }),
    ).toMatchObject({
      Endpoints: '10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 1 more...',
    });
    expect(row(endpoints, { metadata })).toMatchObject({ Endpoints: '<none>' });
  });
});

describe('ServiceAccount', () => {
  const accounts = definitionOf('serviceaccounts');

  test('of references to secrets only names are kept', () => {
    const manifest = { metadata, secrets: [{ name: 's', namespace: 'other', kind: 'Secret' }] };
    expect(create(accounts, manifest).object['secrets']).toEqual([{ name: 's' }]);
    expect(update(accounts, { old: decode(accounts, { metadata }), manifest }).object['secrets']).toEqual([{ name: 's' }]);
  });

  test('the limit to secrets of its own warns when it comes', () => {
    const limited = { metadata: { ...metadata, annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } };
    const warnings = [
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ];
    expect(create(accounts, limited).warnings).toEqual(warnings);
    expect(update(accounts, { old: decode(accounts, { metadata }), manifest: limited }).warnings).toEqual(warnings);
    expect(update(accounts, { old: decode(accounts, limited), manifest: limited }).warnings).toEqual([]);
  });
});

describe('Lease', () => {
  const leases = definitionOf('leases', 'coordination.k8s.io');
  test('durations and transitions, and fields that are off by default', () => {
    const { object, faults } = create(leases, {
      metadata,
      spec: { leaseDurationSeconds: 0, leaseTransitions: -1, strategy: 'OldestEmulationVersion' },
    });
    expect(faults).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ]);
    expect(object['spec']).not.toHaveProperty('strategy');
    expect(row(leases, { metadata, spec: { holderIdentity: 'me' } })).toMatchObject({ Holder: 'me' });
  });
});

describe('PriorityClass', () => {
  const classes = definitionOf('priorityclasses', 'scheduling.k8s.io');
  const named = (name: string, value: number, more: Manifest = {}): readonly string[] =>
    create(classes, { metadata: { name }, value, ...more }).faults;

  test('values and the system’s own classes', () => {
    expect(named('a', 1_000_000_000)).toEqual([]);
    expect(named('a', 1_000_000_001)).toEqual(['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']);
    expect(named('a', 1, { preemptionPolicy: 'Maybe' })).toEqual([
      'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
    ]);
    expect(named('a', 1, { preemptionPolicy: '' })).toEqual(['preemptionPolicy: Required value']);
    expect(named('system-mine', 1)).toEqual([
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
    ]);
    expect(named('system-node-critical', 2_000_001_000)).toEqual([]);
    expect(named('system-node-critical', 1)[0]).toMatch(/value of system-node-critical PriorityClass must be 2000001000$/);
  });

  test('what does not change', () => {
    const old = decode(classes, { metadata: { name: 'a' }, value: 1 });
    expect(update(classes, { old, manifest: { metadata: { name: 'a' }, value: 2, preemptionPolicy: 'Never' } }).faults).toEqual([
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]);
  });
});

test('RuntimeClass', () => {
  const classes = definitionOf('runtimeclasses', 'node.k8s.io');
  expect(create(classes, { metadata: { name: 'a' }, handler: 'runc', overhead: { podFixed: { memory: '1024Ki' } } })).toMatchObject({
    faults: [],
    object: { overhead: { podFixed: { memory: '1Mi' } } },
  });
  const toleration = { key: 'a', operator: 'Exists' };
  expect(
    create(classes, {
      metadata: { name: 'a' },
      overhead: { podFixed: { pods: '1' } },
      scheduling: { tolerations: [toleration, toleration] },
    }).faults,
  ).toEqual([
    expect.stringMatching(/^handler: Invalid value: "": a lowercase RFC 1123 label/),
    'overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers',
    'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}',
  ]);
  const old = decode(classes, { metadata: { name: 'a' }, handler: 'runc' });
  expect(update(classes, { old, manifest: { metadata: { name: 'a' }, handler: 'kata' } }).faults).toEqual([
    'handler: Invalid value: "kata": field is immutable',
  ]);
});

test('Binding', () => {
  const bindings = definitionOf('bindings');
  expect(create(bindings, { metadata, target: { kind: 'Node', name: 'n' } }).faults).toEqual([]);
  expect(create(bindings, { metadata, target: { kind: 'Pod' } }).faults).toEqual([
    'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
    'target.name: Required value',
  ]);
});
