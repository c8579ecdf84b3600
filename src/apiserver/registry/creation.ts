/**
 * Creates objects: admission, names, the kind's preparation and validation, then the store. A generated name that is taken is made
 * anew a few times.
 * @source apiserver endpoints/handlers/create.go, registry/generic/registry/store.go
 */
import {
  ApiError,
  alreadyExists,
  badRequest,
  type Draft,
  invalid,
  isApiError,
  type KubeObject,
  validateObjectMeta,
} from '../../api/index.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { HookOutcome } from '../extension.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Operation, WriteOptions } from '../storage.ts';
import { fillSystemFields, generateName, matchNamespace, setFirstGeneration, wipeSystemFields } from './metadata.ts';
import { admissionRequest, collectionKey, leaseFor, type StorageDeps, strategyContext } from './storage-deps.ts';

/** @source store.go maxNameGenerationCreateAttempts */
const maxNameAttempts = 8;

export interface CreateRequest {
  readonly draft: Draft<KubeObject>;
  /** Of the request; empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly options: WriteOptions;
  /** True when the managed fields are in the draft already (server-side apply). */
  readonly fieldsManaged?: boolean;
}

/** @throws ApiError AlreadyExists, Invalid, BadRequest, and whatever admission refuses with */
export async function createObject(deps: StorageDeps, view: ResourceView, request: CreateRequest, op: Operation): Promise<StoredObject> {
  const { draft, namespace, options } = request;
  const { definition } = view;
  if (draft.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  wipeSystemFields(draft.metadata);
  matchNamespace(definition, draft.metadata, namespace);
  if (!request.fieldsManaged) deps.fields.update(view, undefined, draft, { manager: options.fieldManager ?? '', subresource: '' });
  const admitting = admissionRequest(
    view,
    'CREATE',
    { subresource: '', namespace, name: draft.metadata.name ?? '', object: draft, oldObject: undefined, options },
    op,
  );
  await deps.admission.mutate(admitting, deps.admissionContext);
  fillSystemFields(draft.metadata, { uid: deps.newUid(), now: deps.timestamps.now() });
  const named = Boolean(draft.metadata.name) || !draft.metadata.generateName;
  if (named) return createNamed(deps, view, request, op);
  for (let attempt = 1; ; attempt++) {
    draft.metadata.name = generateName(draft.metadata.generateName!, deps.random);
    try {
      return await createNamed(deps, view, request, op);
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists') || attempt === maxNameAttempts) throw error;
    }
  }
}

async function createNamed(deps: StorageDeps, view: ResourceView, request: CreateRequest, op: Operation): Promise<StoredObject> {
  const { draft, namespace, options } = request;
  const { definition } = view;
  setFirstGeneration(definition, draft.metadata);
  definition.strategy.prepareForCreate?.(draft, strategyContext(deps, op));
  const begun = deps.hooks(definition)?.beginCreate?.(draft, options, op);
  const outcome = begun instanceof Promise ? await begun : begun;
  try {
    validateNew(view, draft, deps, op);
    const name = draft.metadata.name;
    const validating = admissionRequest(
      view,
      'CREATE',
      { subresource: '', namespace, name, object: draft, oldObject: undefined, options },
      op,
    );
    await deps.admission.validate(validating, deps.admissionContext);
    const object = view.toStorage(draft);
    const key = collectionKey(view, { namespace, name });
    return await commit(deps, view, { key, name, object, options, outcome }, op);
  } catch (error) {
    outcome?.abandoned();
    throw error;
  }
}

function validateNew(view: ResourceView, draft: Draft<KubeObject>, deps: StorageDeps, op: Operation): void {
  const { definition } = view;
  const { strategy } = definition;
  const context = strategyContext(deps, op);
  const errors = [
    ...validateObjectMeta(draft.metadata, { namespaced: definition.namespaced, validateName: strategy.validateName }),
    ...strategy.validate(draft, context),
  ];
  if (errors.length > 0) throw invalid({ group: definition.group, resource: definition.kind, name: draft.metadata.name }, errors);
  for (const warning of strategy.warnings?.(draft, undefined) ?? []) op.warn(warning);
}

async function commit(
  deps: StorageDeps,
  view: ResourceView,
  write: {
    readonly key: string;
    readonly name: string;
    readonly object: KubeObject;
    readonly options: WriteOptions;
    readonly outcome: HookOutcome | undefined;
  },
  op: Operation,
): Promise<StoredObject> {
  const { key, name, object, options, outcome } = write;
  const { collection, definition } = view;
  const exists = (current: StoredObject | undefined): ApiError => alreadyExistsError(definition, name, current);
  if (options.dryRun) {
    const current = collection.get(key);
    if (current) throw exists(current);
    outcome?.abandoned();
    return deps.writer.preview(collection, key, object);
  }
  const lease = await leaseFor(deps, definition);
  const written = await deps.writer.put(collection, key, { expectRevision: 0, object, lease, fence: op.fence });
  if (written.type === 'conflict') throw exists(written.current);
  outcome?.committed();
  return written.object;
}

function alreadyExistsError(definition: ResourceView['definition'], name: string, current: StoredObject | undefined): ApiError {
  const error = alreadyExists({ group: definition.group, resource: definition.plural, name });
  if (current?.object.metadata.deletionTimestamp === undefined) return error;
  return new ApiError({
    code: error.code,
    reason: error.reason,
    message: `object is being deleted: ${error.message}`,
    ...(error.details && { details: error.details }),
  });
}
