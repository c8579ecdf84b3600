import { describe, expect, test } from 'vitest';
import type { ObjectMeta } from './gen/meta-v1.ts';
import { nameIsDnsSubdomain } from './names.ts';
import { maxAnnotationBytes, utf8Length, validateFieldManager, validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u' };
const rules = { namespaced: true, validateName: nameIsDnsSubdomain };
const faults = (meta: Partial<ObjectMeta>): string[] =>
  validateObjectMeta({ name: 'a', namespace: 'b', ...meta }, rules).map(({ field, message }) => `${field}: ${message}`);

test.each([
  ['a\0', 'may not contain a zero byte or invalid UTF-8'],
  ['\ud800', 'may not contain a zero byte or invalid UTF-8'],
  ['ä'.repeat(351), 'must be no more than 700 bytes'],
])('a name that no key can hold is refused, whatever the kind says: %j', (name, message) => {
  const found = validateObjectMeta({ name, namespace: 'b' }, { namespaced: true, validateName: () => [] });
  expect(found.map(({ field, message: text }) => `${field} ${text}`)).toEqual([expect.stringContaining(`metadata.name Invalid value: `)]);
  expect(found[0]!.message).toContain(message);
});

describe('metadata of a new object', () => {
  const check = (meta: Partial<ObjectMeta>, expected: readonly (string | RegExp)[]): void => {
    const found = faults(meta);
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, i) => expect(found[i]).toMatch(one));
  };

  test.each<[string, Partial<ObjectMeta>, (string | RegExp)[]]>([
    ['fine', { labels: { 'a/b': 'c' }, annotations: { 'A/b': 'anything at all' }, finalizers: ['x.y/z'], ownerReferences: [owner] }, []],
    ['no name', { name: '' }, ['metadata.name: Required value: name or generateName is required']],
    ['a name that is none', { name: 'A' }, [/^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain/]],
    ['a prefix that is none', { generateName: 'A-' }, [/^metadata\.generateName: Invalid value: "A-"/]],
    ['no namespace', { namespace: '' }, ['metadata.namespace: Required value']],
    ['a namespace with a dot', { namespace: 'a.b' }, ['metadata.namespace: Invalid value: "a.b": must not contain dots']],
    ['a label key', { labels: { 'a b': 'c' } }, [/^metadata\.labels: Invalid value: "a b": name part must consist/]],
    ['a label value', { labels: { a: 'b c' } }, [/^metadata\.labels: Invalid value: "b c": a valid label must/]],
    ['an annotation key', { annotations: { 'a b': '' } }, [/^metadata\.annotations: Invalid value: "a b"/]],
    [
      'too much annotation',
      { annotations: { a: 'x'.repeat(maxAnnotationBytes) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    ['a finalizer', { finalizers: ['a b'] }, [/^metadata\.finalizers: Invalid value: "a b"/]],
    [
      'two ways of deletion',
      { finalizers: ['orphan', 'foregroundDeletion'] },
      ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set'],
    ],
    [
      'an owner without uid',
      { ownerReferences: [{ ...owner, uid: '' }] },
      ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
    [
      'an owner without version',
      { ownerReferences: [{ ...owner, apiVersion: '' }] },
      [/apiVersion: Invalid value: "": version must not be empty/],
    ],
    [
      'an owner whose version is none',
      { ownerReferences: [{ ...owner, apiVersion: 'a/b/c', uid: '' }] },
      [
        'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty',
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
      ],
    ],
    [
      'an event as owner',
      { ownerReferences: [{ ...owner, apiVersion: 'v1', kind: 'Event' }] },
      [/\/v1, Kind=Event is disallowed from being an owner$/],
    ],
    [
      'two controllers',
      {
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, name: 'b', uid: 'v', controller: true },
        ],
      },
      [/Only one reference can have Controller set to true\. Found "true" in references for ReplicaSet\/a and ReplicaSet\/b$/],
    ],
    ['a negative generation', { generation: -1 }, [/^metadata\.generation: Invalid value: -1: must be greater than or equal to 0/]],
    [
      'managed fields',
      { managedFields: [{ operation: 'Guess', fieldsType: 'V0' }] },
      [/must be `Apply` or `Update`/, /must be `FieldsV1`/],
    ],
  ])('%s', (_name, meta, expected) => check(meta, expected));

  test('a cluster-scoped object has no namespace', () => {
    expect(validateObjectMeta({ name: 'a', namespace: 'b' }, { ...rules, namespaced: false })).toEqual([
      { type: 'FieldValueForbidden', field: 'metadata.namespace', message: 'Forbidden: not allowed on this type' },
    ]);
  });
});

test('identity does not change, and deletion takes no new finalizers', () => {
  const old = {
    name: 'a',
    namespace: 'b',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: 't',
    deletionTimestamp: 'd',
    finalizers: ['x.y/z'],
  };
  expect(validateObjectMetaUpdate({ ...old }, old)).toEqual([]);
  const changed = { ...old, name: 'c', uid: 'v', resourceVersion: '', finalizers: ['x.y/z', 'x.y/w'] };
  expect(validateObjectMetaUpdate(changed, old).map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.y/w"}',
    'metadata.resourceVersion: Invalid value: "": must be specified for an update',
    'metadata.name: Invalid value: "c": field is immutable',
    'metadata.uid: Invalid value: "v": field is immutable',
  ]);
});

test('field managers are short and printable', () => {
  expect(validateFieldManager('kubectl-client-side-apply', 'fieldManager')).toEqual([]);
  expect(validateFieldManager('a'.repeat(129), 'fieldManager')[0]?.message).toBe('Too long: may not be more than 128 bytes');
  expect(validateFieldManager('a\n', 'fieldManager')[0]?.message).toBe('Invalid value: "a\\n": invalid character U+000A (at position 1)');
  expect(validateFieldManager('ä'.repeat(65), 'fieldManager')[0]?.message).toBe('Too long: may not be more than 128 bytes');
  expect(validateFieldManager('ä😀\u200b', 'fieldManager').map(({ message }) => message)).toEqual([
    expect.stringContaining('invalid character U+200B (at position 6)'),
  ]);
});

test('bytes of UTF-8', () => {
  expect(['a', 'é', '☃', '😀', 'a😀b'].map(utf8Length)).toEqual([1, 2, 3, 4, 6]);
});
