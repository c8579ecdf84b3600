/** Answers reads of objects that are made when they are asked for, and stored nowhere: one, a list or a table. */
import { apiVersionOf, type JsonObject, type KubeObject, methodNotSupported, notFound, type ResourceDefinition } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import { selectionOf } from '../cache/selection.ts';
import type { TableRenderer } from '../extension.ts';
import { negotiate } from '../http/negotiation.ts';
import type { ApiResponse, RequestContext } from '../request.ts';
import { listOptions } from '../verbs/options.ts';
import { partialMetadataOf } from './partial-metadata.ts';

export interface ComputedObjects<T extends KubeObject> {
  readonly resource: ResourceDefinition;
  readonly tables: TableRenderer;
  /** Those of one namespace, or all when it is empty; in the order in which they are listed. */
  readonly list: (namespace: string) => readonly T[];
  readonly get: (key: { readonly namespace: string; readonly name: string }) => T | undefined;
  /** What an error names it by. Default: the resource and the name. */
  readonly subject?: (key: { readonly namespace: string; readonly name: string }) => { readonly resource: string; readonly name: string };
}

/** @throws ApiError NotFound for an object that there is not, MethodNotSupported for what is no reading */
export function answerComputed<T extends KubeObject>(ctx: RequestContext, objects: ComputedObjects<T>): ApiResponse {
  const { resource, tables } = objects;
  const items = wanted(ctx, objects);
  const form = negotiate(ctx.header('accept'));
  if (form.as === 'table') {
    const nowMs = ctx.clock.now();
    const table = {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata: {},
      columnDefinitions: tables.columns(resource),
      rows: items.map((item) => ({
        cells: tables.cells(resource, item, nowMs),
        object: asJson(partialMetadataOf(item, form.version)),
      })),
    };
    return { type: 'bytes', status: 200, contentType: 'application/json', body: `${stringifyJson(table)}\n` };
  }
  // One that is read by its name is there.
  if (ctx.info.verb === 'get') return { type: 'object', status: 200, object: items[0]! };
  const list = { kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata: {}, items: items.map(asJson) };
  return { type: 'object', status: 200, object: list };
}

function wanted<T extends KubeObject>({ info }: RequestContext, { resource, list, get, subject }: ComputedObjects<T>): readonly T[] {
  const { namespace, name } = info;
  const { group, plural } = resource;
  if (info.verb === 'get') {
    const found = get({ namespace, name });
    if (!found) throw notFound({ group, ...(subject?.({ namespace, name }) ?? { resource: plural, name }) });
    return [found];
  }
  if (info.verb !== 'list') throw methodNotSupported({ group, resource: plural }, info.verb);
  const { matches } = selectionOf(resource, { namespace, name: '' }, listOptions(info.query, false));
  const all = list(namespace);
  if (!matches) return all;
  return all.filter(({ metadata }) =>
    matches({ name: metadata.name, namespace: metadata.namespace ?? '', labels: metadata.labels ?? {}, field: () => '' }),
  );
}

/** API objects are JSON trees. */
function asJson(object: object): JsonObject {
  return object as JsonObject;
}
