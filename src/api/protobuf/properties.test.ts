/** What holds for every kind and every body; the seed is fixed, so that a run tells of the code and not of luck. */
import { describe, expect, test } from 'vitest';
import { JsonSyntaxError } from '../json/index.ts';
import { deepEqual } from '../json/tree.ts';
import { decodeObject, definitionNames, schemaOf, type ObjectSchema, type ValueSchema } from '../schema/index.ts';
import { decodeProtobuf, encodeProtobuf, hasProtobuf, ProtobufError } from './index.ts';

const isLong = process.env['KNARR_TEST_LONG'] === '1';

/** Lehmer's generator: numbers from 0 up to `below`. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

const kinds = definitionNames().filter((name) => schemaOf(name).groupVersionKind !== undefined && hasProtobuf(name));

const texts = ['', 'a', 'käse', '\u{1f600}', 'x'.repeat(60), 'ß'.repeat(100), '__proto__', 'true'];
const integers = [0, 1, -1, 127, 128, 2_147_483_647, -2_147_483_648];
const longs = [...integers, 2 ** 40, -(2 ** 40), 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n];

/** Objects of a type, with a part of their fields. */
function objectOf(schema: ObjectSchema, random: (below: number) => number, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { name, value } of schema.fields.values()) {
    // Messages within messages do not say what they are.
    if ((schema.groupVersionKind || schema.inEveryGroup) && (name === 'kind' || name === 'apiVersion')) continue;
    if (random(depth + 2) < 2 && depth < 12) object[name] = valueOf(value, random, depth + 1);
  }
  return object;
}

function valueOf(value: ValueSchema, random: (below: number) => number, depth: number): unknown {
  const oneOf = <T>(list: readonly T[]): T => list[random(list.length)]!;
  switch (value.kind) {
    case 'string':
      return oneOf(texts);
    case 'boolean':
      return random(2) === 1;
    case 'int32':
      return oneOf(integers);
    case 'int64':
      return oneOf(longs);
    case 'number':
      return oneOf([0, 1, -0.5, 1e300, 2 ** 60]);
    case 'bytes':
      return oneOf(['AA==', 'AAECAwQF', '//79']);
    case 'any':
      return oneOf([{}, { a: [1, null, { b: 'ä' }] }]);
    case 'list':
      return Array.from({ length: 1 + random(2) }, () => valueOf(value.items, random, depth));
    case 'map':
      return Object.fromEntries(
        Array.from({ length: 1 + random(3) }, (_, i) => [`${oneOf(texts)}${i}`, valueOf(value.values, random, depth)]),
      );
    case 'object':
      return objectOf(value.schema, random, depth);
    default:
      return oneOf(specials[value.special] ?? [{}, { a: 1 }]);
  }
}

const specials: Readonly<Record<string, readonly unknown[]>> = {
  Quantity: ['0', '1', '100m', '1.5Gi', '1e3', '-1'],
  IntOrString: [0, 80, -1, '', 'http', '25%'],
  Time: ['2026-01-02T03:04:05Z', '1970-01-01T00:00:00Z', '1950-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
  MicroTime: ['2026-01-02T03:04:05.678901Z', '1969-12-31T23:59:59.999999Z', '2026-01-02T03:04:05.000000Z'],
  Duration: ['0s', '1m30s', '1h0m0.5s', '-2s', '15ms'],
  JSONSchemaPropsOrArray: [{ type: 'string' }, [{ type: 'object' }, {}]],
  JSONSchemaPropsOrBool: [true, false, { type: 'string' }],
  JSONSchemaPropsOrStringArray: [['a', 'b'], { type: 'string' }],
  JSON: [1, 'a', null, [], { a: 1 }],
};

/** Whether everything that `part` says is said by `whole`. Zeros say nothing; those of pointers are seen in the bytes. */
function isSaidBy(part: unknown, whole: unknown): boolean {
  if (whole === undefined && (part === '' || part === 0 || part === false || part === null)) return true;
  if (Array.isArray(part)) {
    if (part.length === 0) return true;
    return Array.isArray(whole) && whole.length === part.length && part.every((item, i) => isSaidBy(item, whole[i]));
  }
  if (typeof part !== 'object' || part === null) return deepEqual(part, whole);
  const all = (whole ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(part).every(([key, inner]) => isSaidBy(inner, Object.hasOwn(all, key) ? all[key] : undefined));
}

describe('any object of any kind', () => {
  test.each(kinds)('%s', (definition) => {
    const random = numbers(definition.length + 7);
    const { group, version, kind } = schemaOf(definition).groupVersionKind!;
    const type = { apiVersion: group === '' ? version : `${group}/${version}`, kind };
    for (let i = 0; i < (isLong ? 200 : 5); i++) {
      const made = { ...objectOf(schemaOf(definition), random, 0), ...type };
      const object = { ...decodeObject(made, definition, { fieldValidation: 'Strict' }).object, ...type };
      const bytes = encodeProtobuf(object, definition);
      const read = decodeProtobuf(bytes, definition);
      if (!isSaidBy(object, read)) expect(read).toEqual(object);
      const again = encodeProtobuf({ ...decodeObject(read, definition, { fieldValidation: 'Strict' }).object, ...type }, definition);
      expect(Buffer.from(again).equals(bytes)).toBe(true);
    }
  });
});

test('garbage is only ever refused, in no time', { timeout: 60_000 }, () => {
  const random = numbers(4711);
  let read = 0;
  let refused = 0;
  const perKind = Math.ceil((isLong ? 1_000_000 : 20_000) / kinds.length);
  for (const definition of kinds) {
    const { kind } = schemaOf(definition).groupVersionKind!;
    const object = { ...objectOf(schemaOf(definition), random, 0), apiVersion: 'v1', kind };
    const whole = encodeProtobuf(decodeObject<typeof object>(object, definition, { fieldValidation: 'Ignore' }).object, definition);
    // The first of a long one are as good as all of it.
    const start = whole.subarray(0, 2_000);
    for (let i = 0; i < perKind; i++) {
      const bytes = start.slice(0, random(4) === 0 ? 4 + random(start.length) : start.length);
      for (let n = 0; n <= random(6); n++) bytes[4 + random(Math.max(bytes.length - 4, 1))] = random(256);
      try {
        decodeProtobuf(bytes, definition);
        read++;
      } catch (error) {
        refused++;
        if (!(error instanceof ProtobufError)) throw error;
        expect(error).not.toBeInstanceOf(JsonSyntaxError);
      }
    }
  }
  expect(read).toBeGreaterThan(1_000);
  expect(refused).toBeGreaterThan(5_000);
});

test('what is nested without end is refused', () => {
  const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
  // A schema's `not`, field 25, within itself.
  let bytes = new Uint8Array();
  const within = (field: number, inner: Uint8Array): Uint8Array<ArrayBuffer> => {
    const head: number[] = [];
    for (let rest = field * 8 + 2, first = true; first || rest > 0; rest >>>= 7, first = false)
      head.push((rest & 127) | (rest > 127 ? 128 : 0));
    for (let rest = inner.length, first = true; first || rest > 0; rest >>>= 7, first = false)
      head.push((rest & 127) | (rest > 127 ? 128 : 0));
    return Uint8Array.from([...head, ...inner]);
  };
  for (let i = 0; i < 1_100; i++) bytes = within(25, bytes);
  const crd = within(2, within(7, within(4, within(1, bytes))));
  const enveloped = Uint8Array.from([0x6b, 0x38, 0x73, 0, ...within(2, crd)]);
  expect(() => decodeProtobuf(enveloped, definition)).toThrow('exceeded max depth');
});
