import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const metadata = { name: 'web', namespace: 'b' };
const base: Manifest = {
  metadata,
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } },
  },
};

describe('Deployment', () => {
  const deployments = definitionOf('deployments', 'apps');

  test('defaults', () => {
    expect(create(deployments, base)).toMatchObject({
      faults: [],
      warnings: [],
      object: {
        spec: {
          replicas: 1,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
          template: {
            spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, securityContext: {} },
          },
        },
        status: {},
      },
    });
    const spec = create(deployments, base).object['spec'] as { template: { spec: object } };
    expect(spec.template.spec).not.toHaveProperty('enableServiceLinks');
    expect(create(deployments, withField(base, 'spec.strategy', { type: 'Recreate' })).object['spec']).toMatchObject({
      strategy: { type: 'Recreate' },
    });
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.selector', undefined, ['spec.selector: Required value']],
    ['spec.selector', {}, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [
      'spec.selector.matchLabels.app',
      'db',
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [
      'spec.template.metadata.labels',
      undefined,
      ['spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`'],
    ],
    ['spec.replicas', -1, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.minReadySeconds', 600, ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds']],
    [
      'spec.strategy',
      { type: 'Sometimes' },
      ['spec.strategy: Unsupported value: {"Type":"Sometimes","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      'spec.strategy',
      { type: 'Recreate', rollingUpdate: {} },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'spec.strategy.rollingUpdate',
      { maxSurge: 0, maxUnavailable: '0%' },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      'spec.strategy.rollingUpdate.maxUnavailable',
      '101%',
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'spec.strategy.rollingUpdate.maxSurge',
      'x',
      [/maxSurge: Invalid value: "x": a valid percent string must be a numeric string followed by/],
    ],
    [
      'spec.template.spec.restartPolicy',
      'Never',
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    ['spec.template.spec.containers', [], ['spec.template.spec.containers: Required value']],
    ['spec.template.spec.containers.0.image', '', ['spec.template.spec.containers[0].image: Required value']],
    ['spec.template.metadata.annotations', { 'a b': 'c' }, [/^spec\.template\.annotations: Invalid value: "a b"/]],
    [
      'spec.template.spec.activeDeadlineSeconds',
      5,
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported'],
    ],
    [
      'spec.template.spec.ephemeralContainers',
      [{ name: 'e', image: 'x' }],
      ['spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template'],
    ],
  ])('%s = %j', (path, value, expected) => {
    const { faults } = create(deployments, withField(base, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  const old = decode(deployments, base);

  test('the selector does not change', () => {
    const manifest = withField(withField(base, 'spec.selector.matchLabels.app', 'db'), 'spec.template.metadata.labels.app', 'db');
    expect(update(deployments, { old, manifest }).faults).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
    ]);
  });

  test('each subresource changes its part', () => {
    const manifest = { ...withField(base, 'spec.replicas', 5), status: { replicas: 3, readyReplicas: 2, collisionCount: 1 } };
    expect(update(deployments, { old, manifest }).object).toMatchObject({ spec: { replicas: 5 }, status: {} });
    expect(update(deployments, { old, manifest, subresource: 'status' }).object).toMatchObject({
      spec: { replicas: 1 },
      status: { replicas: 3 },
    });
  });

  test('status counts are plausible', () => {
    const status = { replicas: 1, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 2, unavailableReplicas: -1 };
    expect(update(deployments, { old, manifest: { ...base, status }, subresource: 'status' }).faults).toEqual([
      'status.unavailableReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
    ]);
  });

  test('scale reads and writes the number of replicas', () => {
    const { scale } = deployments.subresources.find(({ name }) => name === 'scale')!;
    const object = decode(deployments, { ...base, status: { replicas: 4 } });
    expect(scale!.read(object)).toEqual({ specReplicas: 1, statusReplicas: 4, selector: 'app=web' });
    scale!.write(object, 7);
    expect(object['spec']).toMatchObject({ replicas: 7 });
  });

  test('its row', () => {
    const status = { replicas: 3, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 };
    expect(row(deployments, decode(deployments, { ...withField(base, 'spec.replicas', 3), status }))).toEqual({
      Name: 'web',
      Ready: '2/3',
      'Up-to-date': 1,
      Available: 2,
      Age: '<unknown>',
      Containers: 'c',
      Images: 'nginx:1',
      Selector: 'app=web',
    });
  });

  test('a name that cannot be a host name is warned about', () => {
    expect(create(deployments, withField(base, 'metadata.name', 'a.b')).warnings).toEqual([
      'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    ]);
  });
});

describe('ReplicaSet', () => {
  const replicaSets = definitionOf('replicasets', 'apps');

  test('status.replicas is always there, and a field to select by', () => {
    const { object, faults } = create(replicaSets, { ...base, status: { replicas: 9 } });
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 0 } });
    expect(replicaSets.selectableFields['status.replicas']!(object)).toBe('0');
  });

  test('faults and row', () => {
    expect(create(replicaSets, withField(base, 'spec.template', undefined)).faults.length).toBeGreaterThan(0);
    const status = { replicas: 1, fullyLabeledReplicas: 2, readyReplicas: 2 };
    const old = decode(replicaSets, base);
    expect(update(replicaSets, { old, manifest: { ...base, status }, subresource: 'status' }).faults).toEqual([
      'status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ]);
    expect(row(replicaSets, old)).toMatchObject({ Desired: 1, Current: 0, Ready: 0, Selector: 'app=web' });
  });
});
