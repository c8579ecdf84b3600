/**
 * Whether a write would change anything that anyone cares about: the time of a manager's entry alone is no change, so such a write is
 * not stored and no watcher hears of it.
 * @source apimachinery util/managedfields IgnoreManagedFieldsTimestampsTransformer
 */
import { deepEqual } from '../json/tree.ts';
import type { JsonObject } from '../object.ts';
import { ManagedFieldsError, readManagers, type Manager, type Managers } from './managers.ts';
import { withoutManagedFields } from './ownership.ts';
import { managedFieldsOf } from './update-managed-fields.ts';

/** Both objects whole, as they are stored and as they would be. */
export function isUnchanged(live: JsonObject, updated: JsonObject): boolean {
  return sameManagedFields(live, updated) && deepEqual(withoutManagedFields(live), withoutManagedFields(updated));
}

function sameManagedFields(live: JsonObject, updated: JsonObject): boolean {
  const [before, after] = [managedFieldsOf(live), managedFieldsOf(updated)];
  if (before === after) return true;
  try {
    return sameManagers(readManagers(before), readManagers(after));
  } catch (error) {
    if (error instanceof ManagedFieldsError) return deepEqual(before, after);
    throw error;
  }
}

/** Whether the same managers own the same fields, at whatever time they took them. */
export function sameManagers(a: Managers, b: Managers): boolean {
  if (a.size !== b.size) return false;
  for (const [id, manager] of a) {
    const other = b.get(id);
    if (other === undefined || !sameEntry(manager, other)) return false;
  }
  return true;
}

function sameEntry(a: Manager, b: Manager): boolean {
  return a.apiVersion === b.apiVersion && (a.fields === b.fields || deepEqual(a.fields, b.fields));
}
