/**
 * The door of component statuses: asked for, each component of the control plane is looked at, and what it says is answered as
 * objects or as a table. Nothing is stored.
 * @source pkg/registry/core/componentstatus/rest.go, v1.35
 */
import { type corev1, corev1Resources, type JsonObject, methodNotSupported, notFound, type ResourceDefinition } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import { selectionOf } from '../cache/selection.ts';
import type { ExtensionFactory, TableRenderer } from '../extension.ts';
import { negotiate } from '../http/negotiation.ts';
import { type MetaVersion, partialMetadataOf } from '../rendering/partial-metadata.ts';
import type { RequestInfo } from '../request.ts';
import { listOptions } from '../verbs/options.ts';

/** What a component says of itself. */
export interface ComponentHealth {
  /** Such as `scheduler`. */
  readonly name: string;
  /** Why it is not healthy; undefined when it is. */
  readonly error?: string;
}

export interface ComponentStatusOptions {
  /** Components beside the store, which answers when the server does. */
  readonly components?: () => readonly ComponentHealth[];
  readonly tables: TableRenderer;
}

const { componentstatuses } = corev1Resources;
const storeHealth: ComponentHealth = { name: 'etcd-0' };

export function componentStatusExtension({ components = () => [], tables }: ComponentStatusOptions): ExtensionFactory {
  return ({ clock }) => ({
    subresources: {
      componentstatuses: (ctx, { resource }) => {
        const all = [...components(), storeHealth].map(statusOf);
        const { items, isList } = wanted(ctx.info, resource, all);
        const form = negotiate(ctx.header('accept'));
        if (form.as === 'table') {
          const table = tableOf(items, { resource, tables, version: form.version, nowMs: clock.now() });
          return Promise.resolve({
            type: 'bytes',
            status: 200,
            contentType: 'application/json',
            body: `${stringifyJson(table)}\n`,
          } as const);
        }
        const list = { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: items.map(asJson) };
        // One that is read by its name is there.
        return Promise.resolve({ type: 'object', status: 200, object: isList ? list : items[0]! } as const);
      },
    },
  });
}

/** @throws ApiError NotFound for a component that there is not, MethodNotSupported for what is no reading */
function wanted(
  info: RequestInfo,
  resource: ResourceDefinition,
  all: readonly corev1.ComponentStatus[],
): { readonly items: readonly corev1.ComponentStatus[]; readonly isList: boolean } {
  const subject = { group: '', resource: componentstatuses.plural };
  if (info.verb === 'get') {
    const found = all.find(({ metadata }) => metadata.name === info.name);
    if (!found) throw notFound({ ...subject, name: info.name });
    return { items: [found], isList: false };
  }
  if (info.verb !== 'list') throw methodNotSupported(subject, info.verb);
  const { matches } = selectionOf(resource, { namespace: '', name: '' }, listOptions(info.query, false));
  const items = all.filter(({ metadata }) => matches?.({ name: metadata.name, namespace: '', labels: {}, field: () => '' }) ?? true);
  return { items, isList: true };
}

interface TableTerms {
  readonly resource: ResourceDefinition;
  readonly tables: TableRenderer;
  readonly version: MetaVersion;
  readonly nowMs: number;
}

function tableOf(items: readonly corev1.ComponentStatus[], { resource, tables, version, nowMs }: TableTerms): JsonObject {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: {},
    columnDefinitions: tables.columns(resource),
    rows: items.map((status) => ({ cells: tables.cells(resource, status, nowMs), object: asJson(partialMetadataOf(status, version)) })),
  };
}

function statusOf({ name, error }: ComponentHealth): corev1.ComponentStatus {
  const condition =
    error === undefined ? { type: 'Healthy', status: 'True', message: 'ok' } : { type: 'Healthy', status: 'False', message: '', error };
  // It was never made, so it has none of what the registry gives.
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name }, conditions: [condition] } as unknown as corev1.ComponentStatus;
}

/** API objects are JSON trees. */
function asJson(object: object): JsonObject {
  return object as JsonObject;
}
