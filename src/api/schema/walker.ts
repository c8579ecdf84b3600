/**
 * The walk that copies a JSON tree into the shape of its type: unknown fields go, null means absent, values are read as Go's decoder
 * reads them. Each type is compiled once into closures; a write of any kind passes here, so no step allocates what it need not.
 */
import type { JsonValue } from '../object.ts';
import { deepCopy, isJsonObject, NotJsonError, setOwn } from '../json/tree.ts';
import { assertNever } from './assert-never.ts';
import { DecodeError, type DecodeState } from './decode-state.ts';
import { schemaOf } from './facts.ts';
import { goFieldOf, hasGoFields } from './go-fields.ts';
import { goTypeOf, qualifiedName } from './go-names.ts';
import type { ListSchema, MapSchema, ObjectSchema, SpecialType, ValueSchema } from './object-schema.ts';
import { parseBase64, parseMicroTime, parseQuantityText, parseTime, ScalarError } from './scalars.ts';

/** Copies one value that is neither null nor undefined. @throws DecodeError */
type Walk = (value: unknown, state: DecodeState) => JsonValue;

type Tree = Record<string, JsonValue>;

const compiled = new WeakMap<ObjectSchema, Walk>();

/** The walk over an object of that schema. */
export function walkerOf(schema: ObjectSchema): Walk {
  const known = compiled.get(schema);
  if (known) return known;
  const walk = compileObject(schema);
  compiled.set(schema, walk);
  return walk;
}

interface FieldWalk {
  readonly isString: boolean;
  readonly walk: Walk;
  /** Go leaves out empty optional lists and maps. */
  readonly omitEmpty: boolean;
  /** Go leaves out zeros of optional plain fields that are no pointers. */
  readonly omitZero: boolean;
}

function compileObject(schema: ObjectSchema): Walk {
  const goType = qualifiedName(schema.definition);
  const preserve = schema.unknownFields === 'preserve';
  const fields = new Map<string, FieldWalk>();
  const known = hasGoFields(schema.definition);
  for (const { name, value, required } of schema.fields.values()) {
    // An empty list of managed fields is not none: it asks for a reset.
    const omitEmpty = !required && (value.kind === 'list' || value.kind === 'map') && name !== 'managedFields';
    const { isPointer, isAlwaysSaid, goType: fieldType } = goFieldOf(schema.definition, name);
    const omitZero = known && !required && !isPointer && !isAlwaysSaid && plainKinds.has(value.kind);
    fields.set(name, { isString: value.kind === 'string', walk: compile(value, schema, fieldType), omitEmpty, omitZero });
  }
  return (value, state) => {
    if (!isJsonObject(value)) return state.mismatch(value, goType);
    const object: Tree = {};
    for (const key of Object.keys(value)) {
      const inner: unknown = value[key];
      if (inner === undefined) continue;
      const field = fields.get(key);
      if (field === undefined) {
        if (preserve) setOwn(object, key, copyAny(inner));
        else state.unknownField(key);
      } else if (field.isString && typeof inner === 'string') {
        if (inner !== '' || !field.omitZero) object[key] = inner;
      } else if (inner !== null) {
        state.path.push(key);
        const next = field.walk(inner, state);
        state.path.pop();
        if (field.omitEmpty ? !isEmpty(next) : !field.omitZero || (next !== 0 && next !== false && next !== '')) object[key] = next;
      }
    }
    return object;
  };
}

const plainKinds: ReadonlySet<ValueSchema['kind']> = new Set(['string', 'boolean', 'int32', 'int64', 'number', 'bytes']);

function isEmpty(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value as object) if (Object.hasOwn(value as object, key)) return false;
  return true;
}

/** @param named what Go calls the type, when that is not what the schema says */
function compile(value: ValueSchema, owner: ObjectSchema, named?: string): Walk {
  switch (value.kind) {
    case 'string':
      return (input, state) => (typeof input === 'string' ? input : state.mismatch(input, named ?? 'string', { isString: true }));
    case 'boolean':
      return (input, state) => (typeof input === 'boolean' ? input : state.mismatch(input, named ?? 'bool'));
    case 'int32':
      return (input, state) => walkInt32(input, state);
    case 'int64':
      return (input, state) => walkInt64(input, state);
    case 'number':
      return (input, state) => {
        if (typeof input === 'bigint') return Number(input);
        return typeof input === 'number' && Number.isFinite(input) ? input : state.mismatch(input, 'float64');
      };
    case 'bytes':
      return textWalk('[]uint8', parseBase64);
    case 'any':
      return copyAny;
    case 'special':
      return compileSpecial(value.special, goTypeOf(value, owner));
    case 'list':
      return compileList(value, owner, named);
    case 'map':
      return compileMap(value, owner, named);
    case 'object': {
      let walk: Walk | undefined;
      return (input, state) => (walk ??= walkerOf(value.schema))(input, state);
    }
    default:
      return assertNever(value);
  }
}

function walkInt32(input: unknown, state: DecodeState): number {
  if (typeof input === 'number' && (input | 0) === input) return input;
  const isNumber = typeof input === 'number' || typeof input === 'bigint';
  return state.mismatch(input, 'int32', { withNumber: isNumber });
}

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

function walkInt64(input: unknown, state: DecodeState): number | bigint {
  if (typeof input === 'number' && Number.isSafeInteger(input)) return input;
  if (typeof input === 'bigint' && input >= minInt64 && input <= maxInt64) {
    return Number.isSafeInteger(Number(input)) ? Number(input) : input;
  }
  const isNumber = typeof input === 'number' || typeof input === 'bigint';
  return state.mismatch(input, 'int64', { withNumber: isNumber });
}

function compileList(value: ListSchema, owner: ObjectSchema, named?: string): Walk {
  const goType = named ?? goTypeOf(value, owner);
  const walk = compile(value.items, owner, named?.startsWith('[]') ? named.slice('[]'.length) : undefined);
  const zero = zeroOf(value.items);
  return (input, state) => {
    if (!Array.isArray(input)) return state.mismatch(input, goType);
    const list: JsonValue[] = [];
    const { path } = state;
    for (let i = 0; i < input.length; i++) {
      const item: unknown = input[i];
      if (item === null) {
        list.push(zero());
        continue;
      }
      path.push(i);
      list.push(item === undefined ? state.mismatch(item, goType) : walk(item, state));
      path.pop();
    }
    return list;
  };
}

function compileMap(value: MapSchema, owner: ObjectSchema, named?: string): Walk {
  const goType = named ?? goTypeOf(value, owner);
  const ofStrings = value.values.kind === 'string';
  const walk = compile(value.values, owner, named && /^map\[[^\]]*\](.*)$/.exec(named)?.[1]);
  const zero = zeroOf(value.values);
  return (input, state) => {
    if (!isJsonObject(input)) return state.mismatch(input, goType);
    const map: Tree = {};
    for (const key of Object.keys(input)) {
      const item: unknown = input[key];
      if (item === undefined) continue;
      if (ofStrings && typeof item === 'string') {
        setOwn(map, key, item);
      } else if (item === null) {
        setOwn(map, key, zero());
      } else {
        state.path.push({ key });
        setOwn(map, key, walk(item, state));
        state.path.pop();
      }
    }
    return map;
  };
}

/** What Go makes of null where a value must stand: the zero value. */
function zeroOf(value: ValueSchema): () => JsonValue {
  switch (value.kind) {
    case 'string':
    case 'bytes':
      return () => '';
    case 'boolean':
      return () => false;
    case 'int32':
    case 'int64':
    case 'number':
      return () => 0;
    case 'list':
      return () => [];
    case 'map':
    case 'object':
      return () => ({});
    case 'any':
      return () => null;
    case 'special':
      if (value.special === 'Quantity') return () => '0';
      if (value.special === 'IntOrString') return () => 0;
      return () => null;
    default:
      return assertNever(value);
  }
}

function compileSpecial(special: SpecialType, goType: string): Walk {
  switch (special) {
    case 'Time':
      return textWalk(goType, parseTime);
    case 'MicroTime':
      return textWalk(goType, parseMicroTime);
    case 'Quantity':
      return (input) => {
        if (typeof input === 'number' || typeof input === 'bigint') return readText(String(input), parseQuantityText);
        // Go's reader takes whatever stands there as text, so the fault it tells is the quantity's own.
        return readText(typeof input === 'string' ? input : 'not text', parseQuantityText);
      };
    case 'IntOrString':
      return (input, state) => (typeof input === 'string' ? input : walkInt32(input, state));
    case 'RawExtension':
    case 'FieldsV1':
    case 'Patch':
    case 'JSON':
      return copyAny;
    case 'JSONSchemaPropsOrArray':
    case 'JSONSchemaPropsOrBool':
    case 'JSONSchemaPropsOrStringArray':
      return schemaOr(special);
    default:
      return assertNever(special);
  }
}

const schemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** A schema, or what else may stand in its place; Go reads the inner schemas without strictness. */
function schemaOr(special: 'JSONSchemaPropsOrArray' | 'JSONSchemaPropsOrBool' | 'JSONSchemaPropsOrStringArray'): Walk {
  const walkSchema = (input: unknown, state: DecodeState): JsonValue =>
    state.leniently(() => walkerOf(schemaOf(schemaProps))(input, state));
  return (input, state) => {
    if (isJsonObject(input)) return walkSchema(input, state);
    if (special === 'JSONSchemaPropsOrBool' && typeof input === 'boolean') return input;
    if (Array.isArray(input)) {
      const items: readonly unknown[] = input;
      if (special === 'JSONSchemaPropsOrArray') return items.map((item) => walkSchema(item, state));
      if (special === 'JSONSchemaPropsOrStringArray') {
        return items.map((item) => (typeof item === 'string' ? item : state.mismatch(item, 'string', { isString: true })));
      }
    }
    if (special === 'JSONSchemaPropsOrBool') throw new DecodeError('boolean or JSON schema expected');
    return state.mismatch(input, `v1.${special}`);
  };
}

function textWalk(goType: string, parse: (text: string) => string): Walk {
  return (input, state) => (typeof input === 'string' ? readText(input, parse) : state.mismatch(input, goType));
}

function readText(text: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof ScalarError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
}

/** Fields that hold anything stand no deeper in an object: what is kept can be copied as a whole. */
const maxFieldDepth = 50;

function copyAny(input: unknown): JsonValue {
  try {
    return deepCopy(input, maxFieldDepth) as JsonValue;
  } catch (error) {
    if (error instanceof NotJsonError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
}
