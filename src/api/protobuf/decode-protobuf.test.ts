import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { definitionNames, schemaOf } from '../schema/index.ts';
import { decodeObject } from '../schema/index.ts';
import { decodeProtobuf, ProtobufError } from './index.ts';

/** Golden objects of every kind, beside the checkout. */
const golden = fileURLToPath(new URL('../../../../shared/data/roundtrip/', import.meta.url));

/** `group.version.Kind` to the schema's definition. */
const definitions = new Map<string, string>();
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
  test.each(kinds)('%s reads as its JSON', (kind) => {
    const definition = definitions.get(kind)!;
    const fromProtobuf = decodeProtobuf(readFileSync(`${golden}${kind}.pb`), definition);
    const json: unknown = JSON.parse(readFileSync(`${golden}${kind}.json`, 'utf8'));
    const read = (value: unknown): unknown => decodeObject(value, definition, { fieldValidation: 'Strict' }).object;
    expect(read(fromProtobuf)).toEqual(read(json));
  });
});

/** A message by hand: `[field, value]` with text, numbers and nested messages. */
function message(...fields: readonly (readonly [number, string | number | Uint8Array])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [field, value] of fields) {
    if (typeof value === 'number') bytes.push(field << 3, value);
    else {
      const block = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      bytes.push((field << 3) | 2, block.length, ...block);
    }
  }
  return Uint8Array.from(bytes);
}

const envelope = (apiVersion: string, kind: string, raw: Uint8Array): Uint8Array => {
  const unknown = message([1, message([1, apiVersion], [2, kind])], [2, raw]);
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...unknown]);
};

describe('what Go writes', () => {
  test('zeros of plain fields are left out, zeros of pointers are kept', () => {
    const spec = message([1, 0], [5, 0]);
    const bytes = envelope('apps/v1', 'Deployment', message([1, message([1, 'web'], [2, ''])], [2, spec]));
    expect(decodeProtobuf(bytes, 'io.k8s.api.apps.v1.Deployment')).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 0 },
    });
  });

  test('a time that is not set is not there', () => {
    const bytes = envelope('v1', 'ConfigMap', message([1, message([8, new Uint8Array()])]));
    expect(decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toMatchObject({ metadata: {} });
  });

  test('fields and groups that nobody knows are passed over', () => {
    const group = Uint8Array.from([0x7b, 0x08, 0x01, 0x7b, 0x7c, 0x12, 0x01, 0x41, 0x7c]);
    const bytes = envelope('v1', 'ConfigMap', Uint8Array.from([...group, ...message([1, message([1, 'a'])])]));
    expect(decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toMatchObject({ metadata: { name: 'a' } });
  });

  test('what says it is of another kind is not read as this one', () => {
    const bytes = envelope('v1', 'Secret', Uint8Array.from([0xff]));
    expect(decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toEqual({ apiVersion: 'v1', kind: 'Secret' });
  });

  test('a map with a key twice keeps the last', () => {
    const entry = (value: string): Uint8Array => message([1, 'a'], [2, value]);
    const bytes = envelope('v1', 'ConfigMap', message([2, entry('1')], [2, entry('2')]));
    expect(decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toMatchObject({ data: { a: '2' } });
  });
});

describe('bytes that are none of it', () => {
  test.each([
    ['nothing', new Uint8Array(), 'does not appear to be a protobuf message'],
    ['JSON', new TextEncoder().encode('{"a":1}'), 'does not appear to be a protobuf message'],
    ['a message that ends in the middle', envelope('v1', 'ConfigMap', Uint8Array.from([0x0a, 9, 1])), 'unexpected EOF'],
    ['a field of another form', envelope('v1', 'ConfigMap', message([1, 1])), 'proto: wrong wireType = 0'],
    ['a field without a number', envelope('apps/v1', 'ConfigMap', message([0, 1])), 'proto: illegal tag 0'],
    ['the end of a group without its beginning', envelope('v1', 'ConfigMap', Uint8Array.from([0x0c])), 'proto: wiretype end group'],
    ['a group without its end', envelope('v1', 'ConfigMap', Uint8Array.from([0x7b, 0x08, 1])), 'unexpected EOF'],
    ['groups in groups', envelope('v1', 'ConfigMap', new Uint8Array(120).fill(0x7b)), 'exceeded max depth'],
    ['a number without end', envelope('v1', 'ConfigMap', Uint8Array.from(Array(12).fill(0xff))), 'integer overflow'],
  ])('%s', (_name, bytes, why) => {
    expect(() => decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toThrow(ProtobufError);
    expect(() => decodeProtobuf(bytes, 'io.k8s.api.core.v1.ConfigMap')).toThrow(why);
  });
});
