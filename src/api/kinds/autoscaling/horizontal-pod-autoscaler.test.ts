import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../object.ts';
import { builtinResources } from '../index.ts';
import { create, decode, type Decoded, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const v2 = definitionOf('horizontalpodautoscalers', 'autoscaling');
const v1 = builtinResources.find(({ plural, version }) => plural === 'horizontalpodautoscalers' && version === 'v1')!;
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const base: Manifest = { metadata: { name: 'web', namespace: 'b' }, spec: { scaleTargetRef, maxReplicas: 5 } };
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
const requests = { type: 'Pods', pods: { metric: { name: 'requests' }, target: { type: 'AverageValue', averageValue: '1k' } } };
const prefix = 'autoscaling.alpha.kubernetes.io/';
const withMetric = (metric: object): Manifest => withField(base, 'spec.metrics', [metric]);
const plain = (object: unknown): unknown => JSON.parse(JSON.stringify(object));

describe('HorizontalPodAutoscaler', () => {
  test('the first entry is the stored version', () => {
    expect([v2.version, v2.storage.fromStorage, v1.storage.prefix]).toEqual(['v2', undefined, v2.storage.prefix]);
  });

  test('measures the CPU when nothing is said', () => {
    expect(create(v2, { ...base, status: { desiredReplicas: 3 } })).toMatchObject({
      faults: [],
      object: { spec: { minReplicas: 1, metrics: [cpu] }, status: { desiredReplicas: 0 } },
    });
  });

  test('a behaviour is completed', () => {
    const { object } = create(v2, withField(base, 'spec.behavior', { scaleDown: { stabilizationWindowSeconds: 60, tolerance: '50m' } }));
    expect(object['spec']).toMatchObject({
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: 60,
          selectPolicy: 'Max',
          tolerance: '50m',
          policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
        },
      },
    });
  });

  test.each<[string, unknown, string[]]>([
    [
      'spec.minReplicas',
      0,
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    ['spec.minReplicas', 6, ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`']],
    [
      'spec.maxReplicas',
      0,
      [
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
        'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      ],
    ],
    [
      'spec.scaleTargetRef',
      undefined,
      [
        'spec.scaleTargetRef.kind: Required value',
        'spec.scaleTargetRef.name: Required value',
        'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
      ],
    ],
    ['spec.scaleTargetRef.name', 'a/b', ['spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\'']],
    [
      'spec.scaleTargetRef.apiVersion',
      'a/b/c',
      ['spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    ],
    ['spec.scaleTargetRef', { kind: 'ReplicationController', name: 'web' }, []],
    [
      'spec.behavior',
      { scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'Odd', policies: [] } },
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Odd": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
      ],
    ],
    [
      'spec.behavior',
      { scaleDown: { tolerance: '-1', policies: [{ type: 'Odd', value: 0, periodSeconds: 1801 }] } },
      [
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Odd": supported values: "Percent", "Pods"',
        'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
        'spec.behavior.scaleDown.tolerance: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
  ])('%s = %j', (path, value, expected) => {
    expect(create(v2, withField(base, path, value)).faults).toEqual(expected);
  });

  test.each<[object, string[]]>([
    [
      {},
      [
        'spec.metrics[0].type: Required value: must specify a metric source type',
        'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
        'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      ],
    ],
    [{ type: 'Pods' }, ['spec.metrics[0].pods: Required value: must populate information for the given metric source']],
    [{ ...requests, resource: cpu.resource }, ['spec.metrics[0].resource: Forbidden: must populate the given metric source only']],
    [
      { type: 'Resource', resource: { name: '', target: { type: 'Odd', averageUtilization: 0, averageValue: '0' } } },
      [
        'spec.metrics[0].resource.name: Required value: must specify a resource name',
        'spec.metrics[0].resource.target.type: Invalid value: "Odd": must be either Utilization, Value, or AverageValue',
        'spec.metrics[0].resource.target.averageValue: Invalid value: "0": must be positive',
        'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
        'spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization',
      ],
    ],
    [
      { type: 'External', external: { metric: { name: '' }, target: { type: 'Value', value: '1', averageValue: '1' } } },
      [
        'spec.metrics[0].external.metric.name: Required value: must specify a metric name',
        'spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target',
      ],
    ],
    [
      {
        type: 'Object',
        object: { metric: { name: 'm' }, target: { type: 'Value' }, describedObject: { kind: 'Service', name: 's', apiVersion: 'v1' } },
      },
      ['spec.metrics[0].object.target.averageValue: Required value: must set either a target value or averageValue'],
    ],
    [
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'A', target: { type: 'AverageValue', averageValue: '1' } },
      },
      [expect.stringMatching(/^spec\.metrics\[0\]\.containerResource\.container: Invalid value: "A": a lowercase RFC 1123 label/)],
    ],
  ])('a metric %j', (metric, expected) => {
    expect(create(v2, withMetric(metric)).faults).toEqual(expected);
  });

  test('a target that was stored without a group may stay', () => {
    const old = decode(v2, withField(base, 'spec.scaleTargetRef.apiVersion', 'v1'));
    expect(update(v2, { old, manifest: withField(old, 'spec.maxReplicas', 7) }).faults).toEqual([]);
    expect(update(v2, { old, manifest: withField(old, 'spec.scaleTargetRef.kind', 'StatefulSet') }).faults).toHaveLength(1);
  });

  test.each<[object[], object[], string]>([
    [[cpu], [], 'cpu: <unknown>/80%'],
    [[cpu], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 42, averageValue: '420m' } } }], 'cpu: 42%/80%'],
    [[requests], [{ type: 'Pods', pods: { metric: { name: 'requests' }, current: { averageValue: '900' } } }], '900/1k'],
    [
      [{ type: 'External', external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '3' } } }],
      [],
      '<unknown>/3 (avg)',
    ],
    [[cpu, requests, requests, requests], [], 'cpu: <unknown>/80%, <unknown>/1k + 2 more...'],
  ])('a row of %j', (metrics, currentMetrics, text) => {
    const object = decode(v2, {
      ...withField(base, 'spec.metrics', metrics),
      status: { currentReplicas: 2, desiredReplicas: 2, currentMetrics },
    });
    expect(row(v2, object)).toEqual({
      Name: 'web',
      Reference: 'Deployment/web',
      Targets: text,
      MinPods: '1',
      MaxPods: 5,
      Replicas: 2,
      Age: '<unknown>',
    });
  });
});

describe('autoscaling/v1', () => {
  const toStorage = (object: unknown): Decoded => v1.storage.toStorage!(structuredClone(object) as KubeObject) as Decoded;
  const fromStorage = (object: unknown): Decoded => v1.storage.fromStorage!(object as KubeObject) as Decoded;

  test('says the CPU in one number', () => {
    const { object, faults } = create(v1, withField(base, 'spec.targetCPUUtilizationPercentage', 50));
    expect(faults).toEqual([]);
    const { spec } = toStorage(object) as unknown as { spec: object };
    expect(plain(spec)).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    });
    expect(create(v1, base).object['spec']).toMatchObject({ targetCPUUtilizationPercentage: 80 });
    expect(create(v1, withField(base, 'spec.targetCPUUtilizationPercentage', 0)).faults).toEqual([
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0',
    ]);
  });

  const metrics = [
    requests,
    {
      type: 'Object',
      object: {
        describedObject: scaleTargetRef,
        metric: { name: 'o', selector: { matchLabels: { a: 'b' } } },
        target: { type: 'Value', value: '10' },
      },
    },
    {
      type: 'Object',
      object: { describedObject: scaleTargetRef, metric: { name: 'p' }, target: { type: 'AverageValue', averageValue: '10' } },
    },
    { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '5' } } },
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
    {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 60 } },
    },
    cpu,
  ];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Min' } };
  const status = {
    currentReplicas: 2,
    desiredReplicas: 3,
    observedGeneration: 1,
    lastScaleTime: '2026-01-01T00:00:00Z',
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 42, averageValue: '420m' } } },
      { type: 'Pods', pods: { metric: { name: 'requests' }, current: { averageValue: '1' } } },
    ],
    conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'Ready', message: 'ok' }],
  };
  const full = decode(v2, {
    ...withField(withField(base, 'spec.metrics', metrics), 'spec.behavior', behavior),
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    status,
  });

  test('keeps the rest in annotations, and nothing is lost on the way back', () => {
    const shown = fromStorage(full);
    expect(shown['spec']).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 80 });
    expect(shown['status']).toEqual({
      currentReplicas: 2,
      desiredReplicas: 3,
      observedGeneration: 1,
      lastScaleTime: '2026-01-01T00:00:00Z',
      currentCPUUtilizationPercentage: 42,
    });
    const annotations = shown.metadata.annotations!;
    expect(Object.keys(annotations).sort()).toEqual(['behavior', 'conditions', 'current-metrics', 'metrics'].map((name) => prefix + name));
    expect(JSON.parse(annotations[`${prefix}metrics`]!)).toHaveLength(6);
    expect(annotations[`${prefix}behavior`]).toContain(
      '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}',
    );
    expect(annotations[`${prefix}conditions`]).toBe(JSON.stringify(status.conditions));
    expect(plain(toStorage(shown))).toEqual(plain(full));
  });

  test('an update through it changes no status, not even what annotations say of it', () => {
    const old = fromStorage(full);
    const manifest = withField(structuredClone(old) as Manifest, 'metadata.annotations', { [`${prefix}conditions`]: '[]', own: 'x' });
    const changed = update(v1, { old, manifest }).object;
    expect(changed.metadata.annotations).toEqual({
      own: 'x',
      [`${prefix}conditions`]: old.metadata.annotations![`${prefix}conditions`],
      [`${prefix}current-metrics`]: old.metadata.annotations![`${prefix}current-metrics`],
    });
    expect(toStorage(changed)).toMatchObject({ status, spec: { metrics: [cpu] } });
  });

  test('a status through it changes no spec', () => {
    const old = fromStorage(full);
    const manifest = {
      ...(structuredClone(old) as Manifest),
      metadata: { name: 'web', namespace: 'b' },
      status: { currentReplicas: 1, desiredReplicas: -1 },
    };
    const { object, faults } = update(v1, { old, manifest, subresource: 'status' });
    expect(faults).toEqual(['status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0']);
    expect(plain((toStorage(object) as unknown as { spec: unknown }).spec)).toEqual(plain(full['spec']));
  });

  test.each([
    'nonsense',
    '{}',
    '[1]',
    '[{"type":5}]',
    '[{"type":"Pods","pods":{"targetAverageValue":{}}}]',
    '{"__proto__":1}',
    '['.repeat(10_000),
  ])('an annotation that cannot be read is as good as none: %.40s', (text) => {
    for (const name of ['metrics', 'behavior', 'conditions', 'current-metrics']) {
      const { object, faults } = create(v1, withField(base, 'metadata.annotations', { [prefix + name]: text }));
      expect(faults).toEqual([]);
      expect(toStorage(object)).toMatchObject({ spec: { metrics: [cpu] } });
    }
  });

  test.each(['Object', 'Pods', 'Resource', 'ContainerResource', 'External', ''])('whatever is missing of a metric of type %s', (type) => {
    const source = type.charAt(0).toLowerCase() + type.slice(1);
    const metric = { type, [source]: {}, resource: { name: 'cpu' } };
    const object = { ...withMetric(metric), status: { desiredReplicas: 0, currentMetrics: [metric] } };
    expect(() => toStorage(fromStorage(object))).not.toThrow();
    expect(() => toStorage(fromStorage({ metadata: base['metadata'] }))).not.toThrow();
    expect(row(v1, fromStorage(object))).toMatchObject({ Name: 'web' });
    const stored = {
      ...withField(base, 'spec.metrics', metrics),
      status: { desiredReplicas: 0, currentMetrics: metrics.map(() => metric) },
    };
    expect(row(v2, decode(v2, stored))).toMatchObject({ Name: 'web' });
  });

  test('means nothing in v2', () => {
    const manifest = withField(base, 'metadata.annotations', { [`${prefix}metrics`]: '[]', own: 'x' });
    expect(create(v2, manifest).object.metadata.annotations).toEqual({ own: 'x' });
  });

  test('its row is that of v2', () => {
    expect(row(v1, fromStorage(full))).toMatchObject({ Targets: expect.stringMatching(/more\.\.\.$/) as unknown, Replicas: 2 });
  });
});
