/**
 * The managers of an object: `metadata.managedFields` read into sets of fields and written back in upstream's order.
 * @source apimachinery util/managedfields/internal/managedfields.go
 */
import { isJsonObject } from '../json/tree.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { emptySet, isEmptySet, type FieldSet } from './field-set.ts';
import { intern, internedTree } from './interned-sets.ts';

export type Operation = 'Apply' | 'Update';

/** One entry of managedFields as the wire has it. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: JsonObject;
  readonly subresource?: string;
}

export interface Manager {
  readonly name: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource: string;
  /** When the entry last changed; undefined when nobody said. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
  /** The stored entry that it was read from; written again as it is while it is true. */
  readonly entry?: ManagedFieldsEntry;
}

/** Managers by their identity: several entries of one name stand apart by operation, version and subresource. */
export type Managers = ReadonlyMap<string, Manager>;

/** managedFields that say what they may not. */
export class ManagedFieldsError extends Error {
  override readonly name = 'ManagedFieldsError';
}

/** An applier is itself in whatever version it applies; an updater is another one in each version. */
export function managerId(manager: Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const { name, operation, apiVersion, subresource } = manager;
  const version = operation === 'Update' ? `,"apiVersion":${JSON.stringify(apiVersion)}` : '';
  const part = subresource === '' ? '' : `,"subresource":${JSON.stringify(subresource)}`;
  return `{"manager":${JSON.stringify(name)},"operation":"${operation}"${version}${part}}`;
}

/**
 * Reads managedFields.
 * @param list.stored they were written by `writeManagers`, so entries that stay true may be written again as they are
 * @throws ManagedFieldsError
 */
export function readManagers(list: readonly ManagedFieldsEntry[], options?: { readonly stored: boolean }): Managers {
  const managers = new Map<string, Manager>();
  for (const entry of list) {
    const manager = readEntry(entry);
    managers.set(managerId(manager), options?.stored ? { ...manager, entry } : manager);
  }
  return managers;
}

function readEntry(entry: ManagedFieldsEntry): Manager {
  const { operation, apiVersion, fieldsV1 } = entry;
  if (operation !== 'Apply' && operation !== 'Update') {
    throw new ManagedFieldsError(`operation is \`${operation ?? ''}\` but should be "Apply" or "Update"`);
  }
  if (!apiVersion) throw new ManagedFieldsError('apiVersion must be set');
  return {
    name: entry.manager ?? '',
    operation,
    apiVersion,
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields: fieldsV1 === undefined ? emptySet : readFields(fieldsV1),
  };
}

/** A tree of path elements is a set as it stands, once it is known to be one; what is interned was looked at before. */
function readFields(tree: JsonObject): FieldSet {
  const known = internedTree(tree);
  if (known) return known;
  checkFields(tree);
  // Proven by the check.
  return intern(tree as unknown as FieldSet);
}

function checkFields(tree: JsonValue | undefined): void {
  if (!isJsonObject(tree)) throw new ManagedFieldsError('fieldsV1 must be an object');
  for (const [key, child] of Object.entries(tree)) {
    if (key !== '.' && !/^f:|^[kvi]:/.test(key))
      throw new ManagedFieldsError(`missing colon or unknown key type in path element ${JSON.stringify(key)}`);
    if (key[0] === 'k' || key[0] === 'v' || key[0] === 'i') checkJson(key);
    checkFields(child);
  }
}

function checkJson(element: string): void {
  try {
    const value = JSON.parse(element.slice(2)) as unknown;
    if (element[0] === 'k' && (typeof value !== 'object' || value === null)) throw new SyntaxError('not an object');
  } catch (error) {
    throw new ManagedFieldsError(`parsing path element ${JSON.stringify(element)}: ${String(error)}`, { cause: error });
  }
}

/** managedFields of these managers; those without fields are left out. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] {
  const list: Manager[] = [];
  for (const manager of managers.values()) if (!isEmptySet(manager.fields)) list.push(manager);
  if (list.length > 1) list.sort(compareManagers);
  return list.map(writeEntry);
}

function writeEntry(manager: Manager): ManagedFieldsEntry {
  const fieldsV1 = intern(manager.fields) as unknown as JsonObject;
  const { entry } = manager;
  if (entry !== undefined && entry.fieldsV1 === fieldsV1 && entry.time === manager.time) return entry;
  return {
    ...(manager.name !== '' && { manager: manager.name }),
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time !== undefined && { time: manager.time }),
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(manager.subresource !== '' && { subresource: manager.subresource }),
  };
}

/** Appliers first, then the older, then by name. */
function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    (a.time === b.time ? 0 : seconds(a) - seconds(b)) ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The time of the entry in seconds, 0 when it has none. */
export function seconds({ time }: Pick<Manager, 'time'>): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}
