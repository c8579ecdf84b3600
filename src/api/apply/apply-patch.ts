/**
 * Server-side apply: merges a configuration into the live object, removes what its manager applied before and applies no more, and
 * refuses to change what others own unless forced.
 * @source apimachinery util/managedfields; structured-merge-diff merge/update.go Apply; KEP-555
 */
import { badRequest } from '../errors.ts';
import { deepEqual } from '../json/tree.ts';
import type { Draft, JsonObject, JsonValue } from '../object.ts';
import { decodeTree, type ObjectReferenceSchema } from '../schema/index.ts';
import { conflictError, conflictsBeyond } from './conflicts.ts';
import { difference, emptySet, equalSets, isEmptySet, recursiveDifference, union, type FieldSet } from './field-set.ts';
import { fieldsOfConfiguration, TypedValueError } from './fields-of.ts';
import { fieldsOfLastApplied, kubectlManager, lastAppliedOf, withLastApplied } from './last-applied.ts';
import { managerId, readManagers, writeManagers, type ManagedFieldsEntry, type Manager, type Managers } from './managers.ts';
import { merge } from './merge.ts';
import { takeOver, withoutSystemFields, type Outcome } from './ownership.ts';
import { prune } from './remove.ts';
import { resetFieldSet } from './reset-fields.ts';
import { isUnchanged, sameManagers } from './unchanged.ts';
import { afterUpdate, emptyObject, managedFieldsOf, objectType, type WriteContext } from './update-managed-fields.ts';

export interface ApplyRequest extends WriteContext {
  /** The stored object; undefined when the apply creates it. */
  readonly live: JsonObject | undefined;
  /** The configuration: the body as it was read, not decoded to the type. */
  readonly patch: JsonObject;
  /** The kind that the request's path serves. */
  readonly kind: string;
  readonly force: boolean;
}

export type ApplyResult =
  /** Nothing to write: the live object itself. */
  | { readonly unchanged: true; readonly object: JsonObject }
  /** A fresh object, not yet defaulted, with its new managedFields. */
  | { readonly unchanged: false; readonly object: Draft<JsonObject> };

const beforeFirstApply = 'before-first-apply';

/**
 * The object after the apply.
 * @throws ApiError Conflict when a field is another manager's, BadRequest when the configuration does not fit
 */
export function applyPatch(request: ApplyRequest): ApplyResult {
  checkConfiguration(request);
  const type = objectType(request.definition);
  const live = request.live ?? emptyObject(request.patch, type);
  const ignored = resetFieldSet(request.resetFields);
  const before = managersBefore(request);
  const config = configurationFields(request, type, ignored);
  const { object, outcome } = tryApply(request, { live, type, before, config, ignored });
  if (!request.force) refuseConflicts(request, live, type, outcome);
  return finish(request, { object, managers: outcome.managers, before });
}

/** @source structuredmerge.go Apply, versioncheck.go */
function checkConfiguration({ patch, apiVersion, kind }: ApplyRequest): void {
  const [version, named] = [text(patch['apiVersion']), text(patch['kind'])];
  if (named !== kind) throw badRequest(`invalid object type: ${printKind(version, named)}`);
  if (version !== apiVersion) {
    throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${version}, expected: ${apiVersion}`);
  }
  const metadata = patch['metadata'] as JsonObject | undefined;
  const managed = metadata?.['managedFields'];
  if (managed !== undefined && managed !== null) throw badRequest('metadata.managedFields must be nil');
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** As Go prints a group, version and kind. */
function printKind(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

/** Who manages the live object. What was written before anyone applied belongs to a manager of that name. */
function managersBefore(request: ApplyRequest): Managers {
  const { live } = request;
  const managers = readManagers(managedFieldsOf(live), { stored: true });
  if (managers.size > 0 || live === undefined) return managers;
  const bare = emptyObject(live, objectType(request.definition));
  const first = { ...request, manager: beforeFirstApply, live: undefined, updated: live };
  return afterUpdate(managers, first, bare) ?? managers;
}

function configurationFields(request: ApplyRequest, type: ObjectReferenceSchema, ignored: FieldSet): FieldSet {
  try {
    const fields = fieldsOfConfiguration(request.patch, type);
    return isEmptySet(ignored) ? fields : recursiveDifference(fields, ignored);
  } catch (error) {
    if (!(error instanceof TypedValueError)) throw error;
    const { name, namespace } = (request.patch['metadata'] ?? {}) as { name?: unknown; namespace?: unknown };
    const what = `${textOrNothing(namespace)}/${textOrNothing(name)}; ${printKind(request.apiVersion, request.kind)}`;
    throw badRequest(`failed to create typed patch object (${what}): ${error.message}`, { cause: error });
  }
}

/** Names are not checked yet when a fault is told. */
function textOrNothing(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

interface Applied {
  readonly object: JsonObject;
  readonly outcome: Outcome;
}

function tryApply(
  request: ApplyRequest,
  at: { live: JsonObject; type: ObjectReferenceSchema; before: Managers; config: FieldSet; ignored: FieldSet },
): Applied {
  const { live, type, before, config, ignored } = at;
  const { apiVersion, nowIso, convert } = request;
  const who = { name: request.manager, operation: 'Apply', apiVersion, subresource: request.subresource ?? '' } as const;
  const id = managerId(who);
  const last = before.get(id);
  // The type is an object's, so what comes out is one.
  const merged = merge(live, request.patch, type) as JsonObject;
  const managed = new Map<string, FieldSet>([[apiVersion, config]]);
  for (const [other, manager] of before) {
    if (other !== id) managed.set(manager.apiVersion, union(managed.get(manager.apiVersion) ?? emptySet, manager.fields));
  }
  const object = last === undefined ? merged : prune({ merged: { object: merged, type }, apiVersion, last, managed, convert });
  const outcome =
    object === live
      ? { managers: new Map([...before].filter(([other]) => other !== id)), conflicts: [], comparison: sameComparison }
      : takeOver(before, { before: live, after: object, type, apiVersion, ignored, convert }, id);
  const fields = withoutSystemFields(config);
  if (!isEmptySet(fields)) {
    // An apply that says nothing new has no time of its own, whoever says it.
    const entry = { ...who, time: deepEqual(live, object) ? last?.time : nowIso };
    const mine: Manager = last && equalSets(last.fields, fields) ? { ...entry, fields: last.fields } : { ...entry, fields };
    outcome.managers.set(id, mine);
  }
  return { object, outcome };
}

const sameComparison = { added: emptySet, modified: emptySet, removed: emptySet };

/** kubectl may take over what its own client-side apply set; anything else needs force. */
function refuseConflicts(request: ApplyRequest, live: JsonObject, type: ObjectReferenceSchema, outcome: Outcome): void {
  if (outcome.conflicts.length === 0) return;
  if (request.manager !== kubectlManager || request.live === undefined) throw conflictError(outcome.conflicts);
  const allowed = fieldsOfLastApplied(live, type);
  const left = conflictsBeyond(outcome.conflicts, (fields) => difference(fields, allowed));
  if (left.length > 0) throw conflictError(left);
}

function finish(request: ApplyRequest, applied: { object: JsonObject; managers: Map<string, Manager>; before: Managers }): ApplyResult {
  const { live } = request;
  const keepsAnnotation = request.manager === kubectlManager && lastAppliedOf(applied.object) !== undefined;
  const object = keepsAnnotation ? withLastApplied(applied.object, request.patch) : applied.object;
  const sameFields = sameManagers(applied.before, applied.managers);
  if (live !== undefined && sameFields && object === live) return { unchanged: true, object: live };
  const result = withManagers(object, writeManagers(applied.managers), request);
  // What the configuration says in other words (an empty map, another zone) is the same once it is read.
  if (live !== undefined && sameFields && isUnchanged(live, result)) return { unchanged: true, object: live };
  return { unchanged: false, object: result };
}

/** The object read as its type, so that the caller may default it and change it. */
function withManagers(object: JsonObject, managedFields: readonly ManagedFieldsEntry[], request: ApplyRequest): Draft<JsonObject> {
  const metadata = { ...(object['metadata'] as JsonObject) };
  delete metadata['managedFields'];
  const decoded = decodeTree({ ...object, metadata }, objectType(request.definition).schema, { fieldValidation: 'Ignore' }).object;
  const own = (decoded['metadata'] ??= {}) as Record<string, Draft<JsonValue>>;
  // Entries are shared with others and changed by nobody; only the list is the object's own.
  if (managedFields.length > 0) own['managedFields'] = managedFields as unknown as Draft<JsonValue>;
  return decoded;
}
