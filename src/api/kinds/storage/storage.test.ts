import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, now, row, update, withField } from '../strategy.suite.ts';

const group = 'storage.k8s.io';
const metadata = { name: 'a' };

describe('StorageClass', () => {
  const classes = definitionOf('storageclasses', group);
  const base: Manifest = { metadata, provisioner: 'example.com/disks' };

  test('defaults and the row', () => {
    const { object, faults } = create(classes, base);
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
    const marked = { ...object, metadata: { name: 'a', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } };
    expect(row(classes, marked)).toMatchObject({ Name: 'a (default)', Provisioner: 'example.com/disks', AllowVolumeExpansion: false });
  });

  test.each<[string, Manifest, (string | RegExp)[]]>([
    ['no provisioner', { provisioner: '' }, ['provisioner: Required value']],
    ['an odd provisioner', { provisioner: 'a/b/c' }, [/^provisioner: Invalid value: "a\/b\/c": a valid label key/]],
    ['a policy', { reclaimPolicy: 'Recycle' }, ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']],
    [
      'a mode',
      { volumeBindingMode: 'Later' },
      ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    ['an empty parameter', { parameters: { '': 'x' } }, ['parameters: Invalid value: "": field can not be empty.']],
    ['long parameters', { parameters: { a: 'x'.repeat(262_145) } }, ['parameters: Too long: may not be more than 262144 bytes']],
    [
      'topologies',
      {
        allowedTopologies: [
          { matchLabelExpressions: [{ key: 'zone', values: ['x', 'x'] }] },
          {
            matchLabelExpressions: [
              { key: 'zone', values: ['x'] },
              { key: 'zone', values: [] },
            ],
          },
        ],
      },
      [
        'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "x"',
        'allowedTopologies[1].matchLabelExpressions[1].values: Required value',
        'allowedTopologies[1].matchLabelExpressions[1].key: Duplicate value: "zone"',
      ],
    ],
  ])('%s', (_name, change, expected) => {
    const { faults } = create(classes, { ...base, ...change });
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('what does not change', () => {
    const changed = {
      ...base,
      provisioner: 'b',
      parameters: { a: 'b' },
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    expect(update(classes, { old: decode(classes, base), manifest: changed }).faults).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]);
  });

  test('old labels warn', () => {
    const { warnings } = create(classes, {
      ...base,
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', values: ['x'] }] }],
    });
    expect(warnings).toEqual([
      'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    ]);
  });
});

test('VolumeAttributesClass', () => {
  const classes = definitionOf('volumeattributesclasses', group);
  const base = { metadata, driverName: 'd.example.com', parameters: { iops: '1' } };
  expect(create(classes, { metadata, driverName: '' }).faults).toEqual([
    'driverName: Required value',
    'parameters: Required value: must contain at least one key/value pair',
  ]);
  expect(update(classes, { old: decode(classes, base), manifest: { ...base, parameters: { iops: '2' } } }).faults).toEqual([
    'parameters: Forbidden: updates to parameters are forbidden.',
  ]);
});

describe('VolumeAttachment', () => {
  const attachments = definitionOf('volumeattachments', group);
  const base: Manifest = { metadata, spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } };

  test('begins unattached; only its status changes', () => {
    const { object, faults } = create(attachments, { ...base, status: { attached: true } });
    expect([object['status'], faults]).toEqual([{ attached: false }, []]);
    const old = decode(attachments, base);
    expect(update(attachments, { old, manifest: withField(base, 'spec.nodeName', 'm') }).faults[0]).toMatch(
      /^spec: Invalid value: .*field is immutable$/,
    );
    const told = { ...base, status: { attached: true, attachError: { message: 'x'.repeat(1025), errorCode: -1, time: now } } };
    expect(update(attachments, { old, manifest: told, subresource: 'status' }).faults).toEqual([
      'status.attachError.message: Too long: may not be more than 262144 bytes',
      'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ]);
  });

  test('exactly one source', () => {
    const inlineVolumeSpec = { accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } };
    const source = (value: Manifest): readonly string[] => create(attachments, withField(base, 'spec.source', value)).faults;
    expect(source({})).toEqual(['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName']);
    expect(source({ inlineVolumeSpec, persistentVolumeName: 'pv' })).toEqual([
      'spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ]);
    expect(source({ inlineVolumeSpec })).toEqual([]);
    expect(source({ inlineVolumeSpec: { ...inlineVolumeSpec, capacity: { storage: '1Gi' }, storageClassName: 'x' } })).toEqual([
      'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
      'spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified in the context of inline volumes',
    ]);
  });
});

test('CSIDriver', () => {
  const drivers = definitionOf('csidrivers', group);
  const { object, faults } = create(drivers, { metadata, spec: {} });
  expect(faults).toEqual([]);
  expect(object['spec']).toEqual({
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  });
  const bad = {
    fsGroupPolicy: 'Odd',
    volumeLifecycleModes: ['Never'],
    tokenRequests: [{ audience: 'a', expirationSeconds: 1 }, { audience: 'a' }],
    nodeAllocatableUpdatePeriodSeconds: 9,
  };
  expect(create(drivers, { metadata, spec: bad }).faults).toEqual([
    'spec.fsGroupPolicy: Unsupported value: "Odd": supported values: "File", "None", "ReadWriteOnceWithFSType"',
    'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
    'spec.tokenRequests[1].audience: Duplicate value: "a"',
    'spec.volumeLifecycleModes: Unsupported value: "Never": supported values: "Persistent", "Ephemeral"',
    'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
  ]);
  expect(update(drivers, { old: object, manifest: { metadata, spec: { attachRequired: false } } }).faults).toEqual([
    'spec.attachedRequired: Invalid value: false: field is immutable',
  ]);
});

test('CSINode', () => {
  const nodes = definitionOf('csinodes', group);
  const driver = { name: 'd.example.com', nodeID: 'n1', allocatable: { count: 1 } };
  expect(create(nodes, { metadata, spec: { drivers: [driver, { ...driver, nodeID: '', topologyKeys: ['a', 'a'] }] } }).faults).toEqual([
    'spec.drivers[1].nodeID: Required value',
    'spec.drivers[1]: Duplicate value: "a"',
    'spec.drivers[1].name: Duplicate value: "d.example.com"',
  ]);
  const old = decode(nodes, { metadata, spec: { drivers: [driver] } });
  const changed = (change: Manifest): readonly string[] =>
    update(nodes, { old, manifest: { metadata, spec: { drivers: [{ ...driver, ...change }] } } }).faults;
  expect(changed({ allocatable: { count: 2 } })).toEqual([]);
  expect(changed({ nodeID: 'n2' })[0]).toMatch(/^spec.drivers: Invalid value: .*field is immutable$/);
});

test('CSIStorageCapacity', () => {
  const capacities = definitionOf('csistoragecapacities', group);
  const base = { metadata: { name: 'a', namespace: 'b' }, storageClassName: 'fast', capacity: '1024Mi' };
  expect(create(capacities, base)).toMatchObject({ faults: [], object: { capacity: '1Gi' } });
  expect(create(capacities, { ...base, capacity: '-1' }).faults).toEqual([
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ]);
  expect(update(capacities, { old: decode(capacities, base), manifest: { ...base, storageClassName: 'slow' } }).faults).toEqual([
    'storageClassName: Invalid value: "slow": field is immutable',
  ]);
  expect(row(capacities, { ...base, capacity: undefined })).toEqual({ Name: 'a', StorageClassName: 'fast', Capacity: '<unset>' });
});
