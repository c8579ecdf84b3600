import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const controllers = definitionOf('replicationcontrollers');
const base: Manifest = {
  metadata: { name: 'web', namespace: 'b' },
  spec: { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } } },
};

describe('ReplicationController', () => {
  test('takes selector and labels from the template', () => {
    expect(create(controllers, { ...base, status: { replicas: 9 } })).toMatchObject({
      faults: [],
      warnings: [],
      object: {
        metadata: { labels: { app: 'web' } },
        spec: { replicas: 1, selector: { app: 'web' }, template: { spec: { restartPolicy: 'Always' } } },
        status: { replicas: 0 },
      },
    });
    const own = withField(withField(base, 'metadata.labels', { a: 'b' }), 'spec.selector', { app: 'web' });
    expect(create(controllers, own).object.metadata.labels).toEqual({ a: 'b' });
  });

  test.each<[string, unknown, string[]]>([
    ['spec.replicas', -1, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.minReadySeconds', -1, ['spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.template', undefined, ['spec.selector: Required value', 'spec.template: Required value']],
    [
      'spec.selector',
      { app: 'db' },
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [
      'spec.template.spec.restartPolicy',
      'Never',
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'spec.template.spec.activeDeadlineSeconds',
      5,
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported'],
    ],
  ])('%s = %j', (path, value, expected) => {
    expect(create(controllers, withField(base, path, value)).faults).toEqual(expected);
  });

  test('its selector may change with the labels of its template', () => {
    const old = decode(controllers, base);
    const manifest = withField(withField(base, 'spec.selector', { app: 'db' }), 'spec.template.metadata.labels', { app: 'db' });
    expect(update(controllers, { old, manifest }).faults).toEqual([]);
  });

  test('status: counts, selectable, in the row', () => {
    const old = decode(controllers, base);
    const status = { replicas: 2, readyReplicas: 3, availableReplicas: 4 };
    expect(update(controllers, { old, manifest: { ...base, status }, subresource: 'status' }).faults).toEqual([
      'status.readyReplicas: Invalid value: 3: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 4: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas',
    ]);
    const object = decode(controllers, { ...base, status: { replicas: 2, readyReplicas: 1 } });
    expect(controllers.selectableFields['status.replicas']!(object)).toBe('2');
    expect(row(controllers, object)).toMatchObject({
      Desired: 1,
      Current: 2,
      Ready: 1,
      Containers: 'c',
      Images: 'nginx:1',
      Selector: 'app=web',
    });
    const { scale } = controllers.subresources.find(({ name }) => name === 'scale')!;
    expect(scale!.read(object)).toEqual({ specReplicas: 1, statusReplicas: 2, selector: 'app=web' });
  });
});
