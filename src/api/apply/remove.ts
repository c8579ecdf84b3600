/**
 * Takes fields out of an object: what a manager applied once and applies no more, if nobody else owns it.
 * @source structured-merge-diff typed/remove.go; merge/update.go prune
 */
import { setOwn } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import type { ListSchema, ValueSchema } from '../schema/index.ts';
import {
  difference,
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

/**
 * The merged object without what `last` (the manager's former set) names and no set of `managed` does.
 * @param managed all managers' fields, the new set of the applying one among them
 */
export function prune(merged: JsonObject, type: ValueSchema, sets: { readonly last: FieldSet; readonly managed: FieldSet }): JsonObject {
  if (isSubset(sets.last, sets.managed)) return merged;
  const last = withNamedParents(sets.last, type);
  const managed = withNamedParents(sets.managed, type);
  const whole = withNamedParents(fieldsOf(merged, type), type);
  const bare = asMap(removeFields(merged, last, type));
  const owned = union(withNamedParents(fieldsOf(bare, type), type), managed);
  const unowned = difference(whole, owned);
  const kept = asMap(removeFields(merged, unowned, type));
  const gone = intersection(difference(whole, withNamedParents(fieldsOf(kept, type), type)), last);
  return isEmptySet(gone) ? merged : asMap(removeFields(merged, gone, type));
}
