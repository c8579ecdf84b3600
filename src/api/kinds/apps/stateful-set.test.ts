import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const sets = definitionOf('statefulsets', 'apps');
const container = { name: 'c', image: 'nginx:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] };
const base: Manifest = {
  metadata: { name: 'web', namespace: 'b' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
    volumeClaimTemplates: [
      { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    ],
  },
};
const forbidden =
  "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

describe('StatefulSet', () => {
  test('defaults, of its claims too', () => {
    expect(create(sets, { ...base, status: { replicas: 3 } })).toMatchObject({
      faults: [],
      warnings: [],
      object: {
        spec: {
          replicas: 1,
          serviceName: '',
          podManagementPolicy: 'OrderedReady',
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
          revisionHistoryLimit: 10,
          volumeClaimTemplates: [
            { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
          ],
        },
        status: { replicas: 0, availableReplicas: 0 },
      },
    });
    expect(create(sets, withField(base, 'spec.updateStrategy', { type: 'OnDelete' })).object['spec']).toMatchObject({
      updateStrategy: { type: 'OnDelete' },
    });
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.podManagementPolicy', 'Odd', ["spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'"]],
    ['spec.updateStrategy', { type: 'Odd' }, [/^spec\.updateStrategy: Invalid value: .*: must be 'RollingUpdate' or 'OnDelete'$/]],
    [
      'spec.updateStrategy',
      { type: 'OnDelete', rollingUpdate: { partition: 1 } },
      [
        'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy \'RollingUpdate\'',
      ],
    ],
    [
      'spec.updateStrategy.rollingUpdate',
      { partition: -1 },
      [/rollingUpdate\.partition: Invalid value: -1: must be greater than or equal to 0/],
    ],
    ['spec.updateStrategy.rollingUpdate', { maxUnavailable: 0 }, [/rollingUpdate\.maxUnavailable: Invalid value: 0: cannot be 0/]],
    [
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled',
      'Burn',
      ['spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Burn": supported values: "Retain", "Delete"'],
    ],
    ['spec.ordinals', { start: -1 }, ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.selector', {}, ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset']],
    ['spec.serviceName', 'a.b', ['spec.serviceName: Invalid value: "a.b": must not contain dots']],
    ['spec.template.spec.containers.0.image', '', ['spec.template.spec.containers[0].image: Required value']],
    ['spec.volumeClaimTemplates', undefined, ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']],
    [
      'spec.volumeClaimTemplates.0.spec.accessModes',
      [],
      ['spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required'],
    ],
    [
      'spec.template.spec.activeDeadlineSeconds',
      5,
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported'],
    ],
  ])('%s = %j', (path, value, expected) => {
    const { faults } = create(sets, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  const old = decode(sets, base);

  test.each<[string, unknown, string[]]>([
    ['spec.replicas', 3, []],
    ['spec.ordinals', { start: 2 }, []],
    ['spec.minReadySeconds', 2, []],
    ['spec.revisionHistoryLimit', 2, []],
    ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted', 'Delete', []],
    ['spec.template.spec.containers.0.image', 'nginx:2', []],
    ['spec.updateStrategy', { type: 'OnDelete' }, []],
    ['spec.serviceName', 'db', [forbidden]],
    ['spec.podManagementPolicy', 'Parallel', [forbidden]],
    ['spec.volumeClaimTemplates.0.spec.resources.requests.storage', '2Gi', [forbidden]],
  ])('a change of %s to %j', (path, value, expected) => {
    expect(update(sets, { old, manifest: withField(base, path, value) }).faults).toEqual(expected);
  });

  test('a template that was never valid does not stand in the way of others', () => {
    const broken = withField(base, 'spec.template.spec.containers.0.image', '');
    expect(update(sets, { old: decode(sets, broken), manifest: withField(broken, 'spec.replicas', 2) }).faults).toEqual([]);
  });

  test('a history without end is warned about', () => {
    expect(create(sets, withField(base, 'spec.revisionHistoryLimit', -1)).warnings).toEqual([
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    ]);
    const half = withField(base, 'spec.volumeClaimTemplates.0.spec.resources.requests.storage', '1500m');
    expect(create(sets, half).warnings).toEqual([
      'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]);
  });

  test('a name is a label', () => {
    expect(sets.strategy.validateName('a.b', false)).toHaveLength(1);
  });

  test('status and row', () => {
    const status = { replicas: 1, readyReplicas: 1, availableReplicas: 2, updatedReplicas: 2 };
    expect(update(sets, { old, manifest: { ...base, status }, subresource: 'status' }).faults).toEqual([
      'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
    ]);
    expect(row(sets, decode(sets, { ...base, status }))).toEqual({
      Name: 'web',
      Ready: '1/1',
      Age: '<unknown>',
      Containers: 'c',
      Images: 'nginx:1',
    });
  });
});
