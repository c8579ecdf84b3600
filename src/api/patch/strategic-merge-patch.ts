/**
 * Strategic merge patch: a merge patch that knows from the schema which lists merge, by which key, and that carries directives
 * (`$patch`, `$retainKeys`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x`). Pure: the result shares what did not change.
 * @source apimachinery util/strategicpatch/patch.go
 */
import type { JsonArray, JsonObject, JsonValue } from '../object.ts';
import { getOwn, isJsonObject, maxTreeDepth, setOwn } from '../json/tree.ts';
import { structName } from '../schema/go-names.ts';
import type { ObjectSchema, ValueSchema } from '../schema/index.ts';
import { goKind, goPrint, goString } from '../go-print.ts';
import { orderList } from './list-order.ts';

/** A patch that its directives or its shape forbid. */
export class StrategicMergeError extends Error {
  override readonly name = 'StrategicMergeError';
  /** Well formed, but it does not apply. */
  readonly unprocessable: boolean;

  constructor(message: string, options: { readonly unprocessable?: boolean } = {}) {
    super(message);
    this.unprocessable = options.unprocessable ?? false;
  }
}

const directive = '$patch';
const retainKeys = '$retainKeys';
const elementOrder = '$setElementOrder/';
const deleteFromList = '$deleteFromPrimitiveList/';

const badRetainKeys = 'invalid patch format of retainKeys';

/** How a field merges. For maps of users' keys, and where nothing is known, there is no strategy. */
interface FieldMerge {
  readonly value: ValueSchema | undefined;
  readonly strategy: 'merge' | 'replace' | undefined;
  readonly mergeKey: string | undefined;
}

/**
 * The object after the patch.
 * @throws StrategicMergeError
 */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonObject, schema: ObjectSchema): JsonObject {
  return mergeObject(document, patch, { kind: 'object', definition: schema.definition, schema, mapType: schema.mapType });
}

function mergeObject(original: JsonObject, patch: JsonObject, type: ValueSchema | undefined): JsonObject {
  const how = getOwn(patch, directive);
  if (how !== undefined) {
    if (how === 'replace') return omit(patch, directive);
    if (how === 'delete') return {};
    throw unknownPatchType(how, patch);
  }
  const result: Record<string, JsonValue> = { ...retained(original, patch) };
  const rest = new Map(Object.entries(patch).filter(([key, value]) => key !== retainKeys && value !== undefined));
  for (const [key, order] of rest) {
    if (!key.startsWith(elementOrder)) continue;
    rest.delete(key);
    const name = key.slice(elementOrder.length);
    mergeOrdered(result, { name, order, change: rest.get(name), type });
    rest.delete(name);
  }
  for (const [key, value] of rest) {
    if (!key.startsWith(deleteFromList)) continue;
    rest.delete(key);
    removeFromList(result, key.slice(deleteFromList.length), { list: value, type });
  }
  for (const [key, change] of rest) mergeField(result, key, { change, type });
  return result;
}

/** The original without what `$retainKeys` does not name. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const list = getOwn(patch, retainKeys);
  if (list === undefined) return original;
  if (!Array.isArray(list)) throw new StrategicMergeError(badRetainKeys);
  const keep = new Set<unknown>(list);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === retainKeys || key.startsWith(deleteFromList) || key.startsWith(elementOrder)) continue;
    if (!keep.has(key)) throw new StrategicMergeError(badRetainKeys);
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keep.has(key)));
}

function mergeField(result: Record<string, JsonValue>, key: string, at: { change: JsonValue; type: ValueSchema | undefined }): void {
  const { change, type } = at;
  if (change === null) {
    delete result[key];
    return;
  }
  const before = getOwn(result, key);
  if (before === undefined || typeof before !== 'object' || before === null || goKind(before) !== goKind(change)) {
    const fresh = withoutDirectives(change, 0);
    if (fresh === undefined) delete result[key];
    else setOwn(result, key, fresh);
    return;
  }
  const merge = fieldMerge(type, key);
  if (merge.strategy === 'replace') setOwn(result, key, withoutDirectives(change, 0) ?? {});
  else if (Array.isArray(before)) setOwn(result, key, mergeList(before, change as JsonArray, merge));
  else setOwn(result, key, mergeObject(before as JsonObject, change as JsonObject, merge.value));
}

function mergeList(before: JsonArray, change: JsonArray, { value, strategy, mergeKey }: FieldMerge): JsonArray {
  if (strategy !== 'merge') return change;
  if (before.length === 0 && change.length === 0) return before;
  if (!ofObjects(before, change)) {
    const items = [...new Set([...before, ...change])];
    return orderList({ items, wanted: change, before, identity: (item) => item });
  }
  if (mergeKey === undefined) throw new StrategicMergeError('cannot merge lists without merge key for struct');
  const { kept, additions } = followDirectives(before as readonly JsonObject[], change as readonly JsonObject[], mergeKey);
  const items = mergeItems(kept, additions, { mergeKey, type: value?.kind === 'list' ? value.items : undefined });
  return orderList({ items, wanted: additions, before: kept, identity: (item) => keyOf(item, mergeKey) });
}

/** Whether the lists hold objects. @throws StrategicMergeError when they hold several types, or lists */
function ofObjects(before: JsonArray, change: JsonArray): boolean {
  let kind: string | undefined;
  for (const item of [...before, ...change]) {
    const own = goKind(item);
    if (kind === undefined && Array.isArray(item))
      throw new StrategicMergeError('lists of lists are not supported', { unprocessable: true });
    if (kind !== undefined && kind !== own) {
      throw new StrategicMergeError(`list element types are not identical: ${goPrint([before, change])}`);
    }
    kind = own;
  }
  return kind === 'map[string]interface {}';
}

/** Takes out what `$patch: delete` names; with `$patch: replace` only the patch's own items stay. */
function followDirectives(
  before: readonly JsonObject[],
  change: readonly JsonObject[],
  mergeKey: string,
): { kept: readonly JsonObject[]; additions: readonly JsonObject[] } {
  let kept = before;
  let replace = false;
  const additions: JsonObject[] = [];
  for (const item of change) {
    const how = getOwn(item, directive);
    if (how === undefined) {
      additions.push(item);
    } else if (how === 'delete') {
      const key = keyOf(item, mergeKey);
      kept = kept.filter((other) => getOwn(other, mergeKey) !== key);
    } else if (how === 'replace') {
      replace = true;
    } else if (how === 'merge') {
      throw new StrategicMergeError('merging lists cannot yet be specified in the patch');
    } else {
      throw unknownPatchType(how, item);
    }
  }
  return replace ? { kept: additions, additions: [] } : { kept, additions };
}

function mergeItems(
  before: readonly JsonObject[],
  change: readonly JsonObject[],
  { mergeKey, type }: { mergeKey: string; type: ValueSchema | undefined },
): JsonObject[] {
  const items = [...before];
  for (const item of change) {
    const key = keyOf(item, mergeKey);
    const at = items.findIndex((other) => getOwn(other, mergeKey) === key);
    if (at >= 0) items[at] = mergeObject(items[at]!, item, type);
    // An object without a `$patch` of its own stays an object.
    else items.push(withoutDirectives(item, 0) as JsonObject);
  }
  return items;
}

/** Merges a list and puts it in the order that `$setElementOrder` wants. */
function mergeOrdered(
  result: Record<string, JsonValue>,
  at: { name: string; order: JsonValue; change: JsonValue | undefined; type: ValueSchema | undefined },
): void {
  const { name, order, change, type } = at;
  if (!Array.isArray(order)) throw badType('[]interface {}', order);
  const before = getOwn(result, name);
  if (before !== undefined && !Array.isArray(before)) throw badType('[]interface {}', before);
  if (change !== undefined && !Array.isArray(change)) throw badType('[]interface {}', change);
  const wanted: JsonArray = order;
  const merge = fieldMerge(type, name);
  const { mergeKey } = merge;
  const identity = (item: JsonValue): JsonValue | undefined => (mergeKey === undefined ? item : keyOf(item, mergeKey));
  if (change !== undefined) checkOrder(change as JsonArray, wanted, mergeKey);
  if (before === undefined && change === undefined) return;
  const old = (before ?? []) as JsonArray;
  const fresh = (change ?? []) as JsonArray;
  const items = change === undefined ? old : before === undefined ? freshList(fresh) : mergeList(old, fresh, merge);
  if (mergeKey !== undefined) checkKeys(items, wanted, mergeKey);
  if (old.length === 0 && fresh.length === 0) throw new StrategicMergeError('no elements in any of the given slices');
  ofObjects(old, fresh);
  setOwn(result, name, orderList({ items, wanted, before: old, identity }));
}

function freshList(list: JsonArray): JsonArray {
  return (withoutDirectives(list, 0) ?? []) as JsonArray;
}

/** Every item of the patch must stand in the order, and in that order; but for those that are deleted, and directives on their way. */
function checkOrder(change: JsonArray, wanted: JsonArray, mergeKey: string | undefined): void {
  if (wanted.length === 0 || change.length === 0) return;
  const listed = mergeKey === undefined ? change : change.filter((item) => objectOf(item)[directive] !== 'delete');
  let [at, place] = [0, 0];
  while (at < listed.length && place < wanted.length) {
    const item = listed[at]!;
    if (isJsonObject(item) && Object.hasOwn(item, directive)) {
      at++;
      continue;
    }
    const other = wanted[place++]!;
    const isSame = mergeKey === undefined ? item === other : keyOf(item, mergeKey) === keyOf(objectOf(other), mergeKey);
    if (isSame) at++;
  }
  if (at < listed.length) {
    throw new StrategicMergeError(
      `The order in patch list:\n${goPrint(change)}\n doesn't match $setElementOrder list:\n${goPrint(wanted)}\n`,
    );
  }
}

/** @throws StrategicMergeError when an item cannot be looked up in the order */
function checkKeys(items: JsonArray, wanted: JsonArray, mergeKey: string): void {
  const odd = wanted.findIndex((item) => !isJsonObject(item));
  const keys = new Set((odd < 0 ? wanted : wanted.slice(0, odd)).map((item) => getOwn(item as JsonObject, mergeKey)));
  for (const item of items) {
    const key = keyOf(item, mergeKey);
    if (odd >= 0 && !keys.has(key)) throw new StrategicMergeError(`value for key ${odd} is not a map`);
  }
}

/** Takes members out of a list. What is no list on both sides is left alone, or is what the directive says. */
function removeFromList(result: Record<string, JsonValue>, name: string, at: { list: JsonValue; type: ValueSchema | undefined }): void {
  const { list, type } = at;
  const before = getOwn(result, name);
  if (list === null) delete result[name];
  if (list === null || before === undefined || goKind(before) !== goKind(list)) return;
  if (!Array.isArray(before) || !Array.isArray(list)) {
    mergeField(result, name, { change: list, type });
    return;
  }
  const [items, gone]: [JsonArray, JsonArray] = [before, list];
  if (items.length === 0 && gone.length === 0) return;
  if (ofObjects(items, gone)) {
    setOwn(result, name, mergeList(items, gone, { ...fieldMerge(type, name), strategy: 'merge' }));
    return;
  }
  const removed = new Set<JsonValue>(gone);
  setOwn(
    result,
    name,
    items.filter((item) => !removed.has(item)),
  );
}

/** How a field of `type` merges. @throws StrategicMergeError when a struct has no such field */
function fieldMerge(type: ValueSchema | undefined, name: string): FieldMerge {
  if (type?.kind === 'map') return { value: type.values, strategy: undefined, mergeKey: undefined };
  if (type?.kind !== 'object') return { value: undefined, strategy: undefined, mergeKey: undefined };
  const field = type.schema.fields.get(name);
  if (field === undefined) {
    throw new StrategicMergeError(
      `unable to find api field in struct ${structName(type.definition)} for the json field ${JSON.stringify(name)}`,
    );
  }
  const strategy = field.patchStrategy.find((word) => word !== 'retainKeys');
  return { value: field.value, strategy, mergeKey: field.patchMergeKey };
}

/**
 * A value that meets nothing to merge with: nulls mean nothing there, and the other directives are fields like any. Undefined for an
 * object that is a directive.
 */
function withoutDirectives(value: JsonValue, depth: number): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxTreeDepth) throw new StrategicMergeError('exceeded max depth');
  if (Array.isArray(value)) {
    return (value as JsonArray).map((item) => withoutDirectives(item, depth + 1)).filter((item) => item !== undefined);
  }
  const object = value as JsonObject;
  if (Object.hasOwn(object, directive)) return undefined;
  const result: Record<string, JsonValue> = {};
  for (const [key, inner] of Object.entries(object)) {
    if (inner === null || inner === undefined) continue;
    const kept = withoutDirectives(inner, depth + 1);
    if (kept !== undefined) setOwn(result, key, kept);
  }
  return result;
}

/** @throws StrategicMergeError when the item has no such key */
function keyOf(item: JsonValue, mergeKey: string): JsonValue {
  const key = getOwn(objectOf(item), mergeKey);
  if (key === undefined) throw new StrategicMergeError(`map: ${goPrint(item)} does not contain declared merge key: ${mergeKey}`);
  return key;
}

function objectOf(item: JsonValue): JsonObject {
  if (!isJsonObject(item)) throw badType('map[string]interface {}', item);
  return item;
}

function unknownPatchType(how: JsonValue, patch: JsonObject): StrategicMergeError {
  return new StrategicMergeError(`unknown patch type: ${goString(how)} in map: ${goPrint(patch)}`);
}

function badType(expected: string, actual: JsonValue | undefined): StrategicMergeError {
  return new StrategicMergeError(`expected a ${expected}, but received a ${goKind(actual)}`);
}

function omit(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}
