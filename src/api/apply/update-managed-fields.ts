/**
 * Ownership after a create, update or patch: the writer takes what it changed. Never fails: an object whose managedFields cannot be
 * read is written all the same.
 * @source apimachinery util/managedfields/internal/{fieldmanager,managedfieldsupdater,skipnonapplied}.go
 */
import { deepEqual, isJsonObject } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { goFieldOf, schemaOf, type FieldSchema, type ObjectReferenceSchema, type ObjectSchema, type ValueSchema } from '../schema/index.ts';
import { difference, isEmptySet, recursiveDifference, union, type FieldSet } from './field-set.ts';
import {
  ManagedFieldsError,
  managerId,
  readManagers,
  writeManagers,
  type ManagedFieldsEntry,
  type Manager,
  type Managers,
} from './managers.ts';
import { capUpdateManagers, takeOver, withoutSystemFields, type VersionConverter } from './ownership.ts';
import { resetFieldSet } from './reset-fields.ts';

/** Who writes, and how the server sees the write. */
export interface WriteContext {
  /** A definition of the schema, or a schema of one's own. */
  readonly definition: string | ObjectSchema;
  /** The version in which the object is written, such as `apps/v1`. */
  readonly apiVersion: string;
  /** The field manager: the request's own, or the first word of its user agent. */
  readonly manager: string;
  /** The subresource that is written; empty or absent for the object itself. */
  readonly subresource?: string | undefined;
  /** Now, as RFC 3339 in UTC with whole seconds. */
  readonly nowIso: string;
  /** Dotted paths that this request cannot write, such as `status`: the strategy resets them. */
  readonly resetFields?: readonly string[] | undefined;
  /** For kinds that are served in several versions; without it every version is taken for the same. */
  readonly convert?: VersionConverter | undefined;
}

export interface UpdateRequest extends WriteContext {
  /** The stored object; undefined when this write creates it. */
  readonly live: JsonObject | undefined;
  /** The object as it will be, before admission and before the strategy's preparation. */
  readonly updated: JsonObject;
}

/** The managedFields of the updated object; empty when the object is not tracked. The live list itself when nothing changed. */
export function updateManagedFields(request: UpdateRequest): readonly ManagedFieldsEntry[] {
  const { live, updated } = request;
  const list = listBefore(request);
  const isStored = list === managedFieldsOf(live);
  const before = readOrNone(list, isStored);
  // An object that nobody manages (its fields were reset) is tracked again from the next apply on.
  if (before.size === 0 && live !== undefined) return [];
  const managers = afterUpdate(before, request, live ?? emptyObject(updated, objectType(request.definition)));
  if (managers === undefined && isStored) return list;
  return writeManagers(managers ?? before);
}

/** The managers after the update; undefined when it changed no field. */
export function afterUpdate(before: Managers, request: UpdateRequest, live: JsonObject): Map<string, Manager> | undefined {
  const { updated, apiVersion, manager, subresource, nowIso, convert } = request;
  const ignored = resetFieldSet(request.resetFields);
  const type = objectType(request.definition);
  const who = { name: manager, operation: 'Update', apiVersion, subresource: subresource ?? '' } as const;
  const id = managerId(who);
  const change = { before: live, after: updated, type, apiVersion, ignored, convert };
  const { managers, comparison } = takeOver(before, change, id);
  const mine = withoutSystemFields(withoutIgnored(union(comparison.modified, comparison.added), ignored));
  const previous = before.get(id);
  const kept = previous && difference(previous.fields, comparison.removed);
  if (!isEmptySet(mine)) {
    // Put to what it had, so that a writer of the same fields over and over has the same set over and over.
    managers.set(id, { ...previous, ...who, time: nowIso, fields: kept === undefined ? mine : union(kept, mine) });
  } else if (previous && !isEmptySet(kept!)) {
    managers.set(id, kept === previous.fields ? previous : { ...previous, fields: kept! });
  }
  if (isEmptySet(mine) && sameEntries(before, managers)) return undefined;
  capUpdateManagers(managers);
  return managers;
}

function withoutIgnored(fields: FieldSet, ignored: FieldSet): FieldSet {
  return isEmptySet(ignored) ? fields : recursiveDifference(fields, ignored);
}

/** Managers that lost nothing are the very same. */
function sameEntries(a: Managers, b: Managers): boolean {
  return a.size === b.size && [...a].every(([id, manager]) => b.get(id) === manager);
}

export function managedFieldsOf(object: JsonObject | undefined): readonly ManagedFieldsEntry[] {
  // The decoder gave the list this shape.
  return ((object?.['metadata'] as JsonObject | undefined)?.['managedFields'] ?? none) as unknown as readonly ManagedFieldsEntry[];
}

/** The managedFields that the request speaks of: its own, unless it has none or may not say; a reset has none. */
function listBefore({ live, updated, subresource }: UpdateRequest): readonly ManagedFieldsEntry[] {
  const liveList = managedFieldsOf(live);
  if (subresource) return liveList;
  const metadata = updated['metadata'] as JsonObject | undefined;
  const given = metadata?.['managedFields'] as unknown as readonly ManagedFieldsEntry[] | undefined;
  if (isReset(given)) return none;
  if (given === undefined || deepEqual(given, liveList)) return liveList;
  return readOrNone(given, false).size === 0 ? liveList : given;
}

const none: readonly ManagedFieldsEntry[] = [];

/** A list of one empty entry, or an empty list, asks for a reset. */
function isReset(list: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (list === undefined) return false;
  return list.length === 0 || (list.length === 1 && Object.keys(list[0]!).length === 0);
}

function readOrNone(list: readonly ManagedFieldsEntry[], stored: boolean): Managers {
  try {
    return readManagers(list, { stored });
  } catch (error) {
    if (error instanceof ManagedFieldsError) return new Map();
    throw error;
  }
}

const types = new WeakMap<ObjectSchema, ObjectReferenceSchema>();

/** The type of whole objects of a definition; the same every time. */
export function objectType(definition: string | ObjectSchema): ObjectReferenceSchema {
  const schema = typeof definition === 'string' ? schemaOf(definition) : definition;
  const known = types.get(schema);
  if (known) return known;
  const type: ObjectReferenceSchema = { kind: 'object', definition: schema.definition, schema, mapType: schema.mapType };
  types.set(schema, type);
  return type;
}

const standing = new WeakMap<ObjectSchema, readonly FieldSchema[]>();

/** Fields that Go writes even when nothing is in them: structs by value, and what is not left out when it is zero. */
function standingFields(schema: ObjectSchema): readonly FieldSchema[] {
  const known = standing.get(schema);
  if (known) return known;
  const fields = [...schema.fields.values()].filter(({ name }) => goFieldOf(schema.definition, name).isAlwaysSaid);
  standing.set(schema, fields);
  return fields;
}

/** What an object of that kind is before it is created. Nobody comes to own what stands in every object as long as it is zero. */
export function emptyObject(object: JsonObject, type: ObjectReferenceSchema): JsonObject {
  const empty: Record<string, JsonValue> = {};
  for (const { name, value } of standingFields(type.schema)) {
    const inner = object[name];
    if (inner === undefined || inner === null) continue;
    const zero = zeroOf(inner, value);
    if (zero !== undefined) empty[name] = zero;
  }
  return empty;
}

function zeroOf(inner: JsonValue, value: ValueSchema): JsonValue | undefined {
  switch (value.kind) {
    case 'object':
      return isJsonObject(inner) ? emptyObject(inner, value) : undefined;
    case 'list':
      return [];
    case 'map':
      return {};
    case 'string':
    case 'bytes':
      return '';
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'number':
      return 0;
    case 'special':
      return value.special === 'IntOrString' ? 0 : value.special === 'Quantity' ? '0' : undefined;
    default:
      return undefined;
  }
}
