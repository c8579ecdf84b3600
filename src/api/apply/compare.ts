/**
 * Which fields differ between two objects of a type. What is the same object in memory is not looked into.
 * @source structured-merge-diff typed/compare.go
 */
import { deepEqual } from '../json/tree.ts';
import type { JsonValue } from '../object.ts';
import type { ListSchema, ValueSchema } from '../schema/index.ts';
import { asMember, emptySet, isEmptySet, makeNode, type FieldSet, type FieldSetDraft } from './field-set.ts';
import { fieldElement, itemElement, PathElementError } from './path-element.ts';
import { asList, asMap, isHollow, shapeOf, type MapShape, type Shape } from './shape.ts';

/** No field stands in two of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed);
}

const anything: ValueSchema = { kind: 'any' };

/** What became of `before`. */
export function compare(before: JsonValue, after: JsonValue, type: ValueSchema): Comparison {
  const difference = compareNodes(before, after, type) ?? {};
  return { added: difference.added ?? emptySet, modified: difference.modified ?? emptySet, removed: difference.removed ?? emptySet };
}

/** The three nodes of one place; what is undefined has no member there or below. */
interface Difference {
  readonly added?: FieldSet;
  readonly modified?: FieldSet;
  readonly removed?: FieldSet;
}

const modified: Difference = { modified: emptySet };

/** At least one of them stands there. Undefined: nothing differs. */
function compareNodes(before: JsonValue | undefined, after: JsonValue | undefined, type: ValueSchema): Difference | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: wholeNode(after!, type) };
  if (after === undefined) return { removed: wholeNode(before, type) };
  const [old, fresh] = [shapeOf(type, before), shapeOf(type, after)];
  if (old.kind !== fresh.kind) return withChildrenOf(after, fresh);
  if (fresh.kind === 'leaf' || (isHollow(before) && isHollow(after))) return deepEqual(before, after) ? undefined : modified;
  const sums = { added: {}, modified: {}, removed: {} };
  if (fresh.kind === 'list') compareLists({ before: asList(before), after: asList(after) }, fresh.list, sums);
  else compareMaps({ before: asMap(before), after: asMap(after) }, fresh, sums);
  return summed(sums);
}

/** A leaf that became a map: the place is modified, and what it holds now is new. */
function withChildrenOf(after: JsonValue, shape: Shape): Difference {
  if (shape.kind !== 'map') return modified;
  const children: FieldSetDraft = {};
  for (const [key, value] of Object.entries(asMap(after))) children[fieldElement(key)] = wholeNode(value, shape.entry(key) ?? anything);
  const added = makeNode(false, children);
  return added === undefined ? modified : { modified: emptySet, added };
}

interface Sums {
  readonly added: FieldSetDraft;
  readonly modified: FieldSetDraft;
  readonly removed: FieldSetDraft;
}

function summed({ added, modified, removed }: Sums): Difference | undefined {
  const nodes = [makeNode(false, added), makeNode(false, modified), makeNode(false, removed)] as const;
  if (nodes.every((node) => node === undefined)) return undefined;
  return {
    ...(nodes[0] && { added: nodes[0] }),
    ...(nodes[1] && { modified: nodes[1] }),
    ...(nodes[2] && { removed: nodes[2] }),
  };
}

function include(sums: Sums, element: string, difference: Difference | undefined): void {
  if (difference === undefined) return;
  if (difference.added) sums.added[element] = difference.added;
  if (difference.modified) sums.modified[element] = difference.modified;
  if (difference.removed) sums.removed[element] = difference.removed;
}

function compareMaps(
  { before, after }: { before: { readonly [key: string]: JsonValue }; after: { readonly [key: string]: JsonValue } },
  shape: MapShape,
  sums: Sums,
): void {
  for (const key of Object.keys(before)) {
    const other = Object.hasOwn(after, key) ? after[key] : absent(shape, key);
    include(sums, fieldElement(key), compareNodes(before[key], other, shape.entry(key) ?? anything));
  }
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key)) continue;
    include(sums, fieldElement(key), compareNodes(absent(shape, key), after[key], shape.entry(key) ?? anything));
  }
}

/** What stands where nothing is: lists and maps that Go always writes are null. */
function absent(shape: MapShape, key: string): null | undefined {
  return shape.isNullWhenAbsent?.(key) === true ? null : undefined;
}

function compareLists(
  { before, after }: { before: readonly JsonValue[]; after: readonly JsonValue[] },
  list: ListSchema,
  sums: Sums,
): void {
  const [old, fresh] = [byElement(before, list), byElement(after, list)];
  for (const element of new Set([...old.keys(), ...fresh.keys()])) {
    const [was, is] = [old.get(element) ?? [], fresh.get(element) ?? []];
    if (was.length <= 1 && is.length <= 1) include(sums, element, compareNodes(was[0], is[0], list.items));
    else include(sums, element, compareDuplicates(was, is, list.items));
  }
}

/** Items that are said twice are one leaf. */
function compareDuplicates(was: readonly JsonValue[], is: readonly JsonValue[], type: ValueSchema): Difference | undefined {
  if (was.length >= 2 && is.length >= 2) return deepEqual(was, is) ? undefined : modified;
  if (was.length >= 2) return { removed: emptySet, ...(is[0] !== undefined && { added: wholeNode(is[0], type) }) };
  return { added: emptySet, ...(was[0] !== undefined && { removed: wholeNode(was[0], type) }) };
}

/** Items by identity; those without one (a stored object may have old faults) are passed over. */
export function byElement(items: readonly JsonValue[], list: ListSchema): Map<string, JsonValue[]> {
  const found = new Map<string, JsonValue[]>();
  for (const item of items) {
    try {
      const element = itemElement(list, item);
      const same = found.get(element);
      if (same) same.push(item);
      else found.set(element, [item]);
    } catch (error) {
      if (!(error instanceof PathElementError)) throw error;
    }
  }
  return found;
}

/** Every field of a value that came or went, each level itself too. */
function wholeNode(value: JsonValue, type: ValueSchema): FieldSet {
  const shape = shapeOf(type, value);
  if (shape.kind === 'leaf' || isHollow(value)) return emptySet;
  const children: FieldSetDraft = {};
  if (shape.kind === 'list') {
    for (const [element, items] of byElement(asList(value), shape.list)) {
      children[element] = items.length > 1 ? emptySet : wholeNode(items[0]!, shape.list.items);
    }
  } else {
    for (const [key, inner] of Object.entries(asMap(value))) children[fieldElement(key)] = wholeNode(inner, shape.entry(key) ?? anything);
  }
  return asMember(makeNode(false, children));
}
