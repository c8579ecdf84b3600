import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

describe('PersistentVolume', () => {
  const volumes = definitionOf('persistentvolumes');
  const base: Manifest = {
    metadata: { name: 'pv' },
    spec: { capacity: { storage: '1024Mi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv' } },
  };

  test('defaults', () => {
    const { object, faults } = create(volumes, base);
    expect(faults).toEqual([]);
    expect(object).toMatchObject({
      spec: { capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { type: '' } },
      status: { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T01:00:00Z' },
    });
  });

  test.each<[string, string, unknown, (string | RegExp)[]]>([
    ['no capacity', 'spec.capacity', undefined, ['spec.capacity: Required value', /^spec.capacity: Unsupported value/]],
    ['no storage', 'spec.capacity', { storage: '0' }, ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
    ['no modes', 'spec.accessModes', [], ['spec.accessModes: Required value']],
    [
      'modes',
      'spec.accessModes',
      ['ReadWriteOncePod', 'ReadWriteOnce', 'X'],
      [
        'spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      ],
    ],
    ['two sources', 'spec.nfs', { server: 's', path: '/' }, ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
    ['no source', 'spec.hostPath', undefined, ['spec: Required value: must specify a volume type']],
    [
      'a policy',
      'spec.persistentVolumeReclaimPolicy',
      'Keep',
      ['spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"'],
    ],
    ['affinity', 'spec.nodeAffinity', {}, ['spec.nodeAffinity.required: Required value: must specify required node constraints']],
    [
      'an attributes class',
      'spec.volumeAttributesClassName',
      'x',
      ['spec.csi: Required value: has to be specified when using volumeAttributesClassName'],
    ],
    ['backsteps', 'spec.hostPath.path', '/a/../b', ['spec.hostPath.path: Invalid value: "/a/../b": must not contain \'..\'']],
  ])('%s', (_name, path, value, expected) => {
    const { faults } = create(volumes, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('sources of their own', () => {
    const source = (field: string, value: unknown): readonly string[] =>
      create(volumes, withField(withField(base, 'spec.hostPath', undefined), `spec.${field}`, value)).faults;
    expect(source('local', { path: '/mnt' })).toEqual(['spec.nodeAffinity: Required value: Local volume requires node affinity']);
    expect(source('csi', { driver: 'd', volumeHandle: '', nodeStageSecretRef: {}, nodePublishSecretRef: { name: 'a' } })).toEqual([
      'spec.csi.volumeHandle: Required value',
      'spec.csi.nodePublishSecretRef.namespace: Required value',
    ]);
    expect(source('glusterfs', { endpoints: 'e', path: 'p', endpointsNamespace: '' })).toEqual([
      'spec.glusterfs.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid namespace name',
    ]);
    expect(source('cinder', { volumeID: 'v', secretRef: { name: 's' } })).toEqual(['spec.cinder.secretRef.namespace: Required value']);
  });

  test('the root of a host is not recycled', () => {
    const recycled = withField(withField(base, 'spec.hostPath.path', '//.'), 'spec.persistentVolumeReclaimPolicy', 'Recycle');
    expect(create(volumes, recycled).faults).toEqual([
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ]);
  });

  test('the source stays, but for a Secret that was missing; old labels may be renamed', () => {
    const old = decode(volumes, base);
    expect(update(volumes, { old, manifest: withField(base, 'spec.hostPath.path', '/other') }).faults[0]).toMatch(
      /^spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n/,
    );
    const csi = withField(withField(base, 'spec.hostPath', undefined), 'spec.csi', { driver: 'd', volumeHandle: 'h' });
    const secret = withField(csi, 'spec.csi.controllerExpandSecretRef', { name: 'a', namespace: 'b' });
    expect(update(volumes, { old: decode(volumes, csi), manifest: secret }).faults).toEqual([]);
    expect(update(volumes, { old: decode(volumes, secret), manifest: csi }).faults).toHaveLength(1);
    const on = (key: string): Manifest =>
      withField(base, 'spec.nodeAffinity', { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] } });
    const before = decode(volumes, on('beta.kubernetes.io/os'));
    expect(update(volumes, { old: before, manifest: on('kubernetes.io/os') }).faults).toEqual([]);
    expect(update(volumes, { old: before, manifest: on('os') }).faults[0]).toMatch(/^nodeAffinity: Invalid value.*field is immutable$/);
    expect(update(volumes, { old, manifest: on('os') }).faults).toEqual([]);
  });

  test('the phase says since when', () => {
    const old = { ...decode(volumes, base), status: { phase: 'Pending', lastPhaseTransitionTime: '2025-01-01T00:00:00Z' } };
    const bound = { ...base, status: { ...old.status, phase: 'Bound' } };
    expect(update(volumes, { old, manifest: bound, subresource: 'status' }).object['status']).toEqual({
      phase: 'Bound',
      lastPhaseTransitionTime: '2026-01-01T01:00:00Z',
    });
  });
});

describe('PersistentVolumeClaim', () => {
  const claims = definitionOf('persistentvolumeclaims');
  const base: Manifest = {
    metadata: { name: 'c', namespace: 'n' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'fast' },
  };
  const bound = (change: Manifest = {}): Manifest => ({ ...base, status: { phase: 'Bound', capacity: { storage: '1Gi' }, ...change } });

  test('sources: the two fields agree, and what the old one never took is dropped', () => {
    const spec = (field: string, value: Manifest): unknown => create(claims, withField(base, `spec.${field}`, value)).object['spec'];
    const claim = { kind: 'PersistentVolumeClaim', name: 'x' };
    expect(spec('dataSource', claim)).toMatchObject({ dataSource: claim, dataSourceRef: claim });
    expect(spec('dataSource', { kind: 'Other', apiGroup: 'a.b', name: 'x' })).not.toHaveProperty('dataSource');
    expect(spec('dataSourceRef', { kind: 'Other', apiGroup: 'a.b', name: 'x' })).toHaveProperty('dataSource.kind', 'Other');
    expect(spec('dataSourceRef', { ...claim, namespace: 'other' })).not.toHaveProperty('dataSourceRef');
  });

  test('what changes and what does not', () => {
    const change = (old: Manifest, path: string, value: unknown): readonly string[] =>
      update(claims, { old: decode(claims, old), manifest: withField(old, path, value) }).faults;
    expect(change(base, 'spec.volumeName', 'pv')).toEqual([]);
    expect(change(withField(base, 'spec.volumeName', 'pv'), 'spec.volumeName', 'other')).toHaveLength(1);
    expect(change(base, 'spec.resources.requests.storage', '2Gi')[0]).toMatch(
      /^spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n/,
    );
    expect(change(bound(), 'spec.resources.requests.storage', '2Gi')).toEqual([]);
    expect(change(bound(), 'spec.resources.requests.storage', '512Mi')).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
    expect(change(withField(bound(), 'spec.resources.requests.storage', '4Gi'), 'spec.resources.requests.storage', '2Gi')).toEqual([]);
    expect(change(base, 'spec.storageClassName', 'slow')).toHaveLength(1);
    expect(change(withField(base, 'spec.storageClassName', undefined), 'spec.storageClassName', 'slow')).toEqual([]);
    expect(change(withField(bound(), 'spec.volumeAttributesClassName', 'a'), 'spec.volumeAttributesClassName', 'b')).toEqual([]);
  });

  test('a class of attributes can be taken back until it is in effect', () => {
    const path = 'spec.volumeAttributesClassName';
    const to = (old: Manifest, value: unknown): readonly string[] =>
      update(claims, { old: decode(claims, withField(old, path, 'a')), manifest: withField(old, path, value) }).faults;
    const applied = bound({ currentVolumeAttributesClassName: 'a' });
    const forbidden = 'is forbidden when status.currentVolumeAttributesClassName is not nil';
    expect(to(bound(), 'b')).toEqual([]);
    expect(to(bound(), undefined)).toEqual([]);
    expect(to(bound(), '')).toEqual([]);
    expect(to(applied, 'b')).toEqual([]);
    expect(to(applied, undefined)).toEqual([`${path}: Forbidden: update to nil ${forbidden}`]);
    expect(to(applied, '')).toEqual([`${path}: Forbidden: update to empty string ${forbidden}`]);
    expect(to(base, 'b')).toEqual([expect.stringMatching(/^spec: Forbidden: spec is immutable after creation/)]);
  });

  test('the annotation that named a class of old stays', () => {
    const annotated = { ...base, metadata: { name: 'c', namespace: 'n', annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } } };
    expect(update(claims, { old: decode(claims, annotated), manifest: base }).faults).toEqual([
      'metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "": field is immutable',
    ]);
  });

  test('the row, bound, going and not', () => {
    const shown = { ...bound({ accessModes: ['ReadOnlyMany', 'ReadWriteOnce'] }), spec: { ...(base['spec'] as object), volumeName: 'pv' } };
    expect(row(claims, decode(claims, shown))).toMatchObject({ Status: 'Bound', Volume: 'pv', Capacity: '1Gi', 'Access Modes': 'RWO,ROX' });
    expect(row(claims, decode(claims, base))).toMatchObject({ Status: 'Pending', Volume: '', Capacity: '', StorageClass: 'fast' });
    const going = { ...base, metadata: { name: 'c', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(row(claims, decode(claims, going))['Status']).toBe('Terminating');
  });

  test('what controllers write, and warnings', () => {
    const status = { capacity: { storage: '-1' }, allocatedResourceStatuses: { storage: 'Odd' }, allocatedResources: { cpu: '1' } };
    expect(update(claims, { old: decode(claims, base), manifest: { ...base, status }, subresource: 'status' }).faults).toEqual([
      'status.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
      'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    ]);
    expect(create(claims, withField(base, 'spec.resources.requests.storage', '100m')).warnings).toEqual([
      'spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer',
    ]);
  });
});
