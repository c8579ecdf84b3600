import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../object.ts';
import { applyPatch, type ApplyRequest, type ApplyResult } from './apply-patch.ts';
import type { ManagedFieldsEntry } from './managers.ts';
import type { VersionConverter } from './ownership.ts';
import { objectType, updateManagedFields } from './update-managed-fields.ts';

const definition = 'io.k8s.api.apps.v1.Deployment';
const apiVersion = 'apps/v1';
const [first, later] = ['2024-01-01T00:00:00Z', '2024-01-01T01:00:00Z'];

interface TestContainer {
  readonly name: string;
  readonly [field: string]: JsonValue;
}

function deployment(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return { apiVersion, kind: 'Deployment', metadata: { name: 'web', namespace: 'default', ...metadata }, spec };
}

function containers(...list: readonly TestContainer[]): JsonObject {
  return { template: { spec: { containers: list as unknown as JsonValue } } };
}

function apply(live: JsonObject | undefined, patch: JsonObject, options: Partial<ApplyRequest> = {}): ApplyResult {
  return applyPatch({ definition, apiVersion, kind: 'Deployment', manager: 'a', force: false, nowIso: first, live, patch, ...options });
}

function create(object: JsonObject, manager = 'creator'): JsonObject {
  return withFields(object, updateManagedFields({ definition, apiVersion, manager, nowIso: first, live: undefined, updated: object }));
}

function update(
  live: JsonObject,
  updated: JsonObject,
  options: { manager?: string; subresource?: string; resetFields?: string[] } = {},
): JsonObject {
  const list = updateManagedFields({ definition, apiVersion, manager: 'updater', nowIso: later, live, updated, ...options });
  return withFields(updated, list);
}

function withFields(object: JsonObject, managedFields: readonly ManagedFieldsEntry[]): JsonObject {
  return { ...object, metadata: { ...(object['metadata'] as JsonObject), managedFields: managedFields as unknown as JsonValue } };
}

function fieldsOf(object: JsonObject): Record<string, JsonValue> {
  const list = ((object['metadata'] as JsonObject)['managedFields'] ?? []) as unknown as readonly ManagedFieldsEntry[];
  return Object.fromEntries(list.map(({ manager, fieldsV1 }) => [manager ?? '', fieldsV1!]));
}

function specOf(object: JsonObject): JsonValue | undefined {
  return object['spec'];
}

test('the first apply creates the object and owns what it says, but no system metadata', () => {
  const { object } = apply(undefined, deployment({ replicas: 1 }, { labels: { app: 'web' } }));
  expect(object['metadata']).toEqual({
    name: 'web',
    namespace: 'default',
    labels: { app: 'web' },
    managedFields: [
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion,
        time: first,
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': {} } }, 'f:spec': { 'f:replicas': {} } },
      },
    ],
  });
});

describe('merging', () => {
  test('leaves win, maps and keyed lists merge, the rest of the object stays', () => {
    const live = create(deployment({ replicas: 1, ...containers({ name: 'x', image: '1', args: ['a'] }, { name: 'y', image: '1' }) }));
    const { object } = apply(live, deployment(containers({ name: 'y', image: '2' }, { name: 'z', image: '3' })), { force: true });
    expect(specOf(object)).toEqual({
      replicas: 1,
      ...containers({ name: 'x', image: '1', args: ['a'] }, { name: 'y', image: '2' }, { name: 'z', image: '3' }),
    });
  });

  test('an atomic list and an atomic map are taken as a whole', () => {
    const live = create(deployment({ selector: { matchLabels: { a: '1' } }, ...containers({ name: 'x', args: ['a', 'b'] }) }));
    const patch = deployment({ selector: { matchLabels: { b: '2' } }, ...containers({ name: 'x', args: ['c'] }) });
    expect(specOf(apply(live, patch, { force: true }).object)).toEqual({
      selector: { matchLabels: { b: '2' } },
      ...containers({ name: 'x', args: ['c'] }),
    });
  });

  test('ports are told apart by number and protocol, the protocol being TCP unless said', () => {
    const port = (rest: JsonObject): JsonObject => ({ containerPort: 53, ...rest });
    const live = apply(undefined, deployment(containers({ name: 'x', ports: [port({ name: 'tcp' }), port({ protocol: 'UDP' })] }))).object;
    const patch = deployment(containers({ name: 'x', ports: [port({ name: 'dns', protocol: 'TCP' }), port({ protocol: 'UDP' })] }));
    expect(specOf(apply(live, patch).object)).toEqual(specOf(patch));
  });

  test('items keep the order of the configuration, and others their places', () => {
    const live = create(deployment(containers({ name: 'a' }, { name: 'b' }, { name: 'c' })));
    const { object } = apply(live, deployment(containers({ name: 'c' }, { name: 'x' }, { name: 'a' })));
    expect(specOf(object)).toEqual(containers({ name: 'b' }, { name: 'c' }, { name: 'x' }, { name: 'a' }));
  });
});

describe('what is applied no more', () => {
  test('is removed when nobody else owns it', () => {
    const live = apply(
      undefined,
      deployment({ replicas: 1, paused: true, ...containers({ name: 'x', image: '1' }, { name: 'y' }) }),
    ).object;
    const { object } = apply(live, deployment({ replicas: 1, ...containers({ name: 'x' }) }), { nowIso: later });
    expect(specOf(object)).toEqual({ replicas: 1, ...containers({ name: 'x' }) });
  });

  test('a struct goes with the last of its fields', () => {
    const live = apply(undefined, deployment({ replicas: 1, strategy: { rollingUpdate: { maxSurge: 1 } } })).object;
    expect(specOf(apply(live, deployment({ replicas: 1 })).object)).toEqual({ replicas: 1 });
  });

  test('stays when another manager owns it', () => {
    const one = apply(undefined, deployment({ replicas: 1, paused: true })).object;
    const both = apply(one, deployment({ paused: true }), { manager: 'b' }).object;
    expect(specOf(apply(both, deployment({ replicas: 1 })).object)).toEqual({ replicas: 1, paused: true });
  });

  test('stays below an item that another owns', () => {
    const one = apply(undefined, deployment(containers({ name: 'x', image: '1' }))).object;
    const both = apply(one, deployment(containers({ name: 'x', args: ['a'] })), { manager: 'b' }).object;
    expect(specOf(apply(both, deployment({ replicas: 1 })).object)).toEqual({ replicas: 1, ...containers({ name: 'x', args: ['a'] }) });
  });

  test('takes an item along of which another owns a field and not the item', () => {
    const one = apply(undefined, deployment(containers({ name: 'x', image: '1' }))).object;
    const withArgs = deployment(containers({ name: 'x', image: '1', args: ['a'] }), one['metadata'] as JsonObject);
    expect(specOf(apply(update(one, withArgs), deployment({ replicas: 1 })).object)).toEqual({ replicas: 1, template: { spec: {} } });
  });

  test('a label that someone else changed since stays', () => {
    const one = apply(undefined, deployment({}, { labels: { a: '1' } })).object;
    const changed = update(one, { ...one, metadata: { ...(one['metadata'] as JsonObject), labels: { a: '2' } } });
    expect((apply(changed, deployment({})).object['metadata'] as JsonObject)['labels']).toEqual({ a: '2' });
  });
});

describe('conflicts', () => {
  const live = create(deployment({ replicas: 1, ...containers({ name: 'x', image: '1' }) }), 'kubectl-create');

  test('one is told in one sentence, with its cause', () => {
    expect(() => apply(live, deployment({ replicas: 2 }))).toThrow(
      expect.objectContaining({
        code: 409,
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
        details: {
          causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-create" using apps/v1', field: '.spec.replicas' }],
        },
      }),
    );
  });

  test('several are told by manager, appliers without a version, subresources by name', () => {
    const scaled = update(
      live,
      { ...live, spec: { ...(live['spec'] as JsonObject), replicas: 5 } },
      { manager: 'hpa', subresource: 'scale' },
    );
    const both = apply(scaled, deployment({ paused: true }), { manager: 'b' }).object;
    expect(() => apply(both, deployment({ replicas: 2, paused: false, ...containers({ name: 'x', image: '2' }) }))).toThrow(
      [
        'Apply failed with 3 conflicts: conflicts with "b":',
        '- .spec.paused',
        'conflicts with "hpa" with subresource "scale" using apps/v1:',
        '- .spec.replicas',
        'conflicts with "kubectl-create" using apps/v1:',
        '- .spec.template.spec.containers[name="x"].image',
      ].join('\n'),
    );
  });

  test('the same value is no conflict: both own it', () => {
    const { object } = apply(live, deployment({ replicas: 1 }));
    expect(fieldsOf(object)['a']).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(fieldsOf(object)['kubectl-create']).toEqual(fieldsOf(live)['kubectl-create']);
  });

  test('force takes the field over', () => {
    const { object } = apply(live, deployment({ replicas: 2 }), { force: true });
    expect(specOf(object)).toMatchObject({ replicas: 2 });
    expect((fieldsOf(object)['kubectl-create'] as JsonObject)['f:spec']).not.toHaveProperty('f:replicas');
  });
});

describe('an apply that changes nothing', () => {
  const live = apply(undefined, deployment({ replicas: 1, ...containers({ name: 'x', image: '1' }) })).object;

  test('returns the live object itself and leaves its time', () => {
    const result = apply(live, deployment({ replicas: 1, ...containers({ name: 'x', image: '1' }) }), { nowIso: later });
    expect(result.unchanged).toBe(true);
    expect(result.object).toBe(live);
  });

  test('is a change when the fields that it claims are others', () => {
    const result = apply(live, deployment({ replicas: 1 }), { manager: 'b', nowIso: later });
    expect(result.unchanged).toBe(false);
    expect(fieldsOf(result.object)['b']).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  test('by another manager, or of fewer fields, has no time of its own', () => {
    const timeOf = (object: JsonObject, name: string): string | undefined =>
      ((object['metadata'] as JsonObject)['managedFields'] as unknown as readonly ManagedFieldsEntry[]).find(
        ({ manager }) => manager === name,
      )?.time;
    const shared = apply(live, deployment({ replicas: 1 }), { manager: 'b', nowIso: later }).object;
    expect([timeOf(shared, 'a'), timeOf(shared, 'b')]).toEqual([first, undefined]);
    const fewer = apply(shared, deployment(containers({ name: 'x', image: '1' })), { nowIso: later }).object;
    expect(specOf(fewer)).toEqual(specOf(live));
    expect(timeOf(fewer, 'a')).toBe(first);
  });

  test('takes null over nothing for nothing', () => {
    const patch = deployment({ replicas: 1, paused: null, ...containers({ name: 'x', image: '1' }) });
    expect(specOf(apply(live, patch).object)).toEqual(specOf(live));
  });
});

test('null over nothing is a field all the same: it is owned, and in conflict', () => {
  const live = apply(undefined, deployment({ replicas: 1 }, { annotations: null })).object;
  expect(fieldsOf(live)).toEqual({ a: { 'f:metadata': { 'f:annotations': {} }, 'f:spec': { 'f:replicas': {} } } });
  expect(() => apply(live, deployment({}, { annotations: null }), { manager: 'b' })).toThrow('conflict with "a": .metadata.annotations');
});

describe('objects from before server-side apply', () => {
  const config = deployment({ replicas: 1 });
  const annotated = (value: JsonObject): JsonObject => ({
    'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(value)}\n`,
  });

  test('what an object without managers has belongs to before-first-apply', () => {
    const { object } = apply(deployment({ replicas: 1 }), deployment({ replicas: 2 }), { force: true });
    expect(Object.keys(fieldsOf(object))).toEqual(['a']);
    expect(() => apply(deployment({ replicas: 1 }), deployment({ replicas: 2 }))).toThrow(
      'conflict with "before-first-apply" using apps/v1: .spec.replicas',
    );
  });

  test('to the subresource through which they are applied first', () => {
    const { object } = apply(deployment({ replicas: 1 }), deployment({ paused: true }), { subresource: 'status' });
    const list = (object['metadata'] as JsonObject)['managedFields'] as unknown as readonly ManagedFieldsEntry[];
    expect(list.map(({ manager, subresource }) => `${manager} ${subresource}`)).toEqual(['a status', 'before-first-apply status']);
  });

  test('the annotation of the client-side apply is written with its keys in order', () => {
    const live = create(deployment({}, { annotations: annotated(config) }), 'kubectl-client-side-apply');
    const patch = { ...deployment({ replicas: 2 }), metadata: { namespace: 'default', name: 'web', labels: { b: '<', a: '1' } } };
    const { object } = apply(live, patch, { manager: 'kubectl' });
    expect((object['metadata'] as JsonObject)['annotations']).toEqual({
      'kubectl.kubernetes.io/last-applied-configuration':
        '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"a":"1","b":"\\u003c"},"name":"web","namespace":"default"},"spec":{"replicas":2}}\n',
    });
  });

  test('an empty annotation is none', () => {
    const live = create(deployment({}, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '' } }));
    const { object } = apply(live, deployment({ replicas: 2 }), { manager: 'kubectl' });
    expect((object['metadata'] as JsonObject)['annotations']).toEqual({ 'kubectl.kubernetes.io/last-applied-configuration': '' });
  });

  test('kubectl takes over what its client-side apply set, without force', () => {
    const live = create(deployment({ replicas: 1 }, { annotations: annotated(config) }), 'kubectl-client-side-apply');
    const { object } = apply(live, deployment({ replicas: 2 }), { manager: 'kubectl' });
    expect(specOf(object)).toEqual({ replicas: 2 });
    const annotations = (object['metadata'] as JsonObject)['annotations'];
    expect(annotations).toEqual(annotated(deployment({ replicas: 2 })));
    expect(() => apply(live, deployment({ replicas: 2 }), { manager: 'other' })).toThrow('conflict with "kubectl-client-side-apply"');
  });

  test('but not what somebody changed since', () => {
    const live = create(deployment({ replicas: 1 }, { annotations: annotated(config) }), 'kubectl-client-side-apply');
    const scaled = update(live, { ...live, spec: { replicas: 9 } }, { manager: 'scaler' });
    expect(() => apply(scaled, deployment({ replicas: 2 }), { manager: 'kubectl' })).toThrow(
      'conflict with "scaler" using apps/v1: .spec.replicas',
    );
  });
});

describe('a configuration that does not fit is a bad request', () => {
  const where = 'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ';
  const cases: readonly (readonly [string, JsonObject, string])[] = [
    ['an unknown field', deployment({ foo: 1 }), `${where}.spec.foo: field not declared in schema`],
    ['a wrong type', deployment({ replicas: 'x' }), `${where}.spec.replicas: expected numeric (int or float), got string`],
    [
      'an item said twice',
      deployment(containers({ name: 'x' }, { name: 'x' })),
      `${where}.spec.template.spec.containers: duplicate entries for key [name="x"]`,
    ],
    [
      'a wrong type within a list that is owned whole',
      deployment(containers({ name: 'x', command: ['a', { b: [1, null, 'c'] }] })),
      `${where}.spec.template.spec.containers[name="x"].command[1]: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":[]interface {}{1, interface {}(nil), "c"}}}`,
    ],
    [
      'a wrong type within a map that is owned whole',
      deployment({ selector: { matchLabels: ['a', 1], matchExpressions: [{ foo: 1 }] } }),
      `${where}errors:\n  .spec.selector.matchLabels: expected map, got &{[a 1]}\n  .spec.selector.matchExpressions[0].foo: field not declared in schema`,
    ],
    [
      'an object where a scalar of any kind may stand',
      deployment({ strategy: { rollingUpdate: { maxSurge: { a: 1 } } } }),
      `${where}.spec.strategy.rollingUpdate.maxSurge: expected any scalar, got &{map[a:1]}`,
    ],
    [
      'another version',
      { ...deployment(), apiVersion: 'apps/v1beta1' },
      'Incorrect version specified in apply patch. Specified patch version: apps/v1beta1, expected: apps/v1',
    ],
    ['another kind', { ...deployment(), kind: 'DaemonSet' }, 'invalid object type: apps/v1, Kind=DaemonSet'],
    ['managedFields', deployment({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
  ];
  test.each(cases)('%s', (_name, patch, message) => {
    expect(() => apply(undefined, patch)).toThrow(expect.objectContaining({ code: 400, message }));
  });

  test('an item without its key that has no default', () => {
    const patch = deployment({ template: { spec: { containers: [{ name: 'x', env: [{ value: '1' }], volumeMounts: [null] }] } } });
    expect(() => apply(undefined, patch)).toThrow(
      '.spec.template.spec.containers[name="x"].volumeMounts: element 0: associative list with keys may not have a null element',
    );
  });
});

test('an item is told by the keys that it has', () => {
  const account = (secrets: JsonValue): JsonObject => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, secrets });
  const of = { definition: 'io.k8s.api.core.v1.ServiceAccount', apiVersion: 'v1', kind: 'ServiceAccount' };
  expect(() => apply(undefined, account([{ namespace: 'b' }]), of)).toThrow(
    '.secrets: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
  );
});

test('reset fields are owned by nobody through this request', () => {
  const { object } = apply(undefined, { ...deployment({ replicas: 1 }), status: { replicas: 1 } }, { resetFields: ['status'] });
  expect(fieldsOf(object)).toEqual({ a: { 'f:spec': { 'f:replicas': {} } } });
});

test('managers of a version that is served no more go', () => {
  const live = create(deployment({ replicas: 1 }));
  const { object } = apply(
    live,
    { ...deployment({ paused: true }), apiVersion: 'apps/v2' },
    { apiVersion: 'apps/v2', convert: () => undefined },
  );
  expect(Object.keys(fieldsOf(object))).toEqual(['a']);
});

describe('laws', () => {
  const leaf = fc.record(
    { image: fc.constantFrom('1', '2'), tty: fc.boolean(), args: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) },
    { requiredKeys: [] },
  );
  const item = fc.tuple(fc.constantFrom('a', 'b', 'c'), leaf).map(([name, rest]): TestContainer => ({ name, ...rest }));
  const config = fc
    .tuple(
      fc.record({ replicas: fc.integer({ min: 0, max: 3 }), paused: fc.boolean() }, { requiredKeys: [] }),
      fc.uniqueArray(item, { selector: ({ name }) => name, minLength: 1, maxLength: 3 }),
      fc.dictionary(fc.constantFrom('l', 'm'), fc.constantFrom('1', '2')),
    )
    .map(([spec, list, labels]) => deployment({ ...spec, ...containers(...list) }, { labels }));

  test('applying again changes nothing; inputs are never changed', () => {
    fc.assert(
      fc.property(config, config, (one, two) => {
        const live = apply(undefined, one, { manager: 'other' }).object;
        const before = JSON.stringify([live, two]);
        const once = apply(live, two, { force: true, nowIso: later });
        expect(JSON.stringify([live, two])).toBe(before);
        expect(apply(once.object, two, { force: true, nowIso: 'never' }).unchanged).toBe(true);
      }),
    );
  });

  test('what a manager applied is there, and applying an empty configuration takes it all back', () => {
    fc.assert(
      fc.property(config, config, (one, two) => {
        const live = apply(undefined, one).object;
        const { object } = apply(live, two);
        const bare = apply(undefined, two).object;
        expect(specOf(object)).toEqual(specOf(bare));
        expect(fieldsOf(object)).toEqual(fieldsOf(bare));
        const { spec: _spec, ...bareObject } = deployment();
        const nothing = apply(object, bareObject).object;
        expect(fieldsOf(nothing)).toEqual({});
      }),
    );
  });
});

describe('in two versions', () => {
  // v2 calls replicas `minReadySeconds`: two names of one field, each known to its version only.
  const convert: VersionConverter = (object, to) => {
    const from = object['apiVersion'];
    const { replicas, minReadySeconds, ...rest } = (object['spec'] ?? {}) as JsonObject;
    const size = from === 'apps/v1' ? replicas : minReadySeconds;
    const spec = { ...rest, ...(size !== undefined && { [to === 'apps/v1' ? 'replicas' : 'minReadySeconds']: size }) };
    return { object: { ...object, apiVersion: to, spec }, type: objectType(definition) };
  };
  const inVersion2 = (spec: JsonObject): JsonObject => ({ ...deployment(spec), apiVersion: 'apps/v2' });
  const v2 = { apiVersion: 'apps/v2', convert };
  const seenAs = (object: JsonObject, version: string): JsonObject => convert(object, version)!.object;

  test('a change takes the field from a manager that names it in another version', () => {
    const live = apply(undefined, deployment({ replicas: 1, paused: true })).object;
    const list = updateManagedFields({
      definition,
      ...v2,
      manager: 'updater',
      nowIso: later,
      live: seenAs(live, 'apps/v2'),
      updated: seenAs({ ...live, spec: { replicas: 3, paused: true } }, 'apps/v2'),
    });
    expect(list.map(({ manager, apiVersion: version, fieldsV1 }) => [manager, version, fieldsV1])).toEqual([
      ['a', 'apps/v1', { 'f:spec': { 'f:paused': {} } }],
      ['updater', 'apps/v2', { 'f:spec': { 'f:minReadySeconds': {} } }],
    ]);
  });

  test('an apply conflicts with a manager of another version', () => {
    const live = seenAs(apply(undefined, deployment({ replicas: 1 }), { manager: 'first' }).object, 'apps/v2');
    expect(() => apply(live, inVersion2({ minReadySeconds: 2 }), v2)).toThrow(
      'Apply failed with 1 conflict: conflict with "first": .spec.replicas',
    );
  });

  test('what was applied in one version and is no more in the other goes', () => {
    const live = seenAs(apply(undefined, deployment({ replicas: 1, paused: true }), { convert }).object, 'apps/v2');
    const { object } = apply(live, inVersion2({ paused: true }), v2);
    expect(specOf(object)).toEqual({ paused: true });
    expect(fieldsOf(object)).toEqual({ a: { 'f:spec': { 'f:paused': {} } } });
  });

  test('unless another manager owns it, under whichever name', () => {
    const first = apply(undefined, deployment({ replicas: 1, paused: true }), { convert }).object;
    const shared = apply(seenAs(first, 'apps/v2'), inVersion2({ minReadySeconds: 1 }), { ...v2, manager: 'b' }).object;
    const { object } = apply(seenAs(shared, 'apps/v1'), deployment({ paused: true }), { convert });
    expect(specOf(object)).toEqual({ replicas: 1, paused: true });
    expect(fieldsOf(object)).toEqual({ a: { 'f:spec': { 'f:paused': {} } }, b: { 'f:spec': { 'f:minReadySeconds': {} } } });
  });
});
