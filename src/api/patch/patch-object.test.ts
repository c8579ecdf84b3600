import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../object.ts';
import { patchObject, type PatchRequest } from './patch-object.ts';

const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: '1' } };

function patch(
  type: PatchRequest['type'],
  value: JsonValue,
  options: { fieldValidation?: PatchRequest['fieldValidation']; strictErrors?: string[] } = {},
) {
  return patchObject({
    type,
    live,
    patch: { value, strictErrors: options.strictErrors ?? [] },
    definition: 'io.k8s.api.core.v1.ConfigMap',
    fieldValidation: options.fieldValidation ?? 'Strict',
  });
}

const jsonType = 'application/json-patch+json';
const mergeType = 'application/merge-patch+json';
const strategicType = 'application/strategic-merge-patch+json';

test('each kind of patch changes a copy', () => {
  const changed = { ...live, data: { x: '1', y: '2' } };
  expect(patch(jsonType, [{ op: 'add', path: '/data/y', value: '2' }]).object).toEqual(changed);
  expect(patch(mergeType, { data: { y: '2' } }).object).toEqual(changed);
  expect(patch(strategicType, { data: { y: '2' } }).object).toEqual(changed);
  expect(live.data).toEqual({ x: '1' });
});

describe('a body that is no such patch is a bad request', () => {
  test.each([
    [jsonType, {}, 'Strict', 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    [jsonType, {}, 'Ignore', 'json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    [mergeType, [], 'Strict', 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
    [mergeType, [], 'Ignore', 'Invalid JSON Patch'],
    [strategicType, 'x', 'Strict', 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
  ] as const)('%s %j under %s', (type, body, fieldValidation, message) => {
    expect(() => patch(type, body, { fieldValidation })).toThrow(expect.objectContaining({ code: 400, message }));
  });
});

test('a JSON patch that does not apply is 422 without saying why, as upstream answers', () => {
  expect(() => patch(jsonType, [{ op: 'remove', path: '/data/no' }])).toThrow(
    expect.objectContaining({ code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request' }),
  );
});

describe('no patch makes another kind of an object', () => {
  test.each([
    [jsonType, [{ op: 'replace', path: '/kind', value: 'Pod' }], 'no kind "Pod" is registered for version "v1" at this path'],
    [mergeType, { apiVersion: 'apps/v1' }, 'no kind "ConfigMap" is registered for version "apps/v1" at this path'],
  ] as const)('%s %j', (type, body, why) => {
    expect(() => patch(type, body)).toThrow(expect.objectContaining({ code: 422, message: expect.stringContaining(why) }));
  });

  test.each([
    [strategicType, { kind: 'Pod', apiVersion: 'apps/v1' }],
    [strategicType, { kind: null }],
    [mergeType, { kind: null, apiVersion: '' }],
    [jsonType, [{ op: 'remove', path: '/kind' }]],
  ] as const)('%s %j leaves it as it is', (type, body) => {
    expect(patch(type, body).object).toEqual(live);
  });
});

test('too many operations are 413', () => {
  const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/x', value: '1' }));
  expect(() => patch(jsonType, many)).toThrow(
    expect.objectContaining({
      code: 413,
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    }),
  );
});

describe('strictness', () => {
  test('an unknown field of the outcome is 422 and shows it', () => {
    expect(() => patch(mergeType, { foo: 1 })).toThrow(
      expect.objectContaining({
        code: 422,
        message: ` "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"a\\"},\\"data\\":{\\"x\\":\\"1\\"},\\"foo\\":1}": strict decoding error: unknown field "foo"`,
      }),
    );
  });

  test('a strategic patch shows itself', () => {
    expect(() => patch(strategicType, { foo: 1 })).toThrow(
      ' "" is invalid: patch: Invalid value: "map[foo:1]": strict decoding error: unknown field "foo"',
    );
  });

  test('Warn tells what the body and the outcome have too much', () => {
    const body = [{ op: 'add', path: '/foo', value: 1, why: 'x' }];
    const { object, warnings } = patch(jsonType, body, { fieldValidation: 'Warn', strictErrors: ['duplicate field "[0].op"'] });
    expect(object).toEqual(live);
    expect(warnings).toEqual(['json patch duplicate field "[0].op"', 'json patch unknown field "[0].why"', 'unknown field "foo"']);
  });

  test('a wrong type is 422 in any case', () => {
    expect(() => patch(mergeType, { data: { x: 1 } }, { fieldValidation: 'Ignore' })).toThrow(
      'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    );
  });
});

describe('a wrong type in the outcome of a strategic merge is told as a failed conversion', () => {
  test.each([
    [{ data: { x: 1 } }, 'cannot convert int64 to string'],
    [{ data: { x: true } }, 'unrecognized type: string'],
    [{ metadata: { generation: 1.5 } }, 'cannot convert float64 to int64'],
    [{ metadata: { creationTimestamp: 1 } }, 'json: cannot unmarshal number into Go value of type string'],
    [{ data: 'x' }, 'cannot restore map from string'],
    [{ immutable: 1.5 }, 'unrecognized type: bool'],
    [{ metadata: { finalizers: {} } }, 'cannot restore slice from map'],
    [{ metadata: [] }, 'cannot restore struct from: slice'],
  ])('%j', (body, message) => {
    expect(() => patch(strategicType, body)).toThrow(message);
  });
});

test('a list item without its merge key is a bad request with the library’s words', () => {
  const body = { metadata: { ownerReferences: [{ name: 'x' }] } };
  const owned = { ...live, metadata: { name: 'a', ownerReferences: [{ uid: '1' }] } };
  expect(() =>
    patchObject({
      type: strategicType,
      live: owned,
      patch: { value: body },
      definition: 'io.k8s.api.core.v1.ConfigMap',
      fieldValidation: 'Strict',
    }),
  ).toThrow(expect.objectContaining({ code: 400, message: 'map: map[name:x] does not contain declared merge key: uid' }));
});
