/** CREATE, UPDATE and DELETE of any resource. Patches stand in `patch.ts`, the scale subresource in `scale.ts`. */
import { badRequest, conflict, type Draft, type JsonObject, type KubeObject } from '../../api/index.ts';
import { isJsonObject } from '../../api/json/index.ts';
import { decodeObject } from '../../api/schema/index.ts';
import { createObject } from '../registry/creation.ts';
import { deleteObject } from '../registry/deletion.ts';
import { returnsDeletedObject } from '../registry/deletion-rules.ts';
import { matchName } from '../registry/metadata.ts';
import type { StorageDeps } from '../registry/storage-deps.ts';
import { uidMismatch, updateObject } from '../registry/updating.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Answer } from './answer.ts';
import { type BodyKind, bodyDecoder, isEmptyBody, parseBody } from './body.ts';
import { deleteOptions, listOptions, writeOptions } from './options.ts';
import { selectionOf } from '../cache/selection.ts';
import type { DeleteOptions } from '../storage.ts';
import type { VerbRequest } from './verb-request.ts';

/** What the body of a request on the object itself, or on a part of it, has to be. */
export function bodyKindOf({ definition }: ResourceView): BodyKind {
  const { group, version, kind, schema, strategy } = definition;
  return { group, version, kind, schema, applyDefaults: strategy.applyDefaults };
}

export async function createVerb(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, query, op, namespace } = request;
  const options = writeOptions(query, 'CreateOptions', request.userAgent);
  const kind = bodyKindOf(view);
  const draft = bodyDecoder(parseBody(await request.body(), kind, deps), kind, options, op)();
  const object = await createObject(deps, view, { draft, namespace, options }, op);
  return { type: 'stored', status: 201, view, object };
}

export async function updateVerb(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, query, op, namespace, name, subresource } = request;
  const options = writeOptions(query, 'UpdateOptions', request.userAgent);
  const kind = bodyKindOf(view);
  const decode = bodyDecoder(parseBody(await request.body(), kind, deps), kind, options, op);
  // A fault of the body comes before any fault of what is stored.
  let first: ReturnType<typeof decode> | undefined = decode();
  requireName(first.metadata, name);
  const produce = (): ReturnType<typeof decode> => {
    const draft = first ?? decode();
    first = undefined;
    return draft;
  };
  const create = (): ReturnType<typeof createObject> => {
    const draft = produce();
    const { uid } = draft.metadata;
    // It speaks of an object that was there: not of one to be made.
    if (uid) {
      const why = uidMismatch(view, { namespace, name }, { wanted: uid, found: '' });
      throw conflict({ group: view.definition.group, resource: view.definition.plural, name }, why);
    }
    return createObject(deps, view, { draft, namespace, options }, op);
  };
  const mayCreate = subresource === '' && view.definition.strategy.allowCreateOnUpdate === true;
  const result = await updateObject(
    deps,
    view,
    {
      key: { namespace, name },
      subresource,
      options,
      produce,
      createInstead: mayCreate ? create : undefined,
    },
    op,
  );
  return { type: 'stored', status: result.created ? 201 : 200, view, object: result.object };
}

export async function deleteVerb(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, query, op, namespace, name } = request;
  const options = deleteOptions(query, await optionsBody(deps, request), request.userAgent);
  warnOfOrphans(view, options, op);
  const { object, gone } = await deleteObject(deps, view, { key: { namespace, name }, options }, op);
  if (gone && !returnsDeletedObject(view.definition)) {
    return { type: 'object', status: 200, object: deletedStatus(view, name, object.object.metadata.uid) };
  }
  return { type: 'stored', status: 200, view, object };
}

/** Says what becomes of dependents when the client did not. @source batch/job/storage/storage.go */
function warnOfOrphans({ definition }: ResourceView, options: DeleteOptions, op: VerbRequest['op']): void {
  const warning = definition.strategy.orphansDependents?.warning;
  if (warning !== undefined && options.propagationPolicy === undefined) op.warn(warning);
}

/** @source store.go finalizeDelete */
function deletedStatus({ definition }: ResourceView, name: string, uid: string): JsonObject {
  const group = definition.group === '' ? {} : { group: definition.group };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...group, kind: definition.plural, uid },
  };
}

/** An update names its object. @throws ApiError BadRequest @source endpoints/handlers/rest.go checkName */
export function requireName(metadata: Draft<KubeObject>['metadata'], name: string): void {
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  matchName(metadata, name);
}

const deleteOptionsKind = { kind: 'DeleteOptions', schema: 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions' };

async function optionsBody(deps: StorageDeps, request: VerbRequest): Promise<unknown> {
  const body = await request.body();
  if (isEmptyBody(body)) return undefined;
  const { value } = parseBody(body, deleteOptionsKind, deps);
  if (value === null) return undefined;
  request.op.audit?.requested(value);
  // Any version of the options is taken; what is no object is refused by `deleteOptions`.
  return isJsonObject(value) ? decodeObject(value, deleteOptionsKind.schema, { fieldValidation: 'Ignore' }).object : value;
}

/** Objects deleted at once by one collection request. @source store.go deleteCollection workers */
const deleteWorkers = 16;

/** Deletes what a list finds; objects that others deleted meanwhile are fine. Answers with the list as it was. */
export async function deleteCollectionVerb(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, query, op, namespace } = request;
  const options = deleteOptions(query, await optionsBody(deps, request), request.userAgent);
  warnOfOrphans(view, options, op);
  const lists = listOptions(query, false);
  const selection = selectionOf(view.definition, { namespace, name: '' }, lists);
  const page = await deps.lists.read(view.collection, { selection, ...lists });
  const waiting = [...page.objects].reverse();
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const key = { namespace: next.namespace, name: next.name };
      await deleteObject(deps, view, { key, options }, op).catch((error: unknown) => {
        if ((error as { reason?: unknown }).reason !== 'NotFound') throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(deleteWorkers, waiting.length) }, work));
  return { type: 'list', view, page };
}
