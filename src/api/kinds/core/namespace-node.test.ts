import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update } from '../strategy.suite.ts';

describe('Namespace', () => {
  const namespaces = definitionOf('namespaces');

  test('a new one is active, has the finalizer and carries its name as a label', () => {
    const { object } = create(namespaces, { metadata: { name: 'a', labels: { x: 'y' } }, status: { phase: 'Terminating' } });
    expect(object).toMatchObject({
      metadata: { labels: { x: 'y', 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  test('a finalizer without a domain is one of Kubernetes’ own', () => {
    expect(create(namespaces, { metadata: { name: 'a' }, spec: { finalizers: ['mine', 'a.b/c'] } }).faults).toEqual([
      'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    expect(create(namespaces, { metadata: { name: 'a', finalizers: ['mine'] } }).faults).toEqual([
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  const old = decode(namespaces, { metadata: { name: 'a' }, spec: { finalizers: ['kubernetes'] } });

  test('an update leaves finalizers and status to their subresources', () => {
    const { object } = update(namespaces, { old, manifest: { metadata: { name: 'a' }, spec: {}, status: { phase: 'Terminating' } } });
    expect(object).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  });

  test('finalize changes the list only', () => {
    const manifest = { metadata: { name: 'a' }, spec: { finalizers: [] }, status: { phase: 'Terminating' } };
    expect(update(namespaces, { old, manifest, subresource: 'finalize' }).object).toMatchObject({
      spec: { finalizers: [] },
      status: { phase: 'Active' },
    });
  });

  test('the phase follows the deletion', () => {
    const written = (metadata: Manifest, phase: string): readonly string[] =>
      update(namespaces, { old, manifest: { metadata, status: { phase } }, subresource: 'status' }).faults;
    expect(written({ name: 'a' }, 'Active')).toEqual([]);
    expect(written({ name: 'a' }, 'Terminating')).toEqual([
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ]);
    expect(written({ name: 'a', deletionTimestamp: 't' }, 'Active')).toEqual([
      'status.Phase: Invalid value: "Active": may only be \'Terminating\' if `deletionTimestamp` is not empty',
    ]);
  });

  test('its name is a label', () => {
    expect(namespaces.strategy.validateName('a.b', false)).toEqual(['must not contain dots']);
    expect(row(namespaces, old)).toMatchObject({ Name: 'a', Status: 'Active' });
  });
});

describe('Node', () => {
  const nodes = definitionOf('nodes');
  const metadata = { name: 'n1' };

  test('defaults: ranges agree, capacity is allocatable, amounts are canonical', () => {
    const { object } = create(nodes, {
      metadata,
      spec: { podCIDR: '10.1.0.0/24' },
      status: { capacity: { cpu: '2000m', memory: '1024Mi' } },
    });
    expect(object).toMatchObject({
      spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] },
      status: {
        capacity: { cpu: '2', memory: '1Gi' },
        allocatable: { cpu: '2', memory: '1Gi' },
        daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      },
    });
  });

  test.each<[string, Manifest, string[]]>([
    ['fine', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }], podCIDRs: ['10.0.0.0/24', 'fd00::/64'] } }, []],
    ['a taint without effect', { spec: { taints: [{ key: 'a' }] } }, ['metadata.taints[0].effect: Required value']],
    [
      'an effect that is none',
      { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
      ['metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'],
    ],
    [
      'the same taint twice',
      {
        spec: {
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', value: 'b', effect: 'NoSchedule' },
          ],
        },
      },
      [
        'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
      ],
    ],
    [
      'a range that is none',
      { spec: { podCIDRs: ['10.0.0.0'] } },
      ['spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ],
    [
      'two ranges of one family',
      { spec: { podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] } },
      ['spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family'],
    ],
    [
      'negative capacity',
      { status: { capacity: { cpu: '-1' } } },
      [
        'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
        'status.allocatable.cpu: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      'half a device',
      { status: { capacity: { 'x.io/gpu': '500m' }, allocatable: {} } },
      ['status.capacity.x.io/gpu: Invalid value: "500m": must be an integer'],
    ],
  ])('%s', (_name, manifest, expected) => expect(create(nodes, { metadata, ...manifest }).faults).toEqual(expected));

  test('of two ranges that differ the single one is meant', () => {
    const { object } = create(nodes, { metadata, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.2.0.0/24', 'fd00::/64'] } });
    expect(object['spec']).toEqual({ podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] });
    const old = decode(nodes, { metadata, spec: { podCIDR: '10.1.0.0/24' } });
    expect(update(nodes, { old, manifest: { metadata, spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.1.0.0/24'] } } }).faults).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ]);
  });

  test('an update is looked at as a new one is', () => {
    const old = decode(nodes, { metadata });
    expect(update(nodes, { old, manifest: { metadata, spec: { podCIDRs: ['10.0.0.0'] } } }).faults).toEqual([
      'spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ]);
  });

  test('warnings about what nobody uses', () => {
    expect(create(nodes, { metadata, spec: { externalID: 'e', podCIDR: '10.0.0.1/24' } }).warnings).toEqual([
      'spec.externalID: this field is deprecated, and is unused by Kubernetes',
      'spec.podCIDRs[0]: CIDR value "10.0.0.1/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
    ]);
  });

  test('what is set once stays', () => {
    const old = decode(nodes, { metadata, spec: { podCIDR: '10.0.0.0/24', providerID: 'p', externalID: 'e' } });
    expect(
      update(nodes, { old, manifest: { metadata, spec: { podCIDR: '10.0.1.0/24', providerID: 'q', externalID: 'f' } } }).faults,
    ).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
      'spec.externalID: Forbidden: may not be updated',
    ]);
  });

  test.each<[string, Manifest, Record<string, unknown>]>([
    ['nothing known', {}, { Status: 'Unknown', Roles: '<none>', 'Internal-IP': '<none>', 'OS-Image': '<unknown>' }],
    [
      'ready, cordoned, with roles',
      {
        metadata: {
          name: 'n1',
          labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'extra' },
        },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
          nodeInfo: { kubeletVersion: 'v1.35.0' },
        },
      },
      { Status: 'Ready,SchedulingDisabled', Roles: 'control-plane,extra,worker', 'Internal-IP': '10.0.0.1', Version: 'v1.35.0' },
    ],
    ['lost', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, { Status: 'NotReady' }],
  ])('the row of a node: %s', (_name, manifest, expected) =>
    expect(row(nodes, decode(nodes, { metadata, ...manifest }))).toMatchObject(expected),
  );
});
