/** The `scale` subresource: one number of an object and where it stands, as `autoscaling/v1 Scale`. */
import {
  apiVersionOf,
  conflict,
  type Draft,
  fieldErrors,
  invalid,
  type JsonObject,
  type KubeObject,
  notFound,
  type SubresourceDefinition,
} from '../../api/index.ts';
import { applyPatch, type ManagedFieldsEntry } from '../../api/apply/index.ts';
import { deepCopy } from '../../api/json/index.ts';
import { matchNamespace } from '../registry/metadata.ts';
import { collectionKey, type StorageDeps } from '../registry/storage-deps.ts';
import { updateObject } from '../registry/updating.ts';
import type { WriteOptions } from '../storage.ts';
import type { Answer } from './answer.ts';
import { type BodyKind, bodyDecoder, parseBody } from './body.ts';
import { writeOptions } from './options.ts';
import { scaleOwners, withScaleOwners } from './scale-fields.ts';
import type { VerbRequest } from './verb-request.ts';
import { requireName } from './write.ts';

type ScaleMapping = NonNullable<SubresourceDefinition['scale']>;

export const scaleKind: BodyKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: 'io.k8s.api.autoscaling.v1.Scale' };

interface Scale extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

export async function getScale(deps: StorageDeps, request: VerbRequest, mapping: ScaleMapping): Promise<Answer> {
  await deps.cache.fresh();
  const { view } = request;
  const stored = view.collection.get(collectionKey(view, request));
  if (!stored) throw notFound({ group: view.definition.group, resource: view.definition.plural, name: request.name });
  return { type: 'object', status: 200, object: scaleOf(view.objectOf(stored), mapping) };
}

export async function updateScale(deps: StorageDeps, request: VerbRequest, mapping: ScaleMapping): Promise<Answer> {
  const options = writeOptions(request.query, 'UpdateOptions', request.userAgent);
  const decode = bodyDecoder(parseBody(await request.body(), scaleKind, deps), scaleKind, options, request.op);
  const produce = (): Draft<Scale> => {
    const scale = decode();
    requireName(scale.metadata, request.name);
    return scale;
  };
  return writeScale(deps, request, { mapping, options, produce });
}

/** What becomes of the live object when somebody writes its Scale. */
interface ScaleWrite {
  readonly mapping: ScaleMapping;
  readonly options: WriteOptions;
  /** The new Scale, made from that of the live object; undefined when it stays as it is. */
  readonly produce: (scale: JsonObject, live: KubeObject) => Draft<Scale> | undefined;
  /** The new Scale says who owns the number; otherwise whoever writes does. */
  readonly fieldsManaged?: boolean;
}

export async function writeScale(deps: StorageDeps, request: VerbRequest, write: ScaleWrite): Promise<Answer> {
  const { view, namespace, name, op } = request;
  const { mapping, options, fieldsManaged = false } = write;
  const produce = (live: KubeObject): Draft<KubeObject> | undefined => {
    const scale = write.produce(scaleOf(live, mapping), live);
    if (!scale) return undefined;
    matchNamespace(view.definition, scale.metadata, namespace);
    checkScale(scale, name);
    checkUid(scale, live, request);
    const draft = deepCopy(live);
    draft.metadata.resourceVersion = scale.metadata.resourceVersion ?? '';
    mapping.write(draft, scale.spec?.replicas ?? 0);
    if (fieldsManaged) setOwners(draft, scale.metadata.managedFields ?? [], view.apiVersion);
    return draft;
  };
  const update = { key: { namespace, name }, subresource: 'scale', options, produce, fieldsManaged };
  const { object } = await updateObject(deps, view, update, op);
  return { type: 'object', status: 200, object: scaleOf(view.objectOf(object), mapping) };
}

/** Server-side apply: what the configuration says of the Scale is said of the number of replicas. */
export async function applyScale(
  deps: StorageDeps,
  request: VerbRequest,
  apply: { readonly mapping: ScaleMapping; readonly options: WriteOptions; readonly configuration: JsonObject },
): Promise<Answer> {
  const { mapping, options, configuration } = apply;
  const { apiVersion } = request.view;
  const produce = (scale: JsonObject, live: KubeObject): Draft<Scale> | undefined => {
    const owners = scaleOwners(live.metadata.managedFields ?? [], apiVersion);
    const { object, unchanged } = applyPatch({
      definition: scaleKind.schema,
      apiVersion: apiVersionOf(scaleKind),
      kind: scaleKind.kind,
      manager: options.fieldManager ?? '',
      subresource: 'scale',
      nowIso: deps.timestamps.now(),
      // Entries are JSON.
      live: { ...scale, metadata: { ...(scale['metadata'] as JsonObject), managedFields: owners as unknown as JsonObject[] } },
      patch: configuration,
      force: options.force === true,
    });
    // The apply read the tree as a Scale.
    return unchanged ? undefined : (object as unknown as Draft<Scale>);
  };
  return writeScale(deps, request, { mapping, options, produce, fieldsManaged: true });
}

function checkScale(scale: Draft<Scale>, name: string): void {
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas >= 0) return;
  throw invalid({ group: 'autoscaling', resource: 'Scale', name }, [
    fieldErrors.invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
  ]);
}

/** A Scale that names another uid is about another object. */
function checkUid({ metadata }: Draft<Scale>, live: KubeObject, { view, name }: VerbRequest): void {
  if (!metadata.uid || metadata.uid === live.metadata.uid) return;
  const { group, plural } = view.definition;
  const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${live.metadata.uid}`;
  throw conflict({ group, resource: `${plural}/scale`, name }, why);
}

function setOwners({ metadata }: Draft<KubeObject>, owners: readonly ManagedFieldsEntry[], apiVersion: string): void {
  const entries = withScaleOwners(metadata.managedFields ?? [], owners, apiVersion);
  // Entries are shared from version to version and changed by nobody.
  if (entries.length > 0) metadata.managedFields = entries as NonNullable<typeof metadata.managedFields>;
  else delete metadata.managedFields;
}

function scaleOf(object: KubeObject, mapping: ScaleMapping): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { specReplicas, statusReplicas, selector } = mapping.read(object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: specReplicas === 0 ? {} : { replicas: specReplicas },
    status: { replicas: statusReplicas, ...(selector !== '' && { selector }) },
  };
}
