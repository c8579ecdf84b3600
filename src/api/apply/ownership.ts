/**
 * What a change of an object does to the managers: who changes a field takes it, what is gone belongs to nobody, and system metadata
 * belongs to nobody ever.
 * @source structured-merge-diff merge/update.go; apimachinery util/managedfields/internal/{stripmeta,capmanagers}.go
 */
import type { JsonObject } from '../object.ts';
import type { ValueSchema } from '../schema/index.ts';
import { compare, type Comparison } from './compare.ts';
import type { Conflict } from './conflicts.ts';
import { difference, emptySet, intersection, isEmptySet, recursiveDifference, setOfPath, union, type FieldSet } from './field-set.ts';
import { compareText, managerId, seconds, type Manager, type Managers } from './managers.ts';
import { fieldElement } from './path-element.ts';

/** Entries of updaters that one object keeps; the oldest beyond are put together. */
export const maxUpdateManagers = 10;

const oldUpdatesManager = 'ancient-changes';

/** An object and its type in one API version. */
export interface Versioned {
  readonly object: JsonObject;
  readonly type: ValueSchema;
}

/** The object in another version; undefined when that version is not served any more. */
export type VersionConverter = (object: JsonObject, apiVersion: string) => Versioned | undefined;

export interface Change {
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly type: ValueSchema;
  readonly apiVersion: string;
  /** Fields that this request cannot write, with all that is below them. */
  readonly ignored: FieldSet;
  readonly convert?: VersionConverter | undefined;
}

export interface Outcome {
  /** The other managers without what changed under them. */
  readonly managers: Map<string, Manager>;
  readonly conflicts: readonly Conflict[];
  /** What changed, without what is ignored. */
  readonly comparison: Comparison;
}

/** What a change takes from every manager but `applying`, whose own fields are the caller's to decide. */
export function takeOver(managers: Managers, change: Change, applying?: string): Outcome {
  const comparison = compareIn(change);
  const versions = new Map<string, Seen>([[change.apiVersion, { comparison, set: union(comparison.modified, comparison.added) }]]);
  const left = new Map<string, Manager>();
  const conflicts: Conflict[] = [];
  for (const [id, manager] of managers) {
    if (id === applying) continue;
    const seen = versions.get(manager.apiVersion) ?? seenIn(change, manager.apiVersion);
    if (seen === undefined) continue;
    versions.set(manager.apiVersion, seen);
    const { comparison: own, set } = seen;
    const taken = isEmptySet(set) ? emptySet : intersection(manager.fields, set);
    if (!isEmptySet(taken)) conflicts.push({ manager, fields: taken });
    const fields = difference(difference(manager.fields, taken), own.removed);
    if (!isEmptySet(fields)) left.set(id, fields === manager.fields ? manager : { ...manager, fields });
  }
  return { managers: left, conflicts, comparison };
}

function compareIn({ before, after, type, ignored }: Pick<Change, 'before' | 'after' | 'type' | 'ignored'>): Comparison {
  const found = compare(withoutManagedFields(before), withoutManagedFields(after), type);
  if (isEmptySet(ignored)) return found;
  return {
    added: recursiveDifference(found.added, ignored),
    modified: recursiveDifference(found.modified, ignored),
    removed: recursiveDifference(found.removed, ignored),
  };
}

/** A change as one version sees it. */
interface Seen {
  readonly comparison: Comparison;
  /** The fields that the change gives a value. */
  readonly set: FieldSet;
}

/** Undefined when the version is no longer served. */
function seenIn(change: Change, apiVersion: string): Seen | undefined {
  const comparison = compareConverted(change, apiVersion);
  return comparison && { comparison, set: union(comparison.modified, comparison.added) };
}

function compareConverted(change: Change, apiVersion: string): Comparison | undefined {
  if (change.convert === undefined) return compareIn(change);
  const [before, after] = [change.convert(change.before, apiVersion), change.convert(change.after, apiVersion)];
  if (before === undefined || after === undefined) return undefined;
  return compareIn({ before: before.object, after: after.object, type: after.type, ignored: change.ignored });
}

/** The object without the record of who manages it, which nobody manages. */
export function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = object['metadata'] as JsonObject | undefined;
  if (metadata?.['managedFields'] === undefined) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}

const systemMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];
const unowned = [
  setOfPath([fieldElement('apiVersion')]),
  setOfPath([fieldElement('kind')]),
  setOfPath([fieldElement('metadata')]),
  ...systemMetadata.map((name) => setOfPath([fieldElement('metadata'), fieldElement(name)])),
].reduce(union, emptySet);

/** The fields without those that belong to the system. */
export function withoutSystemFields(fields: FieldSet): FieldSet {
  return difference(fields, unowned);
}

/** Puts the oldest updaters of a version together until few enough are left. */
export function capUpdateManagers(managers: Map<string, Manager>): void {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let count = updaters.length;
  if (count <= maxUpdateManagers) return;
  const oldestFirst = updaters.toSorted(([a, first], [b, second]) => seconds(first) - seconds(second) || compareText(a, b));
  const firstOfVersion = new Map<string, string>();
  for (const [id, manager] of oldestFirst) {
    if (count <= maxUpdateManagers) return;
    const { apiVersion, time } = manager;
    const bucket: Manager = { name: oldUpdatesManager, operation: 'Update', apiVersion, subresource: '', time, fields: manager.fields };
    const bucketId = managerId(bucket);
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, id);
      continue;
    }
    const together = managers.get(bucketId) ?? managers.get(first)!;
    managers.delete(first);
    managers.delete(id);
    managers.set(bucketId, { ...bucket, fields: union(together.fields, manager.fields) });
    count--;
  }
}
