/**
 * Changes objects: one loop for PUT, every patch, server-side apply and subresources. Each round starts from the newest version and
 * makes the new object from it; it is written if nobody was faster, otherwise the next round begins.
 * @source apiserver endpoints/handlers/update.go, patch.go, registry/generic/registry/store.go
 */
import {
  type Draft,
  invalid,
  fieldErrors,
  isApiError,
  type KubeObject,
  notFound,
  staleVersion,
  type SubresourceDefinition,
  conflict,
  validateObjectMeta,
  validateObjectMetaUpdate,
  timedOut,
} from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { HookOutcome } from '../extension.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Operation, StorageKey, WriteOptions } from '../storage.ts';
import { isFinished } from './deletion-rules.ts';
import { keepSystemFields, matchNamespace, nextGeneration } from './metadata.ts';
import { admissionRequest, collectionKey, leaseFor, type StorageDeps, strategyContext } from './storage-deps.ts';

/** Rounds against other writers before a request gives up. Each lost round means that somebody else made progress. */
const maxRounds = 50;

export interface UpdateRequest {
  readonly key: StorageKey;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly options: WriteOptions;
  /**
   * Makes the new object, a draft of its own on every call, from the live one (as the view serves it). Returns undefined to leave
   * it as it is. May throw ApiError.
   */
  readonly produce: (live: KubeObject) => Draft<KubeObject> | undefined;
  /** Creates the object when it does not exist; undefined: NotFound. */
  readonly createInstead?: (() => Promise<StoredObject>) | undefined;
  /** Managed fields are in the new object already. */
  readonly fieldsManaged?: boolean;
  /** For changes of the server itself: no admission, no preparation, no validation. */
  readonly trusted?: boolean;
}

export interface UpdateResult {
  readonly object: StoredObject;
  readonly created: boolean;
}

/** @throws ApiError NotFound, Conflict, Invalid, and whatever admission refuses with */
export async function updateObject(deps: StorageDeps, view: ResourceView, request: UpdateRequest, op: Operation): Promise<UpdateResult> {
  const key = collectionKey(view, request.key);
  let live = view.collection.get(key);
  let certain = false;
  if (!live) {
    await deps.cache.fresh();
    live = view.collection.get(key);
    certain = true;
  }
  for (let round = 0; round < maxRounds; round++) {
    if (!live) {
      if (!request.createInstead) throw missing(view, request.key.name);
      const made = await unlessExists(request.createInstead());
      if (made) return { object: made, created: true };
      // Somebody else was first: the next round changes what he made.
      await deps.cache.fresh();
      live = view.collection.get(key);
      certain = true;
      continue;
    }
    const attempt: Attempt = await tryUpdate(deps, view, request, live, op).catch(async (error: unknown) => {
      if (certain || !isApiError(error)) throw error;
      // The cache may be behind a remote store: a refusal counts only against the newest version.
      await deps.cache.fresh();
      const newest = view.collection.get(key);
      if (newest === live) throw error;
      return { type: 'again', live: newest };
    });
    if (attempt.type === 'done') return { object: attempt.object, created: false };
    live = attempt.live;
    certain = true;
  }
  throw timedOut('too many other writers changed the object');
}

function unlessExists<T>(creating: Promise<T>): Promise<T | undefined> {
  return creating.catch((error: unknown) => {
    if (isApiError(error, 'AlreadyExists')) return undefined;
    throw error;
  });
}

type Attempt =
  | { readonly type: 'done'; readonly object: StoredObject }
  | { readonly type: 'again'; readonly live: StoredObject | undefined };

async function tryUpdate(
  deps: StorageDeps,
  view: ResourceView,
  request: UpdateRequest,
  live: StoredObject,
  op: Operation,
): Promise<Attempt> {
  const old = view.objectOf(live);
  const draft = request.produce(old);
  if (!draft) return { type: 'done', object: live };
  if (request.trusted) return write(deps, view, request, { live, old, draft, outcome: undefined }, op);
  checkIdentity(view, draft, old);
  if (!request.fieldsManaged) {
    deps.fields.update(view, old, draft, { manager: request.options.fieldManager ?? '', subresource: request.subresource });
  }
  const { subresource, options } = request;
  const { namespace, name } = request.key;
  const admitting = admissionRequest(view, 'UPDATE', { subresource, namespace, name, object: draft, oldObject: old, options }, op);
  await deps.admission.mutate(admitting, deps.admissionContext);
  checkVersion(view, draft, old);
  prepare(deps, view, subresource, { draft, old }, op);
  const begun = subresource === '' ? deps.hooks(view.definition)?.beginUpdate?.(draft, old, options, op) : undefined;
  const outcome = begun instanceof Promise ? await begun : begun;
  try {
    validate(deps, view, subresource, { draft, old }, op);
    await deps.admission.validate(admitting, deps.admissionContext);
    return await write(deps, view, request, { live, old, draft, outcome }, op);
  } catch (error) {
    outcome?.abandoned();
    throw error;
  }
}

/** A body that names another uid is about another object. */
function checkIdentity(view: ResourceView, draft: Draft<KubeObject>, old: KubeObject): void {
  const { definition } = view;
  const { uid, name } = draft.metadata;
  if (uid && uid !== old.metadata.uid) {
    throw conflict(
      { group: definition.group, resource: definition.plural, name },
      uidMismatch(view, { namespace: old.metadata.namespace ?? '', name }, { wanted: uid, found: old.metadata.uid }),
    );
  }
}

/** The failed precondition as the store words it upstream. */
export function uidMismatch(view: ResourceView, key: StorageKey, uid: { readonly wanted: string; readonly found: string }): string {
  return (
    `StorageError: invalid object, Code: 4, Key: ${view.collection.prefix}${collectionKey(view, key)}, ResourceVersion: 0, ` +
    `AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid.wanted}, UID in object meta: ${uid.found}`
  );
}

/** Optimistic concurrency: the version that the client read must be the live one. */
function checkVersion(view: ResourceView, draft: Draft<KubeObject>, old: KubeObject): void {
  const { definition } = view;
  const { resourceVersion, name } = draft.metadata;
  if (!resourceVersion || resourceVersion === '0') {
    if (definition.strategy.allowUnconditionalUpdate === false) {
      throw invalid({ group: definition.group, resource: definition.plural, name }, [
        fieldErrors.invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
      ]);
    }
    draft.metadata.resourceVersion = old.metadata.resourceVersion;
  } else if (resourceVersion !== old.metadata.resourceVersion) {
    throw staleVersion({ group: definition.group, resource: definition.plural, name });
  }
}

interface Change {
  readonly draft: Draft<KubeObject>;
  readonly old: KubeObject;
}

/** The strategy of what is written: the kind's own, or the subresource's. */
function strategyOf({ definition }: ResourceView, subresource: string): SubresourceDefinition['strategy'] {
  return subresource === '' ? definition.strategy : definition.subresources.find(({ name }) => name === subresource)?.strategy;
}

function prepare(deps: StorageDeps, view: ResourceView, subresource: string, { draft, old }: Change, op: Operation): void {
  matchNamespace(view.definition, draft.metadata, old.metadata.namespace ?? '');
  strategyOf(view, subresource)?.prepareForUpdate?.(draft, old, strategyContext(deps, op, subresource));
  keepSystemFields(draft.metadata, old.metadata);
}

function validate(deps: StorageDeps, view: ResourceView, subresource: string, { draft, old }: Change, op: Operation): void {
  const { definition } = view;
  nextGeneration(definition, draft, old);
  const errors = [
    ...validateObjectMeta(draft.metadata, { namespaced: definition.namespaced, validateName: anyName }),
    ...validateObjectMetaUpdate(draft.metadata, old.metadata),
    ...(strategyOf(view, subresource)?.validateUpdate(draft, old, strategyContext(deps, op, subresource)) ?? []),
  ];
  if (errors.length > 0) throw invalid({ group: definition.group, resource: definition.kind, name: draft.metadata.name }, errors);
  if (subresource === '') for (const warning of definition.strategy.warnings?.(draft, old) ?? []) op.warn(warning);
}

/** An update cannot change the name, so a name that was once allowed stays so. */
function anyName(): string[] {
  return [];
}

async function write(
  deps: StorageDeps,
  view: ResourceView,
  request: UpdateRequest,
  change: {
    readonly live: StoredObject;
    readonly old: KubeObject;
    readonly draft: Draft<KubeObject>;
    readonly outcome: HookOutcome | undefined;
  },
  op: Operation,
): Promise<Attempt> {
  const { live, old, draft, outcome } = change;
  const { collection, definition } = view;
  // Nothing changed: no new version, no event.
  if (isSame(draft, old) && deps.writer.isCurrent(collection, live.key)) {
    outcome?.committed();
    return { type: 'done', object: live };
  }
  const object = view.toStorage(draft);
  if (request.options.dryRun) {
    outcome?.abandoned();
    return { type: 'done', object: deps.writer.preview(collection, live.key, object) };
  }
  if (isFinished(definition, object, live.object)) {
    const removed = await deps.writer.remove(collection, live, op.fence);
    if (removed.type === 'conflict') return again(removed.current, outcome);
    outcome?.committed();
    await deps.hooks(definition)?.afterDelete?.(old);
    return { type: 'done', object: deps.writer.preview(collection, live.key, object) };
  }
  const lease = await leaseFor(deps, definition);
  const written = await deps.writer.put(collection, live.key, { expectRevision: live.revision, object, lease, fence: op.fence });
  if (written.type === 'conflict') return again(written.current, outcome);
  outcome?.committed();
  return { type: 'done', object: written.object };
}

function again(live: StoredObject | undefined, outcome: HookOutcome | undefined): Attempt {
  outcome?.abandoned();
  return { type: 'again', live };
}

/** Equal but for the times at which managers wrote the same fields. */
function isSame(draft: Draft<KubeObject>, old: KubeObject): boolean {
  if (deepEqual(draft, old)) return true;
  const { managedFields: fieldsNow, ...restNow } = draft.metadata;
  const { managedFields: fieldsThen, ...restThen } = old.metadata;
  if (!deepEqual({ ...draft, metadata: restNow }, { ...old, metadata: restThen })) return false;
  const untimed = (entries: typeof fieldsThen): unknown[] => (entries ?? []).map((entry) => ({ ...entry, time: undefined }));
  return deepEqual(untimed(fieldsNow), untimed(fieldsThen));
}

function missing(view: ResourceView, name: string): ReturnType<typeof notFound> {
  return notFound({ group: view.definition.group, resource: view.definition.plural, name });
}
