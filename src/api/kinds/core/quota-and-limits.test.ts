import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update } from '../strategy.suite.ts';

const metadata = { name: 'a', namespace: 'b', creationTimestamp: '2026-01-01T00:58:00Z' };

describe('LimitRange', () => {
  const definition = definitionOf('limitranges');
  const limits = (...items: object[]): Manifest => ({ metadata, spec: { limits: items } });

  test('containers are limited to the maximum, and ask for their limit or the minimum', () => {
    const { object, faults } = create(
      definition,
      limits({
        type: 'Container',
        max: { cpu: '2', memory: '1024Mi' },
        min: { cpu: '0.1', 'ephemeral-storage': '1Gi' },
        default: { cpu: '1000m' },
      }),
    );
    expect(faults).toEqual([]);
    expect(object['spec']).toEqual({
      limits: [
        {
          type: 'Container',
          max: { cpu: '2', memory: '1Gi' },
          min: { cpu: '100m', 'ephemeral-storage': '1Gi' },
          default: { cpu: '1', memory: '1Gi' },
          defaultRequest: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
        },
      ],
    });
    expect(create(definition, limits({ type: 'Pod', max: { cpu: '2' } })).object['spec']).toEqual({
      limits: [{ type: 'Pod', max: { cpu: '2' } }],
    });
  });

  test.each<[object[], string[]]>([
    [[{ type: 'Odd' }], ['spec.limits[0].type: Invalid value: "Odd": must be a standard limit type or fully qualified']],
    [[{ type: 'Pod' }, { type: 'Pod' }], ['spec.limits[1].type: Duplicate value: "Pod"']],
    [[{ type: 'example.com/odd', max: { storage: '1' } }], []],
    [
      [{ type: 'Pod', max: { storage: '1' } }],
      ['spec.limits[0].max[storage]: Invalid value: "storage": must be a standard resource for containers'],
    ],
    [
      [{ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }],
      [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        "spec.limits[0].defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
      ],
    ],
    [
      [{ type: 'PersistentVolumeClaim', max: { cpu: '1' } }],
      ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
    ],
    [[{ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }], []],
    [
      [{ type: 'Pod', max: { cpu: '1' }, min: { cpu: '1200m' } }],
      ['spec.limits[0].min[cpu]: Invalid value: "1200m": min value 1200m is greater than max value 1'],
    ],
    [
      [{ type: 'Container', max: { cpu: '3' }, min: { cpu: '2' }, default: { cpu: '1' }, defaultRequest: { cpu: '4' } }],
      [
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than max value 3',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "4": default request value 4 is greater than default limit value 1',
        'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
      ],
    ],
    [
      [{ type: 'Container', max: { cpu: '3' }, min: { cpu: '2' }, default: { cpu: '4' }, defaultRequest: { cpu: '1' } }],
      [
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
        'spec.limits[0].default[cpu]: Invalid value: "3": default value 4 is greater than max value 3',
      ],
    ],
    [
      [{ type: 'Pod', maxLimitRequestRatio: { cpu: '800m' } }],
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "800m": ratio 800m is less than 1'],
    ],
    [
      [{ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '10' } }],
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "10": ratio 10 is greater than max/min = 2.000000'],
    ],
    [
      [{ type: 'Container', default: { 'example.com/gpu': '3' }, defaultRequest: { 'example.com/gpu': '2' } }],
      [
        'spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "2": default value 3 must equal to defaultRequest value 2 in example.com/gpu',
      ],
    ],
  ])('%j', (items, expected) => expect(create(definition, limits(...items)).faults).toEqual(expected));

  test('gets a name when it has none, and may come to be by an update', () => {
    expect(create(definition, { metadata: { namespace: 'n' }, spec: {} }).object.metadata.name).toBe('uid');
    expect(definition.strategy.allowCreateOnUpdate).toBe(true);
  });

  test('has no columns of its own', () => expect(definition.columns).toEqual([]));
});

describe('ResourceQuota', () => {
  const definition = definitionOf('resourcequotas');
  const quota = (spec: object, status: object = {}): Manifest => ({ metadata, spec, status });

  test('its status is the controller’s', () => {
    const { object, faults } = create(definition, quota({ hard: { cpu: '1000m', pods: 3 } }, { hard: { cpu: '1' } }));
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ spec: { hard: { cpu: '1', pods: '3' } }, status: {} });
    const old = decode(definition, quota({ hard: { cpu: '1' } }, { used: { cpu: '0' } }));
    expect(update(definition, { old, manifest: quota({ hard: { cpu: '2' } }) }).object).toMatchObject({
      spec: { hard: { cpu: '2' } },
      status: { used: { cpu: '0' } },
    });
    const written = update(definition, { old, manifest: quota({}, { used: { cpu: '1' } }), subresource: 'status' });
    expect(written.object).toMatchObject({ spec: { hard: { cpu: '1' } }, status: { used: { cpu: '1' } } });
    expect(update(definition, { old, manifest: quota({}, { used: { odd: '-1' } }), subresource: 'status' }).faults).toEqual([
      'status.used[odd]: Invalid value: "odd": must be a standard resource type or fully qualified',
      'status.used[odd]: Invalid value: "odd": must be a standard resource for quota',
      'status.used[odd]: Invalid value: "-1": must be greater than or equal to 0',
    ]);
  });

  const valid = [
    { hard: { 'count/deployments.apps': '2', 'requests.example.com/gpu': '1', 'hugepages-2Mi': '2Mi', 'requests.hugepages-2Mi': '2Mi' } },
    { hard: { 'gold.storageclass.storage.k8s.io/requests.storage': '5Gi', 'services.nodeports': '0', 'limits.ephemeral-storage': '1' } },
    { hard: { pods: '1' }, scopes: ['Terminating', 'BestEffort'] },
    {
      hard: { persistentvolumeclaims: '1' },
      scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'Exists' }] },
    },
    { hard: { cpu: '1' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
  ];
  test.each(valid)('%j can be meant', (spec) => expect(create(definition, quota(spec)).faults).toEqual([]));

  const selector = (...matchExpressions: object[]): object => ({ hard: { pods: '1' }, scopeSelector: { matchExpressions } });
  const at = 'spec.scopeSelector.matchExpressions';
  test.each<[object, string[]]>([
    [{ hard: { storage: '1' } }, ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']],
    [{ hard: { pods: '1500m' } }, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']],
    [{ hard: { cpu: '-1' } }, ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
    [{ scopes: ['Odd'] }, ['spec.scopes: Invalid value: ["Odd"]: unsupported scope']],
    [
      { hard: { pods: '1', cpu: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
      [
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
      ],
    ],
    [selector({ scopeName: 'Odd', operator: 'Exists' }), [`${at}.scopeName: Invalid value: "Odd": unsupported scope`]],
    [
      selector({ scopeName: 'Terminating', operator: 'In', values: ['x'] }),
      [
        `${at}.operator: Invalid value: "In": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`,
      ],
    ],
    [
      selector({ scopeName: 'PriorityClass', operator: 'In' }),
      [`${at}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`],
    ],
    [
      selector({ scopeName: 'PriorityClass', operator: 'Exists', values: ['x'] }),
      [`${at}.values: Invalid value: ["x"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`],
    ],
    [selector({ scopeName: 'PriorityClass', operator: 'Odd' }), [`${at}.operator: Invalid value: "Odd": not a valid selector operator`]],
    [
      selector({ scopeName: 'VolumeAttributesClass', operator: 'Exists' }),
      [
        `${at}: Invalid value: {"MatchExpressions":[{"ScopeName":"VolumeAttributesClass","Operator":"Exists","Values":null}]}: unsupported scope applied to resource`,
      ],
    ],
  ])('%j', (spec, expected) => expect(create(definition, quota(spec)).faults).toEqual(expected));

  test('its scopes stay', () => {
    const old = decode(definition, quota({ hard: { pods: '1' }, scopes: ['Terminating'] }));
    expect(update(definition, { old, manifest: quota({ hard: { pods: '2' } }) }).faults).toEqual([
      'spec.scopes: Invalid value: null: field is immutable',
    ]);
  });

  test('a new one that lets more be asked for than be used warns', () => {
    const hard = { cpu: '2', 'limits.cpu': '1', 'requests.memory': '1Gi', 'limits.memory': '1Gi', 'requests.storage': '5Gi' };
    const { object: old, warnings } = create(definition, quota({ hard }));
    expect(warnings).toEqual(['ResourceQuota cpu (2) should be less than limits.cpu (1)']);
    expect(update(definition, { old, manifest: quota({ hard }) }).warnings).toEqual([]);
  });

  test('its row', () => {
    const status = { hard: { pods: '10', 'requests.cpu': '2', 'limits.cpu': '4' }, used: { pods: '1', 'requests.cpu': '100m' } };
    expect(row(definition, decode(definition, quota({}, status)))).toEqual({
      Name: 'a',
      Request: 'pods: 1/10, requests.cpu: 100m/2',
      Limit: 'limits.cpu: 0/4',
      Age: '2m',
    });
  });
});
