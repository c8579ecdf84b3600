import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../object.ts';
import { applyJsonPatch, JsonPatchError } from './json-patch.ts';

const document = { spec: { replicas: 1, list: ['a', 'b', 'c'], 'x/y': { '~': 1 } } };

describe('operations', () => {
  const cases: readonly (readonly [string, JsonValue[], JsonValue])[] = [
    ['add a key', [{ op: 'add', path: '/spec/new', value: 2 }], { ...document.spec, new: 2 }],
    ['add over a key', [{ op: 'add', path: '/spec/replicas', value: 2 }], { ...document.spec, replicas: 2 }],
    ['add before an index', [{ op: 'add', path: '/spec/list/1', value: 'x' }], { ...document.spec, list: ['a', 'x', 'b', 'c'] }],
    ['add at the end', [{ op: 'add', path: '/spec/list/-', value: 'x' }], { ...document.spec, list: ['a', 'b', 'c', 'x'] }],
    ['add counted from the end', [{ op: 'add', path: '/spec/list/-1', value: 'x' }], { ...document.spec, list: ['a', 'b', 'c', 'x'] }],
    ['remove an index', [{ op: 'remove', path: '/spec/list/0' }], { ...document.spec, list: ['b', 'c'] }],
    ['remove the last', [{ op: 'remove', path: '/spec/list/-1' }], { ...document.spec, list: ['a', 'b'] }],
    ['replace', [{ op: 'replace', path: '/spec/list/2', value: null }], { ...document.spec, list: ['a', 'b', null] }],
    ['replace a key that is not there', [{ op: 'replace', path: '/spec/new', value: 2 }], { ...document.spec, new: 2 }],
    ['copy a key that is not there', [{ op: 'copy', from: '/spec/no', path: '/spec/new' }], { ...document.spec, new: null }],
    [
      'test for a key that is not there',
      [
        { op: 'test', path: '/spec/no' },
        { op: 'test', path: '/spec/no', value: null },
      ],
      document.spec,
    ],
    ['escaped names', [{ op: 'replace', path: '/spec/x~1y/~0', value: 2 }], { ...document.spec, 'x/y': { '~': 2 } }],
    ['move', [{ op: 'move', from: '/spec/list/0', path: '/spec/first' }], { ...document.spec, list: ['b', 'c'], first: 'a' }],
    [
      'a copy is no alias',
      [
        { op: 'copy', from: '/spec/list', path: '/spec/other' },
        { op: 'remove', path: '/spec/other/0' },
      ],
      { ...document.spec, other: ['b', 'c'] },
    ],
    ['a test that holds', [{ op: 'test', path: '/spec/list', value: ['a', 'b', 'c'] }], document.spec],
  ];
  test.each(cases)('%s', (_name, patch, spec) => {
    expect(applyJsonPatch(document, patch)).toEqual({ spec });
  });

  test('the whole document can be replaced', () => {
    expect(applyJsonPatch(document, [{ op: 'replace', path: '', value: { a: 1 } }])).toEqual({ a: 1 });
  });

  test('a key __proto__ is a key', () => {
    const result = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(Object.keys(result as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('what does not apply is told in the words of the library', () => {
  const cases: readonly (readonly [JsonValue, string])[] = [
    [{ op: 'add', path: '/no/x', value: 1 }, 'add operation does not apply: doc is missing path: "/no/x": missing value'],
    [{ op: 'add', path: '', value: 1 }, 'add operation does not apply: doc is missing path: "": missing value'],
    [{ op: 'add', value: 1 }, 'add operation failed to decode path: missing value'],
    [
      { op: 'add', path: '/spec/list/9', value: 1 },
      "error in add for path: '/spec/list/9': Unable to access invalid index: 9: invalid index referenced",
    ],
    [
      { op: 'add', path: '/spec/list/x', value: 1 },
      `error in add for path: '/spec/list/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    ],
    [{ op: 'remove', path: '/spec/no' }, "error in remove for path: '/spec/no': Unable to remove nonexistent key: no: missing value"],
    [{ op: 'remove', path: '/no/no' }, 'remove operation does not apply: doc is missing path: "/no/no": missing value'],
    [
      { op: 'replace', path: '/spec/list/3', value: 1 },
      'replace operation does not apply: doc is missing key: /spec/list/3: missing value',
    ],
    [{ op: 'replace', path: '/no/no', value: 1 }, 'replace operation does not apply: doc is missing path: /no/no: missing value'],
    [{ op: 'move', path: '/spec/x' }, 'move operation failed to decode from: operation, missing from field: missing value'],
    [
      { op: 'move', from: '/spec/no', path: '/spec/x' },
      "error in move for path: 'no': Unable to remove nonexistent key: no: missing value",
    ],
    [
      { op: 'copy', from: '/spec/list/3', path: '/spec/x' },
      "error in copy for from: '/spec/list/3': Unable to access invalid index: 3: invalid index referenced",
    ],
    [{ op: 'test', path: '/spec/replicas', value: 2 }, 'testing value /spec/replicas failed: test failed'],
    [{ op: 'test', path: '/spec/no', value: 2 }, 'testing value /spec/no failed: test failed'],
    [{ op: 'merge', path: '/spec' }, 'Unexpected kind: merge'],
    [{ path: '/spec' }, 'Unexpected kind: unknown'],
  ];
  test.each(cases)('%j', (operation, message) => {
    expect(() => applyJsonPatch(document, [operation])).toThrow(new JsonPatchError(message));
  });

  test('copies that add up to too much', () => {
    const big = { a: 'x'.repeat(1_000_000) };
    const copies = Array.from({ length: 4 }, (_, i) => ({ op: 'copy', from: '/a', path: `/b${i}` }));
    expect(() => applyJsonPatch(big, copies)).toThrow('Unable to complete the copy, the accumulated size increase of copy is 4000008');
  });
});

describe('bounds', () => {
  const refused = (patch: JsonValue[], start: JsonValue = {}): void => expect(() => applyJsonPatch(start, patch)).toThrow(JsonPatchError);
  const long = { list: Array.from({ length: 1_000_000 }, () => 0) };
  const times = (count: number, operation: JsonValue): JsonValue[] => Array.from({ length: count }, () => operation);

  test.each([
    ['add', { op: 'add', path: '/list/0', value: 1 }],
    ['remove', { op: 'remove', path: '/list/0' }],
    ['move', { op: 'move', from: '/list/0', path: '/list/1' }],
  ])('a long list is not shifted again and again: %s', (_name, operation) => {
    applyJsonPatch(long, times(10, operation));
    refused(times(1_000, operation), long);
  });

  test('nor does it cost anything to grow it at its end', () => {
    expect(applyJsonPatch(long, times(10_000, { op: 'add', path: '/list/-', value: 1 }))).toMatchObject({});
  });

  test('what is nested too deep is no value, be it sent or made by moves', () => {
    let deep: JsonValue = 0;
    for (let i = 0; i < 1_001; i++) deep = [deep];
    refused([{ op: 'add', path: '/x', value: deep }]);
    const deeper = Array.from({ length: 1_001 }, () => [
      { op: 'add', path: '/y', value: {} },
      { op: 'move', from: '/x', path: '/y/a' },
      { op: 'move', from: '/y', path: '/x' },
    ]).flat();
    refused([{ op: 'add', path: '/x', value: {} }, ...deeper, { op: 'copy', from: '/x', path: '/z' }]);
  });
});

test('neither document nor patch are changed, whatever the operations', () => {
  const path = fc.constantFrom('/spec', '/spec/list', '/spec/list/0', '/spec/list/-', '/spec/new', '/spec/new/x', '/spec/replicas', '');
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path,
    from: path,
    value: fc.constantFrom<JsonValue>(1, 'x', null, { a: 1 }, [1]),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 8 }), (patch) => {
      const before = JSON.stringify([document, patch]);
      try {
        applyJsonPatch(document, patch);
      } catch (error) {
        if ((error as Error).name !== 'JsonPatchError') throw error;
      }
      expect(JSON.stringify([document, patch])).toBe(before);
    }),
    { numRuns: 500 },
  );
});

test('a patch that replaces every top-level key makes one document into another', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 }) as fc.Arbitrary<Record<string, JsonValue>>;
  const pointer = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  fc.assert(
    fc.property(object, object, (from, to) => {
      const patch = [
        ...Object.keys(from).map((key) => ({ op: 'remove', path: pointer(key) })),
        ...Object.keys(to).map((key) => ({ op: 'add', path: pointer(key), value: to[key]! })),
      ];
      expect(applyJsonPatch(from, patch)).toEqual({ ...to });
    }),
  );
});
