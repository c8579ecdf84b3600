import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ManagedFieldsEntry } from './managers.ts';
import { updateManagedFields } from './update-managed-fields.ts';
import { fieldManagerOf, validateManagedFields } from './validate-managed-fields.ts';

const context = { definition: 'io.k8s.api.core.v1.ConfigMap', apiVersion: 'v1' };

function configMap(data: JsonObject, managedFields?: readonly ManagedFieldsEntry[]): JsonObject {
  const metadata = { name: 'a', ...(managedFields && { managedFields: managedFields as unknown as JsonValue }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

function time(second: number): string {
  return `2024-01-01T00:00:${String(second).padStart(2, '0')}Z`;
}

function create(data: JsonObject, manager = 'one'): JsonObject {
  const updated = configMap(data);
  return configMap(data, updateManagedFields({ ...context, manager, nowIso: time(0), live: undefined, updated }));
}

function listOf(object: JsonObject): readonly ManagedFieldsEntry[] {
  return (object['metadata'] as JsonObject)['managedFields'] as unknown as readonly ManagedFieldsEntry[];
}

test('who creates owns everything but system metadata', () => {
  expect(listOf(create({ x: '1' }))).toEqual([
    {
      manager: 'one',
      operation: 'Update',
      apiVersion: 'v1',
      time: time(0),
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { '.': {}, 'f:x': {} } },
    },
  ]);
});

test('nobody owns what Go writes into every object, as long as it is zero', () => {
  const updated = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'a' },
    spec: { serviceName: '', template: { metadata: {}, spec: { containers: [{ name: 'x', resources: {} }] } }, updateStrategy: {} },
    status: { replicas: 0, availableReplicas: 1 },
  };
  const of = { definition: 'io.k8s.api.apps.v1.StatefulSet', apiVersion: 'apps/v1', manager: 'one', nowIso: time(0) };
  expect(updateManagedFields({ ...of, live: undefined, updated })[0]!.fieldsV1).toEqual({
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"x"}': { '.': {}, 'f:name': {}, 'f:resources': {} } } } } },
    'f:status': { 'f:availableReplicas': {} },
  });
});

test('a list that Go always writes is null where it is not, and who empties it owns that', () => {
  const role = (rules: JsonObject, managedFields?: readonly ManagedFieldsEntry[]): JsonObject => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'a', ...(managedFields && { managedFields: managedFields as unknown as JsonValue }) },
    ...rules,
  });
  const of = { definition: 'io.k8s.api.rbac.v1.ClusterRole', apiVersion: 'rbac.authorization.k8s.io/v1' };
  const full = role({ rules: [{ verbs: ['get'] }] });
  const live = role(
    { rules: [{ verbs: ['get'] }] },
    updateManagedFields({ ...of, manager: 'one', nowIso: time(0), live: undefined, updated: full }),
  );
  expect(updateManagedFields({ ...of, manager: 'two', nowIso: time(1), live, updated: role({}) })).toEqual([
    expect.objectContaining({ manager: 'two', fieldsV1: { 'f:rules': {} } }),
  ]);
});

test('who changes a field takes it; who removes one leaves it to nobody', () => {
  const live = create({ x: '1', y: '1', z: '1' });
  const updated = configMap({ x: '2', y: '1' }, listOf(live));
  expect(updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated })).toEqual([
    expect.objectContaining({ manager: 'one', time: time(0), fieldsV1: { 'f:data': { '.': {}, 'f:y': {} } } }),
    expect.objectContaining({ manager: 'two', time: time(1), fieldsV1: { 'f:data': { 'f:x': {} } } }),
  ]);
});

test('sets are shared from version to version, entries of others as they are', () => {
  const live = create({ x: '1', y: '1' });
  const byTwo = configMap({ x: '2', y: '1' }, listOf(live));
  const next = configMap(
    byTwo['data'] as JsonObject,
    updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated: byTwo }),
  );
  const again = configMap({ x: '3', y: '1' });
  const list = updateManagedFields({ ...context, manager: 'two', nowIso: time(2), live: next, updated: again });
  expect(list[0]).toBe(listOf(next)[0]);
  expect(list[1]).toEqual({ ...listOf(next)[1], time: time(2) });
  expect(list[1]!.fieldsV1).toBe(listOf(next)[1]!.fieldsV1);
  // In an object of its own, equal sets are the same, too.
  expect(listOf(create({ x: '7', y: '8' }))[0]!.fieldsV1).toBe(listOf(live)[0]!.fieldsV1);
});

test('the same manager gathers what it changes', () => {
  const live = create({ x: '1' });
  const list = updateManagedFields({
    ...context,
    manager: 'one',
    nowIso: time(1),
    live,
    updated: configMap({ x: '1', y: '1' }, listOf(live)),
  });
  expect(list).toEqual([expect.objectContaining({ time: time(1), fieldsV1: { 'f:data': { '.': {}, 'f:x': {}, 'f:y': {} } } })]);
});

describe('the list itself comes back when no field changed', () => {
  const live = create({ x: '1' });
  test.each([
    ['with a copy of the list', structuredClone(listOf(live))],
    ['without a list', undefined],
  ])('%s', (_name, given) => {
    const updated = configMap({ x: '1' }, given);
    expect(updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated })).toBe(listOf(live));
  });
});

describe('clients that write managedFields', () => {
  const live = create({ x: '1' });

  test.each([
    ['one empty entry', [{}]],
    ['an empty list', []],
  ])('%s resets them', (_name, given) => {
    expect(updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated: configMap({ x: '2' }, given) })).toEqual([]);
  });

  test('an object that was reset stays untracked on updates', () => {
    expect(
      updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live: configMap({ x: '1' }), updated: configMap({ x: '2' }) }),
    ).toEqual([]);
  });

  test('a list of their own counts', () => {
    const given = [{ ...listOf(live)[0]!, manager: 'renamed' }];
    expect(updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated: configMap({ x: '1' }, given) })).toEqual(
      given,
    );
  });

  test.each([
    ['of no known operation', [{ manager: 'x', operation: 'Nothing', apiVersion: 'v1' }]],
    ['with fields that are none', [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsV1: { foo: {} } }]],
    ['without a version', [{ manager: 'x', operation: 'Update', fieldsV1: {} }]],
  ])('a list %s does not', (_name, given) => {
    expect(updateManagedFields({ ...context, manager: 'two', nowIso: time(1), live, updated: configMap({ x: '1' }, given) })).toBe(
      listOf(live),
    );
  });

  test('nor does any through a subresource', () => {
    const updated = configMap({ x: '1' }, [{}]);
    expect(updateManagedFields({ ...context, manager: 'two', subresource: 'status', nowIso: time(1), live, updated })).toBe(listOf(live));
  });
});

test('beyond ten updaters the oldest are put together', () => {
  let live = create({ x: '1' }, 'm00');
  for (let i = 1; i <= 12; i++) {
    const updated = configMap({ ...(live['data'] as JsonObject), [`k${i}`]: '1' }, listOf(live));
    const list = updateManagedFields({ ...context, manager: `m${String(i).padStart(2, '0')}`, nowIso: time(i), live, updated });
    live = configMap(updated['data'] as JsonObject, list);
  }
  const names = listOf(live).map(({ manager }) => manager);
  expect(names).toHaveLength(10);
  expect(names[0]).toBe('ancient-changes');
  expect(listOf(live)[0]).toMatchObject({
    time: time(3),
    fieldsV1: { 'f:data': { '.': {}, 'f:x': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} } },
  });
});

test('validation names what a list may not say', () => {
  const list = [
    { manager: 'x'.repeat(129), operation: 'No', fieldsType: 'V2' },
    { manager: 'a\n', operation: 'Update', fieldsType: 'FieldsV1' },
  ];
  expect(validateManagedFields(list).map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'metadata.managedFields[0].operation: Invalid value: "No": must be `Apply` or `Update`',
    'metadata.managedFields[0].fieldsType: Invalid value: "V2": must be `FieldsV1`',
    'metadata.managedFields[0].manager: Too long: may not be more than 128 bytes',
    String.raw`metadata.managedFields[1].manager: Invalid value: "a\n": invalid character U+000A (at position 1)`,
  ]);
});

describe('the manager of a request', () => {
  test.each([
    [{ fieldManager: 'x', userAgent: 'kubectl/v1' }, 'x'],
    [{ userAgent: 'kubectl/v1.35.0 (linux/amd64)' }, 'kubectl'],
    [{ userAgent: 'a\u0000b/1' }, 'ab'],
    [{}, ''],
  ])('%j', (request, manager) => {
    expect(fieldManagerOf(request)).toBe(manager);
  });
});
