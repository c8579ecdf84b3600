/**
 * How server-side apply sees a value of a type: as one leaf, as a list whose items have identities, or as a map of fields. Where the
 * schema knows nothing, the value itself decides: maps merge, lists are leaves.
 * @source structured-merge-diff schema: atomic, associative, separable; the deduced type
 */
import type { JsonValue } from '../object.ts';
import { goFieldOf } from '../schema/index.ts';
import type { FieldSchema, ListSchema, ObjectReferenceSchema, ValueSchema } from '../schema/index.ts';

export interface MapShape {
  readonly kind: 'map';
  /** The type of an entry; undefined where the type declares no such field. */
  readonly entry: (key: string) => ValueSchema | undefined;
  /** Whether the key is a declared field of a struct, and not a user's key. */
  readonly declares: (key: string) => boolean;
  /** Whether Go writes null for the field where it has nothing to write. */
  readonly isNullWhenAbsent?: (key: string) => boolean;
}

export type Shape = { readonly kind: 'leaf' } | { readonly kind: 'list'; readonly list: ListSchema } | MapShape;

const leaf: Shape = { kind: 'leaf' };
const anything: ValueSchema = { kind: 'any' };
const freeMap: Shape = { kind: 'map', entry: () => anything, declares: () => false };

const shapes = new WeakMap<ValueSchema, Shape>();

/** The shape of `value` (or, where it is absent, of `other`) under `type`. */
export function shapeOf(type: ValueSchema, value: JsonValue | undefined): Shape {
  switch (type.kind) {
    case 'any':
      return deduced(value);
    case 'special':
      switch (type.special) {
        case 'Quantity':
        case 'IntOrString':
        case 'Time':
        case 'MicroTime':
          return leaf;
        default:
          return deduced(value);
      }
    case 'list':
    case 'map':
    case 'object': {
      const known = shapes.get(type);
      if (known) return known;
      const shape = declaredShape(type);
      shapes.set(type, shape);
      return shape;
    }
    default:
      return leaf;
  }
}

function deduced(value: JsonValue | undefined): Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? freeMap : leaf;
}

function declaredShape(type: Extract<ValueSchema, { kind: 'list' | 'map' | 'object' }>): Shape {
  if (type.kind === 'list') return type.listType === 'atomic' ? leaf : { kind: 'list', list: type };
  if (type.mapType === 'atomic') return leaf;
  if (type.kind === 'map') return { kind: 'map', entry: () => type.values, declares: () => false };
  return fieldsShape(type);
}

/** The fields of a struct, whether it is owned field by field or whole. */
export function fieldsShape(type: ObjectReferenceSchema): MapShape {
  const { fields, unknownFields } = type.schema;
  const other = unknownFields === 'preserve' ? anything : undefined;
  const entry = (key: string): ValueSchema | undefined => {
    const field: FieldSchema | undefined = fields.get(key);
    return field ? field.value : other;
  };
  const isNullWhenAbsent = (key: string): boolean => {
    const kind = fields.get(key)?.value.kind;
    return (kind === 'list' || kind === 'map') && goFieldOf(type.definition, key).isAlwaysSaid;
  };
  return { kind: 'map', entry, declares: (key) => fields.has(key), isNullWhenAbsent };
}

/** Whether a value has nothing in it: absent, null, or an empty list or map. */
export function isHollow(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value as object) if (Object.hasOwn(value, key)) return false;
  return true;
}

/** The value as a map, empty when it is none. */
export function asMap(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: JsonValue }) : {};
}

/** The value as a list, empty when it is none. */
export function asList(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
