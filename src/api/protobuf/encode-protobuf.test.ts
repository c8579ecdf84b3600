import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../object.ts';
import { decodeObject, definitionNames, schemaOf } from '../schema/index.ts';
import { decodeProtobuf, encodeProtobuf } from './index.ts';
import sparse from './testdata/sparse.json' with { type: 'json' };

type Typed = JsonObject & { readonly apiVersion: string; readonly kind: string };

/** Golden objects of every kind, beside the checkout. */
const golden = fileURLToPath(new URL('../../../../shared/data/roundtrip/', import.meta.url));

/** Types that are in every group stand with the core in the golden files. */
const definitions = new Map([['core.v1.DeleteOptions', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions']]);
for (const name of definitionNames()) {
  const gvk = schemaOf(name).groupVersionKind;
  if (gvk) definitions.set(`${gvk.group || 'core'}.${gvk.version}.${gvk.kind}`, name);
}

const kinds = existsSync(golden)
  ? readdirSync(golden)
      .filter((file) => file.endsWith('.pb'))
      .map((file) => file.slice(0, -3))
      .filter((kind) => definitions.has(kind))
  : [];

describe.skipIf(kinds.length === 0)('the golden objects (shared data beside the checkout)', () => {
  test.each(kinds)('%s becomes the very bytes that Go writes, and its JSON again', (kind) => {
    const definition = definitions.get(kind)!;
    const object = JSON.parse(readFileSync(`${golden}${kind}.json`, 'utf8')) as Typed;
    const bytes = encodeProtobuf(object, definition);
    expect(Buffer.from(bytes).equals(readFileSync(`${golden}${kind}.pb`))).toBe(true);
    expect(decodeProtobuf(bytes, definition)).toEqual(object);
  });
});

describe('objects that say little, as Go reads and writes them', () => {
  const rows = (sparse as unknown as [string, Typed, string][]).map(([definition, object, bytes]) => ({ definition, object, bytes }));

  test.each(rows)('$definition', ({ definition, object, bytes }) => {
    // Sent with empty lists, zeros and fields missing: what is read of it becomes Go's bytes.
    const read = decodeObject<Typed>(object, definition, { fieldValidation: 'Ignore' }).object;
    const encoded = Buffer.from(encodeProtobuf({ ...read, apiVersion: object.apiVersion, kind: object.kind }, definition));
    expect(encoded.toString('base64')).toBe(bytes);
    const again = decodeProtobuf(encoded, definition) as Typed;
    expect(Buffer.from(encodeProtobuf(again, definition)).toString('base64')).toBe(bytes);
  });
});

describe('values at the edges', () => {
  const back = (definition: string, object: JsonObject): unknown => {
    const {
      apiVersion: _apiVersion,
      kind: _kind,
      ...rest
    } = decodeProtobuf(
      encodeProtobuf({ apiVersion: 'x/v1', kind: definition.slice(definition.lastIndexOf('.') + 1), ...object }, definition),
      definition,
    );
    return rest;
  };

  test.each<[string, JsonObject]>([
    ['texts beyond ASCII, short and long', { data: { ä: 'ö'.repeat(10), long: 'x'.repeat(500) + '…', plain: 'y'.repeat(20_000) } }],
    ['maps with keys of every plane', { data: { '\u{1f600}': 'a', '\uffee': 'b', z: 'c', __proto_: 'd' } }],
    ['bytes of every length', { binaryData: { a: '', b: 'AA==', c: 'AAE=', d: 'AAEC', e: '/+7dzLuqmYh3ZlVEMyIRAA==' } }],
  ])('%s', (_what, object) => {
    expect(back('io.k8s.api.core.v1.ConfigMap', { metadata: {}, ...object })).toEqual({ metadata: {}, ...object });
  });

  test.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 35, 2 ** 53 - 1, 9_223_372_036_854_775_807n, -1, -(2 ** 40), -(2n ** 63n)])(
    'the integer %s',
    (generation) => {
      const read = back('io.k8s.api.core.v1.ConfigMap', { metadata: { generation } });
      expect(read).toEqual({ metadata: generation === 0 ? {} : { generation } });
    },
  );

  test('a schema of a custom resource, whose parts are one thing or another', () => {
    const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
    const schema = {
      additionalProperties: false,
      additionalItems: { type: 'string' },
      items: [{ type: 'object' }, { type: 'array', items: { type: 'string' } }],
      default: { a: [1, null] },
      enum: ['a', 1, null],
      maximum: 0,
      minLength: 0,
      multipleOf: 0.25,
    };
    const object = { metadata: {}, spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] } };
    expect(back(definition, object)).toMatchObject(object);
  });
});
