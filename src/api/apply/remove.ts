/**
 * Takes fields out of an object: what a manager applied once and applies no more, if nobody else owns it.
 * @source structured-merge-diff typed/remove.go; merge/update.go prune
 */
import { setOwn } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ListSchema, ValueSchema } from '../schema/index.ts';
import {
  difference,
  emptySet,
  intersection,
  isEmptySet,
  isMember,
  isSubset,
  asMember,
  union,
  type FieldSet,
  type FieldSetDraft,
} from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import type { VersionConverter, Versioned } from './ownership.ts';
import { fieldElement, itemElement, PathElementError } from './path-element.ts';
import { asList, asMap, isHollow, shapeOf } from './shape.ts';

const anything: ValueSchema = { kind: 'any' };

/** The object without the members of `set`. A list or map that loses its last entry becomes null. */
export function removeFields(value: JsonValue, set: FieldSet, type: ValueSchema): JsonValue {
  const shape = shapeOf(type, value);
  if (shape.kind === 'leaf') return typeof value === 'object' ? null : value;
  if (isHollow(value)) return null;
  if (shape.kind === 'list') return removeItems(asList(value), set, shape.list);
  const object = asMap(value);
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(object)) {
    const node = set[fieldElement(key)];
    if (node === undefined) setOwn(result, key, object[key]);
    else if (!isMember(node)) setOwn(result, key, removeFields(object[key]!, node, shape.entry(key) ?? anything));
  }
  return isHollow(result) ? null : result;
}

function removeItems(items: readonly JsonValue[], set: FieldSet, list: ListSchema): JsonValue {
  const result: JsonValue[] = [];
  for (const item of items) {
    const node = set[elementOf(list, item) ?? ''];
    if (node === undefined) result.push(item);
    else if (!isMember(node)) result.push(removeFields(item, node, list.items));
  }
  return result.length === 0 ? null : result;
}

function elementOf(list: ListSchema, item: JsonValue): string | undefined {
  try {
    return itemElement(list, item);
  } catch (error) {
    if (error instanceof PathElementError) return undefined;
    throw error;
  }
}

/** The set with every struct field that has members below it as a member too, so that a struct goes with the last of its fields. */
function withNamedParents(set: FieldSet, type: ValueSchema): FieldSet {
  const shape = shapeOf(type, undefined);
  const result: FieldSetDraft = {};
  for (const element in set) {
    const child = set[element]!;
    if (element === '.') {
      result[element] = child;
      continue;
    }
    const isField = shape.kind === 'map' && element.startsWith('f:');
    const inner = isField ? (shape.entry(element.slice(2)) ?? anything) : shape.kind === 'list' ? shape.list.items : anything;
    const node = withNamedParents(child, inner);
    result[element] = isField && shape.declares(element.slice(2)) ? asMember(node) : node;
  }
  return result;
}

/** Fields by the API version in which they are named. */
export type VersionedSets = ReadonlyMap<string, FieldSet>;

export interface PruneRequest {
  /** The merged object, in the version that is applied, and its type. */
  readonly merged: Versioned;
  readonly apiVersion: string;
  /** The manager's former set and the version in which it was applied. */
  readonly last: { readonly fields: FieldSet; readonly apiVersion: string };
  /** All managers' fields, the new set of the applying one among them. */
  readonly managed: VersionedSets;
  /** Without it every version is taken for the same. */
  readonly convert: VersionConverter | undefined;
}

/** The merged object without what `last` names and nobody manages. The very same when nothing goes. */
export function prune({ merged, apiVersion, last, managed, convert }: PruneRequest): JsonObject {
  const same = convert === undefined ? [...managed.values()].reduce(union, emptySet) : managed.get(last.apiVersion);
  if (same !== undefined && isSubset(last.fields, same)) return merged.object;
  if (convert === undefined) return pruneIn(merged, last.fields, [same ?? emptySet]);
  const inVersion = (object: JsonObject, from: string, to: string): Versioned | undefined =>
    from === to ? { object, type: merged.type } : convert(object, to);
  const whole = inVersion(merged.object, apiVersion, last.apiVersion);
  // Fields of a version that is served no more cannot be told apart any more: they stay.
  if (whole === undefined) return merged.object;
  const kept = [managed.get(last.apiVersion) ?? emptySet];
  for (const [version, fields] of managed) {
    if (version !== last.apiVersion) kept.push(...ownedElsewhere(whole, last, { version, fields, convert }));
  }
  const pruned = pruneIn(whole, last.fields, kept);
  if (pruned === whole.object) return merged.object;
  return last.apiVersion === apiVersion ? pruned : (convert(pruned, apiVersion)?.object ?? merged.object);
}

/** What the fields that other managers own in another version are in the version of `last`; nothing when that one is served no more. */
function ownedElsewhere(
  whole: Versioned,
  last: PruneRequest['last'],
  other: { readonly version: string; readonly fields: FieldSet; readonly convert: VersionConverter },
): FieldSet[] {
  const { version, fields, convert } = other;
  const [all, bare] = [convert(whole.object, version), convert(asMap(removeFields(whole.object, last.fields, whole.type)), version)];
  if (all === undefined || bare === undefined) return [];
  const named = (value: JsonObject): FieldSet => withNamedParents(fieldsOf(value, all.type), all.type);
  const unowned = difference(named(all.object), union(named(bare.object), withNamedParents(fields, all.type)));
  const left = convert(asMap(removeFields(all.object, unowned, all.type)), last.apiVersion);
  return left === undefined ? [] : [fieldsOf(left.object, whole.type)];
}

function pruneIn({ object, type }: Versioned, last: FieldSet, managed: readonly FieldSet[]): JsonObject {
  const lastNamed = withNamedParents(last, type);
  const managedNamed = managed.map((set) => withNamedParents(set, type)).reduce(union, emptySet);
  const whole = withNamedParents(fieldsOf(object, type), type);
  const bare = asMap(removeFields(object, lastNamed, type));
  const owned = union(withNamedParents(fieldsOf(bare, type), type), managedNamed);
  const unowned = difference(whole, owned);
  const kept = asMap(removeFields(object, unowned, type));
  const gone = intersection(difference(whole, withNamedParents(fieldsOf(kept, type), type)), lastNamed);
  return isEmptySet(gone) ? object : asMap(removeFields(object, gone, type));
}
