/**
 * The typed client: every verb over a transport, with the object's type carried by the resource handle.
 */
import type { Draft, JsonObject, KubeList, KubeObject, ResourceRef, Unsaved } from '../api/index.ts';
import type { PatchType, Query, ResourceRequest, Transport, WatchEvent } from './transport.ts';

/** Which object: `namespace` is left out for cluster-scoped resources. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly query?: Query;
}

export interface ListOptions extends CallOptions {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** PartialObjectMetadata is enough. */
  readonly as?: 'metadata';
}

export interface Client {
  readonly transport: Transport;
  get<T extends KubeObject>(resource: ResourceRef<T>, key: ObjectKey, options: CallOptions): Promise<T>;
  list<T extends KubeObject>(resource: ResourceRef<T>, options: ListOptions): Promise<KubeList<T>>;
  watch<T extends KubeObject>(resource: ResourceRef<T>, options: ListOptions): AsyncIterable<readonly WatchEvent<T>[]>;
  /** Namespace and name are taken from the object's metadata. */
  create<T extends KubeObject>(resource: ResourceRef<T>, object: Unsaved<T>, options: CallOptions): Promise<T>;
  /** Fails with Conflict when the stored resourceVersion is another than the object's. */
  update<T extends KubeObject>(resource: ResourceRef<T>, object: T, options: CallOptions): Promise<T>;
  updateStatus<T extends KubeObject>(resource: ResourceRef<T>, object: T, options: CallOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: ResourceRef<T>,
    key: ObjectKey,
    patch: { readonly type: PatchType; readonly body: unknown; readonly subresource?: string },
    options: CallOptions,
  ): Promise<T>;
  /** @param options.body DeleteOptions: preconditions, propagationPolicy, gracePeriodSeconds */
  delete(resource: ResourceRef, key: ObjectKey, options: CallOptions & { readonly body?: JsonObject }): Promise<void>;
  deleteCollection(resource: ResourceRef, options: ListOptions & { readonly body?: JsonObject }): Promise<void>;
  /** Any subresource that is not the object itself: `scale`, `binding`, `eviction`, `token`. */
  subresource(
    resource: ResourceRef,
    key: ObjectKey,
    call: { readonly name: string; readonly verb: 'get' | 'create' | 'update'; readonly body?: JsonObject },
    options: CallOptions,
  ): Promise<JsonObject>;
}

export function createClient(transport: Transport): Client {
  const send = <T>(request: ResourceRequest): Promise<T> => transport.request(request) as Promise<T>;
  const at = (key: ObjectKey): { name: string; namespace?: string } => ({
    name: key.name,
    ...(key.namespace !== undefined && { namespace: key.namespace }),
  });
  const ownKey = (object: {
    readonly metadata: { readonly name?: string; readonly namespace?: string };
  }): { name: string; namespace?: string } => at({ name: object.metadata.name ?? '', namespace: object.metadata.namespace });
  const scope = (options: ListOptions): { namespace?: string; query: Query; as?: 'metadata'; signal: AbortSignal } => ({
    ...(options.as !== undefined && { as: options.as }),
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    query: {
      ...options.query,
      ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
      ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
    },
    signal: options.signal,
  });

  return {
    transport,
    get: (resource, key, options) => send({ verb: 'get', resource, ...at(key), ...options }),
    list: (resource, options) => send({ verb: 'list', resource, ...scope(options) }),
    // The handle says which type the server sends.
    watch: <T extends KubeObject>(resource: ResourceRef<T>, options: ListOptions) =>
      transport.watch({ resource, ...scope(options) }) as AsyncIterable<readonly WatchEvent<T>[]>,
    create: (resource, object, options) => {
      const { namespace } = object.metadata;
      return send({ verb: 'create', resource, ...(namespace !== undefined && { namespace }), body: object, ...options });
    },
    update: (resource, object, options) => send({ verb: 'update', resource, ...ownKey(object), body: object, ...options }),
    updateStatus: (resource, object, options) =>
      send({ verb: 'update', resource, ...ownKey(object), subresource: 'status', body: object, ...options }),
    patch: (resource, key, patch, options) =>
      send({
        verb: 'patch',
        resource,
        ...at(key),
        ...(patch.subresource !== undefined && { subresource: patch.subresource }),
        patchType: patch.type,
        body: patch.body,
        ...options,
      }),
    delete: async (resource, key, options) => {
      await send({ verb: 'delete', resource, ...at(key), ...options });
    },
    deleteCollection: async (resource, options) => {
      await send({ verb: 'deletecollection', resource, ...scope(options), ...(options.body && { body: options.body }) });
    },
    subresource: (resource, key, call, options) =>
      send({ verb: call.verb, resource, ...at(key), subresource: call.name, ...(call.body && { body: call.body }), ...options }),
  };
}

/** A copy of a shared object that its maker may change. */
export function draftOf<T>(object: T): Draft<T> {
  return structuredClone(object) as Draft<T>;
}
