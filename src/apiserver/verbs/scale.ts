/** The `scale` subresource: one number of an object and where it stands, as `autoscaling/v1 Scale`. */
import {
  type Draft,
  fieldErrors,
  invalid,
  type JsonObject,
  type KubeObject,
  notFound,
  type SubresourceDefinition,
} from '../../api/index.ts';
import { deepCopy } from '../../api/json/index.ts';
import { collectionKey, type StorageDeps } from '../registry/storage-deps.ts';
import { updateObject } from '../registry/updating.ts';
import type { WriteOptions } from '../storage.ts';
import type { Answer } from './answer.ts';
import { type BodyKind, bodyDecoder, parseBody } from './body.ts';
import { writeOptions } from './options.ts';
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

/** @param write.produce the new Scale, made from the live one */
export async function writeScale(
  deps: StorageDeps,
  request: VerbRequest,
  write: { readonly mapping: ScaleMapping; readonly options: WriteOptions; readonly produce: (live: JsonObject) => Draft<Scale> },
): Promise<Answer> {
  const { view, namespace, name, op } = request;
  const { mapping, options } = write;
  const { object } = await updateObject(
    deps,
    view,
    {
      key: { namespace, name },
      subresource: 'scale',
      options,
      produce: (live) => {
        const scale = write.produce(scaleOf(live, mapping));
        checkScale(scale, name);
        const draft = deepCopy(live);
        draft.metadata.resourceVersion = scale.metadata.resourceVersion ?? '';
        if (scale.metadata.uid) draft.metadata.uid = scale.metadata.uid;
        mapping.write(draft, scale.spec?.replicas ?? 0);
        return draft;
      },
    },
    op,
  );
  return { type: 'object', status: 200, object: scaleOf(view.objectOf(object), mapping) };
}

function checkScale(scale: Draft<Scale>, name: string): void {
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas >= 0) return;
  throw invalid({ group: 'autoscaling', resource: 'Scale', name }, [
    fieldErrors.invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
  ]);
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
