/** PATCH of any resource: JSON patch, merge patch, strategic merge patch and server-side apply. */
import { badRequest, conflict, type Draft, type JsonObject, type KubeObject } from '../../api/index.ts';
import { isJsonObject, type Parsed } from '../../api/json/index.ts';
import { patchObject, type PatchRequest } from '../../api/patch/index.ts';
import { assert } from '../../base/index.ts';
import { createObject } from '../registry/creation.ts';
import { matchName } from '../registry/metadata.ts';
import type { StorageDeps } from '../registry/storage-deps.ts';
import { updateObject } from '../registry/updating.ts';
import type { WriteOptions } from '../storage.ts';
import type { Answer } from './answer.ts';
import { type BodyGates, type BodyKind, type BodySource, cborGate, cborType, parseBody } from './body.ts';
import { mediaTypeOf, unsupportedMediaType, writeOptions } from './options.ts';
import { applyScale, scaleKind, writeScale } from './scale.ts';
import type { VerbRequest } from './verb-request.ts';
import { bodyKindOf } from './write.ts';

export const applyPatchType = 'application/apply-patch+yaml';

const cborApplyType = 'application/apply-patch+cbor';

const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  applyPatchType,
];

interface PatchCall {
  readonly type: PatchRequest['type'];
  readonly parsed: Parsed;
  readonly options: WriteOptions;
}

export async function patchVerb(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const body = await request.body();
  const type = checkedType(body, deps);
  if (type === applyPatchType || type === cborApplyType) return applyVerb(deps, request, { ...body, contentType: type });
  const call = patchCall(request, body, type);
  const kind = bodyKindOf(request.view);
  const patched = patcher(kind, call, request);
  const { namespace, name, subresource, view, op } = request;
  const { object } = await updateObject(deps, view, { key: { namespace, name }, subresource, options: call.options, produce: patched }, op);
  return { type: 'stored', status: 200, view, object };
}

export async function patchScale(
  deps: StorageDeps,
  request: VerbRequest,
  mapping: Parameters<typeof writeScale>[2]['mapping'],
): Promise<Answer> {
  const body = await request.body();
  const type = checkedType(body, deps);
  if (type === applyPatchType || type === cborApplyType) {
    const options = writeOptions(request.query, 'PatchOptions', request.userAgent, true);
    const configuration = appliedConfiguration(parseApplied(deps, { ...body, contentType: type }, scaleKind), options, request);
    return applyScale(deps, request, { mapping, options, configuration });
  }
  const call = patchCall(request, body, type);
  const patched = patcher(scaleKind, call, request);
  return writeScale(deps, request, { mapping, options: call.options, produce: (live) => patched(live) });
}

/** @throws ApiError UnsupportedMediaType */
function checkedType(body: BodySource, gates: BodyGates): string {
  const type = mediaTypeOf(body.contentType);
  const accepted = gates.featureEnabled(cborGate) ? [...patchTypes, cborApplyType] : patchTypes;
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  return type;
}

function patchCall(request: VerbRequest, body: BodySource, type: string): PatchCall {
  const options = writeOptions(request.query, 'PatchOptions', request.userAgent);
  const json: BodySource = { ...body, contentType: 'application/json' };
  const parsed = parseBody(json, { kind: 'Patch', schema: '' }, jsonOnly);
  request.op.audit?.requested(parsed.value);
  // `checkedType` left only these.
  return { type: type as PatchCall['type'], parsed, options };
}

/** A patch is JSON, whatever the server speaks. */
const jsonOnly: BodyGates = { featureEnabled: () => false };

/** Makes the patched object from a live one; warns once. */
function patcher(kind: BodyKind, call: PatchCall, request: VerbRequest): (live: KubeObject | JsonObject) => Draft<KubeObject> {
  let warned = false;
  return (live) => {
    const { object, warnings } = patchObject<KubeObject>({
      type: call.type,
      patch: call.parsed,
      // An object is a JSON tree.
      live: live as JsonObject,
      definition: kind.schema,
      fieldValidation: call.options.fieldValidation ?? 'Warn',
    });
    if (!warned) for (const warning of warnings) request.op.warn(warning);
    warned = true;
    (object as { metadata?: unknown }).metadata ??= {};
    matchName(object.metadata, request.name);
    // The definition's own default function takes the definition's own type.
    (kind.applyDefaults as ((object: Draft<KubeObject>) => void) | undefined)?.(object);
    return object;
  };
}

/** Server-side apply: the body is what its manager wants, all of it and nothing else. */
async function applyVerb(deps: StorageDeps, request: VerbRequest, body: BodySource): Promise<Answer> {
  const { view, namespace, name, subresource, op, query } = request;
  const options = writeOptions(query, 'PatchOptions', request.userAgent, true);
  const kind = bodyKindOf(view);
  const configuration = appliedConfiguration(parseApplied(deps, body, kind), options, request);
  const by = { manager: options.fieldManager ?? '', subresource, force: options.force === true };
  const applied = (live: KubeObject | undefined): Draft<KubeObject> | undefined => {
    const object = deps.fields.apply(view, live, configuration, by);
    // The definition's own default function takes the definition's own type.
    if (object) (kind.applyDefaults as ((object: Draft<KubeObject>) => void) | undefined)?.(object);
    return object;
  };
  const create = (): ReturnType<typeof createObject> => {
    const draft = applied(undefined);
    assert(draft, 'an apply that creates makes an object');
    // It speaks of an object that was there: not of one to be made.
    if (draft.metadata.uid) {
      const { group, plural } = view.definition;
      const why = `uid mismatch: the provided object specified uid ${draft.metadata.uid}, and no existing object was found`;
      throw conflict({ group, resource: plural, name }, why);
    }
    return createObject(deps, view, { draft, namespace, options, fieldsManaged: true }, op);
  };
  const { object, created } = await updateObject(
    deps,
    view,
    {
      key: { namespace, name },
      subresource,
      options,
      fieldsManaged: true,
      produce: applied,
      createInstead: subresource === '' ? create : undefined,
    },
    op,
  );
  return { type: 'stored', status: created ? 201 : 200, view, object };
}

/** @param body with the media type of the patch, which names the language of what is applied */
function parseApplied(deps: StorageDeps, body: BodySource, kind: BodyKind): Parsed {
  const contentType = body.contentType === cborApplyType ? cborType : 'application/yaml';
  return parseBody({ ...body, contentType }, kind, deps);
}

/** The configuration with the name and namespace of the request. @throws ApiError BadRequest */
function appliedConfiguration(parsed: Parsed, options: WriteOptions, { view, name, namespace, op }: VerbRequest): JsonObject {
  const { value, strictErrors } = parsed;
  if (!isJsonObject(value)) throw badRequest('error decoding YAML: the applied configuration is not an object');
  if (options.fieldValidation === 'Strict' && strictErrors.length > 0) {
    throw badRequest(`error strict decoding YAML: ${strictErrors.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const warning of strictErrors) op.warn(warning);
  const metadata: Record<string, unknown> = isJsonObject(value['metadata']) ? { ...value['metadata'] } : {};
  // What is no text is told by the walk through the types.
  const named = metadata as { name?: unknown; namespace?: unknown };
  if (!named.name) named.name = name;
  if (typeof named.name === 'string' && named.name !== name) {
    throw badRequest(`the name of the object (${named.name}) does not match the name on the URL (${name})`);
  }
  if (view.definition.namespaced) {
    if (!named.namespace) named.namespace = namespace;
    if (typeof named.namespace === 'string' && named.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
  }
  // What stood in the tree was JSON, and so are the two texts.
  return { ...value, metadata: metadata as JsonObject };
}
