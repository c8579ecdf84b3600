import { describe, expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const jobs = definitionOf('jobs', 'batch');
const uid = 'u-1';
const base: Manifest = {
  metadata: { name: 'sum', namespace: 'b', uid },
  spec: { template: { spec: { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'Never' } } },
};
const labels = {
  'job-name': 'sum',
  'batch.kubernetes.io/job-name': 'sum',
  'controller-uid': uid,
  'batch.kubernetes.io/controller-uid': uid,
};
const indexed = withField(withField(base, 'spec.completionMode', 'Indexed'), 'spec.completions', 5);
const withFields = (manifest: Manifest, ...fields: readonly (readonly [string, unknown])[]): Manifest =>
  fields.reduce((made, [path, value]) => withField(made, path, value), manifest);

describe('Job', () => {
  test('gets labels and a selector of its own', () => {
    expect(create(jobs, { ...base, status: { active: 1 } })).toMatchObject({
      faults: [],
      warnings: [],
      object: {
        metadata: { labels },
        spec: {
          completions: 1,
          parallelism: 1,
          backoffLimit: 6,
          completionMode: 'NonIndexed',
          suspend: false,
          manualSelector: false,
          podReplacementPolicy: 'TerminatingOrFailed',
          selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
          template: { metadata: { labels } },
        },
        status: {},
      },
    });
  });

  test('its other defaults', () => {
    const { object } = create(jobs, withField(base, 'spec.parallelism', 3));
    expect(object['spec']).not.toHaveProperty('completions');
    expect(create(jobs, withField(indexed, 'spec.backoffLimitPerIndex', 1)).object['spec']).toMatchObject({ backoffLimit: 2_147_483_647 });
    const policy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] };
    expect(create(jobs, withField(base, 'spec.podFailurePolicy', policy))).toMatchObject({
      faults: [],
      object: {
        spec: {
          podReplacementPolicy: 'Failed',
          podFailurePolicy: { rules: [{ onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
        },
      },
    });
  });

  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.parallelism', -1, ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0']],
    ['spec.ttlSecondsAfterFinished', -1, ['spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0']],
    [
      'spec.template.spec.restartPolicy',
      undefined,
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    ['spec.completionMode', 'Indexed', ['spec.completions: Required value: when completion mode is Indexed']],
    ['spec.completionMode', 'Odd', ['spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"']],
    ['spec.backoffLimitPerIndex', 1, ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']],
    [
      'spec.maxFailedIndexes',
      1,
      [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
      ],
    ],
    ['spec.managedBy', 'me', ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")']],
    [
      'spec.podReplacementPolicy',
      'Odd',
      ['spec.podReplacementPolicy: Unsupported value: "Odd": supported values: "Failed", "TerminatingOrFailed"'],
    ],
    ['spec.successPolicy', { rules: [] }, ['spec.successPolicy: Invalid value: {"Rules":[]}: requires indexed completion mode']],
    [
      'spec.selector',
      { matchLabels: { a: 'b' } },
      [/^spec\.selector: .*`selector` not auto-generated$/, /`selector` does not match template `labels`$/],
    ],
    [
      'spec.template.metadata',
      { labels: { 'job-name': 'other' } },
      [/^spec\.template\.metadata\.labels\[job-name\]: Invalid value: \{.*\}: must be 'sum'$/],
    ],
    [
      'spec.template.metadata',
      { labels: { 'controller-uid': 'other' } },
      [/^spec\.template\.metadata\.labels\[controller-uid\]: Invalid value: \{.*\}: must be 'u-1'$/],
    ],
  ])('%s = %j', (path, value, expected) => {
    const manifest = path === 'spec.completionMode' && value === 'Indexed' ? withField(base, 'spec.parallelism', 2) : base;
    const { faults } = create(jobs, withField(manifest, path, value));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('an indexed Job has bounds', () => {
    const faults = (...fields: readonly (readonly [string, unknown])[]): readonly string[] =>
      create(jobs, withFields(indexed, ...fields)).faults;
    expect(faults(['metadata.name', 'a'.repeat(62)])).toEqual([
      `metadata.name: Invalid value: "${'a'.repeat(62)}": will not able to create pod with invalid DNS label: ${'a'.repeat(62)}-4`,
    ]);
    expect(faults(['spec.parallelism', 100_001])).toEqual([
      'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
    ]);
    expect(faults(['spec.backoffLimitPerIndex', 1], ['spec.maxFailedIndexes', 6])).toEqual([
      'spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions',
    ]);
    expect(faults(['spec.completions', 100_001], ['spec.backoffLimitPerIndex', 1], ['spec.parallelism', 10_001])).toEqual([
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
      'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ]);
    const warned = create(jobs, withFields(indexed, ['spec.completions', 100_001], ['spec.parallelism', 10_001])).warnings;
    expect(warned).toEqual([expect.stringMatching(/^spec: In Indexed Jobs with a number of completions higher than 10\^5/)]);
  });

  test.each<[object, (string | RegExp)[]]>([
    [
      {},
      [
        /action: Required value: valid values: \["Count" "FailIndex" "FailJob" "Ignore"\]/,
        /specifying one of OnExitCodes and OnPodConditions is required/,
      ],
    ],
    [
      { action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } },
      ['spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'],
    ],
    [
      { action: 'Count', onExitCodes: { operator: 'In', values: [3, 0, 3], containerName: 'x' } },
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered',
      ],
    ],
    [
      { action: 'Count', onExitCodes: { operator: 'In', values: [1] }, onPodConditions: [{ type: 'A b', status: 'Odd' }] },
      [
        /onPodConditions\[0\]\.type: Invalid value: "A b"/,
        /onPodConditions\[0\]\.status: Unsupported value: "Odd": supported values: "False", "True", "Unknown"/,
        'spec.podFailurePolicy.rules[0]: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported',
      ],
    ],
  ])('a failure rule %j', (rule, expected) => {
    const { faults } = create(jobs, withField(base, 'spec.podFailurePolicy', { rules: [rule] }));
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test.each<[object, string[]]>([
    [{}, ['spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified']],
    [{ succeededIndexes: '0,2-4' }, []],
    [
      { succeededIndexes: '3,1' },
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1',
      ],
    ],
    [
      { succeededIndexes: '1-9' },
      ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1-9": error parsing succeededIndexes: too large index: "9"'],
    ],
    [
      { succeededIndexes: '1', succeededCount: 2 },
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 2: must be less than or equal to 1 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
  ])('a success rule %j', (rule, expected) => {
    expect(create(jobs, withField(indexed, 'spec.successPolicy', { rules: [rule] })).faults).toEqual(expected);
  });
});

describe('a change of a Job', () => {
  const old = create(jobs, base).object;
  const change = (path: string, value: unknown, of: Manifest = old): readonly string[] =>
    update(jobs, { old: decode(jobs, of), manifest: withField(of, path, value) }).faults;

  test.each<[string, unknown, (string | RegExp)[]]>([
    ['spec.parallelism', 4, []],
    ['spec.suspend', true, []],
    ['spec.backoffLimit', 1, []],
    ['spec.activeDeadlineSeconds', 9, []],
    ['spec.completions', 2, ['spec.completions: Invalid value: 2: field is immutable']],
    ['spec.template.spec.containers.0.image', 'other', [/^spec\.template: Invalid value: .*: field is immutable$/]],
    ['spec.template.spec.nodeSelector', { a: 'b' }, [/^spec\.template: Invalid value: .*: field is immutable$/]],
    ['spec.completionMode', 'Indexed', ['spec.completionMode: Invalid value: "Indexed": field is immutable']],
    ['spec.managedBy', 'a.io/b', ['spec.managedBy: Invalid value: "a.io/b": field is immutable']],
  ])('%s to %j', (path, value, expected) => {
    const faults = change(path, value);
    expect(faults).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(faults[i]).toMatch(one));
  });

  test('where pods run may change while it is suspended and never ran', () => {
    const suspended = create(jobs, withField(base, 'spec.suspend', true)).object;
    expect(change('spec.template.spec.nodeSelector', { a: 'b' }, suspended)).toEqual([]);
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } };
    expect(change('spec.template.spec.affinity', { nodeAffinity }, suspended)).toEqual([]);
    expect(change('spec.template.spec.affinity', { podAffinity: {}, nodeAffinity }, suspended)).toHaveLength(0);
    expect(change('spec.template.metadata.annotations', { a: 'b' }, suspended)).toEqual([]);
    expect(change('spec.template.spec.containers.0.image', 'other', suspended)).toHaveLength(1);
    const ran = { ...suspended, status: { startTime: '2026-01-01T00:00:00Z' } };
    expect(change('spec.template.spec.nodeSelector', { a: 'b' }, ran)).toHaveLength(1);
  });

  test('an indexed Job grows with its parallelism', () => {
    const five = create(jobs, withField(indexed, 'spec.parallelism', 5)).object;
    expect(change('spec.completions', 7, five)).toEqual([
      'spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism',
    ]);
    expect(change('spec.completions', 7, { ...withField(five, 'spec.parallelism', 7) })).toEqual([]);
  });
});

describe('the status of a Job', () => {
  const stored = create(jobs, base).object;
  const startTime = '2026-01-01T00:00:00Z';
  const condition = (type: string): object => ({ type, status: 'True' });
  const faults = (status: object, before: object = {}, of: Manifest = stored): readonly string[] =>
    update(jobs, { old: decode(jobs, { ...of, status: before }), manifest: { ...of, status }, subresource: 'status' }).faults;
  const done = {
    startTime,
    completionTime: '2026-01-01T00:01:00Z',
    conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
    succeeded: 1,
  };

  test.each<[object, object, string[]]>([
    [{ startTime, active: 1, ready: 1 }, {}, []],
    [done, { startTime }, []],
    [{ active: -1 }, {}, ['status.active: Invalid value: -1: must be greater than or equal to 0']],
    [{ ready: 1 }, {}, ['status.ready: Invalid value: 1: cannot set more ready pods than active']],
    [{ ...done, active: 1 }, {}, ['status.active: Invalid value: 1: active>0 is invalid for finished job']],
    [{ ...done, completionTime: undefined }, {}, ['status.completionTime: Required value: completionTime is required for Complete jobs']],
    [
      { ...done, completionTime: '2025-12-31T00:00:00Z' },
      {},
      ['status.completionTime: Invalid value: "2025-12-31T00:00:00Z": completionTime cannot be set before startTime'],
    ],
    [
      { startTime, conditions: [condition('Failed')] },
      {},
      ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
    ],
    [
      { startTime },
      done,
      [
        'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
        'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
      ],
    ],
    [{}, { startTime }, ['status.startTime: Required value: startTime cannot be removed for unsuspended job']],
    [
      { startTime: '2026-01-01T01:00:00Z', conditions: [{ type: 'Suspended', status: 'False' }] },
      { startTime, conditions: [condition('Suspended')] },
      [],
    ],
    [
      { conditions: [{ type: 'Suspended', status: 'False' }] },
      { startTime, conditions: [condition('Suspended')] },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    [
      { completedIndexes: '0' },
      {},
      ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode'],
    ],
    [
      { failedIndexes: '' },
      {},
      ['status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null'],
    ],
    [
      { uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
      {},
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      ],
    ],
  ])('%j after %j', (status, before, expected) => {
    expect(faults(status, before)).toEqual(expected);
  });

  test('indexes are below the completions and in one list only', () => {
    const five = create(jobs, withFields(indexed, ['spec.backoffLimitPerIndex', 1])).object;
    expect(faults({ completedIndexes: '0-2', failedIndexes: '4' }, {}, five)).toEqual([]);
    expect(faults({ completedIndexes: '5', failedIndexes: '1-' }, {}, five)).toEqual([
      'status.completedIndexes: Invalid value: "5": error parsing completedIndexes: too large index: "5"',
      'status.failedIndexes: Invalid value: "1-": error parsing failedIndexes: cannot convert string to integer for index: ""',
    ]);
    expect(faults({ completedIndexes: '0,2-3', failedIndexes: '1,3-4' }, {}, five)).toEqual([
      'status.failedIndexes: Invalid value: "1,3-4": failedIndexes and completedIndexes overlap at index: 3',
    ]);
  });

  test.each<[object, object, Record<string, unknown>]>([
    [{}, {}, { Status: 'Running', Completions: '0/1', Duration: '' }],
    [{ startTime: '2026-01-01T00:59:00Z' }, {}, { Status: 'Running', Duration: '60s' }],
    [done, {}, { Status: 'Complete', Completions: '1/1', Duration: '60s' }],
    [{ conditions: [condition('Suspended')] }, {}, { Status: 'Suspended' }],
    [{ conditions: [condition('FailureTarget')] }, {}, { Status: 'FailureTarget' }],
    [
      {},
      { parallelism: 3, completions: undefined },
      { Completions: '0/1 of 3', Containers: 'c', Selector: `batch.kubernetes.io/controller-uid=${uid}` },
    ],
  ])('a row of %j %j', (status, spec, expected) => {
    const object = { ...stored, spec: { ...(stored['spec'] as object), ...spec }, status };
    expect(row(jobs, decode(jobs, object))).toMatchObject(expected);
  });

  test('is selected by its successes', () => {
    expect(jobs.selectableFields['status.successful']!(decode(jobs, { ...stored, status: done }))).toBe('1');
  });
});
