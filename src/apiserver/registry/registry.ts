/**
 * All that is served, as the server's own code uses it: definitions, the verbs of each resource by program, and synchronous reads
 * of the watch cache.
 */
import {
  ApiError,
  apiVersionOf,
  type Draft,
  type JsonObject,
  type KubeList,
  type KubeObject,
  notFound,
  type ResourceDefinition,
  type ResourceRef,
} from '../../api/index.ts';
import { deepCopy } from '../../api/json/index.ts';
import { selectionOf } from '../cache/selection.ts';
import { listMetaOf } from '../rendering/rendering.ts';
import { ResourceView } from '../rendering/view.ts';
import type {
  CacheObserver,
  DeleteOptions,
  ListOptions,
  Operation,
  Registry,
  ResourceStorage,
  StorageKey,
  WriteOptions,
} from '../storage.ts';
import { createObject } from './creation.ts';
import { deleteObject } from './deletion.ts';
import { collectionKey, type StorageDeps } from './storage-deps.ts';
import { updateObject } from './updating.ts';

/** A resource whose objects are stored; others are only verbs (`bindings`), or made when they are asked for (`componentstatuses`). */
export function isStored({ verbs, computed }: ResourceDefinition): boolean {
  return verbs.includes('get') && computed !== true;
}

export class ResourceTable implements Registry {
  /** What is served of them. */
  readonly definitions: readonly ResourceDefinition[];
  readonly #deps: StorageDeps;
  readonly #isServed: (definition: ResourceDefinition) => boolean;
  readonly #byName = new Map<string, ResourceDefinition>();
  readonly #views = new Map<ResourceDefinition, ResourceView>();
  /** The views that serve a group's resource, whatever their version. */
  readonly #anyVersion = new Map<string, ResourceView>();

  /** @param isServed what clients are not served is still there for the server's own code */
  constructor(definitions: readonly ResourceDefinition[], deps: StorageDeps, isServed: (definition: ResourceDefinition) => boolean) {
    this.definitions = definitions.filter(isServed);
    this.#deps = deps;
    this.#isServed = isServed;
    for (const definition of definitions) {
      const { group, version, plural } = definition;
      this.#byName.set(`${group}/${version}/${plural}`, definition);
      if (!isStored(definition)) continue;
      const collection = deps.cache.collection(definition.storage.prefix);
      if (!collection) continue;
      const view = new ResourceView(definition, collection);
      this.#views.set(definition, view);
      const key = `${group}/${plural}`;
      if (!this.#anyVersion.has(key) || view.isStorageVersion) this.#anyVersion.set(key, view);
    }
  }

  definition(group: string, version: string, plural: string): ResourceDefinition | undefined {
    const definition = this.#byName.get(`${group}/${version}/${plural}`);
    return definition && this.#isServed(definition) ? definition : undefined;
  }

  /** Whether the server's own code has it, served or not. */
  isKnown(group: string, version: string, plural: string): boolean {
    return this.#byName.has(`${group}/${version}/${plural}`);
  }

  /** Undefined for a resource that is not stored. */
  view(definition: ResourceDefinition): ResourceView | undefined {
    return this.#views.get(definition);
  }

  /** The views of the same objects by API version, `view` among them. */
  versionsOf(view: ResourceView): ReadonlyMap<string, ResourceView> {
    const same = [...this.#views.values()].filter((other) => other.collection === view.collection);
    return new Map(same.map((other) => [other.apiVersion, other]));
  }

  storage<T extends KubeObject>(resource: ResourceRef<T> | { readonly group: string; readonly plural: string }): ResourceStorage<T> {
    // The table holds storages of every type; the handle names the one that stands there.
    return new ViewStorage(this.#viewOf(resource), this.#deps) as unknown as ResourceStorage<T>;
  }

  cached<T extends KubeObject>(resource: ResourceRef<T>, key: StorageKey): T | undefined {
    const view = this.#viewOf(resource);
    const stored = view.collection.get(collectionKey(view, key));
    // The handle says which type stands there; so below.
    return stored && (view.objectOf(stored) as T);
  }

  cachedList<T extends KubeObject>(resource: ResourceRef<T>, namespace = ''): readonly T[] {
    const view = this.#viewOf(resource);
    return view.collection.list({ namespace }).map((stored) => view.objectOf(stored) as T);
  }

  observe<T extends KubeObject>(resource: ResourceRef<T>, observer: CacheObserver<T>): Disposable {
    const view = this.#viewOf(resource);
    for (const stored of view.collection.list({ namespace: '' })) observer({ old: undefined, current: view.objectOf(stored) as T });
    return view.collection.listen(({ current, previous }) =>
      observer({ old: previous && (view.objectOf(previous) as T), current: current && (view.objectOf(current) as T) }),
    );
  }

  #viewOf(resource: { readonly group: string; readonly plural: string; readonly version?: string }): ResourceView {
    const exact = resource.version && this.#byName.get(`${resource.group}/${resource.version}/${resource.plural}`);
    const view = (exact && this.#views.get(exact)) || this.#anyVersion.get(`${resource.group}/${resource.plural}`);
    if (view) return view;
    throw new ApiError({
      code: 404,
      reason: 'NotFound',
      message: `the server could not find the requested resource: ${resource.plural}.${resource.group} is not served`,
      details: { group: resource.group, kind: resource.plural },
    });
  }
}

/** The verbs of one view by program. */
class ViewStorage implements ResourceStorage {
  readonly definition: ResourceDefinition;
  readonly #view: ResourceView;
  readonly #deps: StorageDeps;

  constructor(view: ResourceView, deps: StorageDeps) {
    this.definition = view.definition;
    this.#view = view;
    this.#deps = deps;
  }

  async get(key: StorageKey, _op: Operation): Promise<KubeObject> {
    await this.#deps.cache.fresh();
    const stored = this.#view.collection.get(collectionKey(this.#view, key));
    if (!stored) throw notFound({ group: this.definition.group, resource: this.definition.plural, name: key.name });
    return this.#view.objectOf(stored);
  }

  async list(options: ListOptions, _op: Operation): Promise<KubeList<KubeObject>> {
    const selection = selectionOf(this.definition, { namespace: options.namespace ?? '', name: '' }, options);
    const page = await this.#deps.lists.read(this.#view.collection, {
      selection,
      limit: options.limit ?? 0,
      continue: options.continue ?? '',
      resourceVersion: options.resourceVersion ?? '',
      resourceVersionMatch: options.resourceVersionMatch ?? '',
    });
    return {
      apiVersion: apiVersionOf(this.definition),
      kind: this.definition.listKind,
      metadata: listMetaOf(page),
      items: page.objects.map((stored) => this.#view.objectOf(stored)),
    };
  }

  async create(draft: Draft<KubeObject>, options: WriteOptions & { readonly namespace: string }, op: Operation): Promise<KubeObject> {
    const { namespace } = options;
    // Bodies of requests get theirs when they are decoded.
    this.definition.strategy.applyDefaults?.(draft);
    return this.#view.objectOf(await createObject(this.#deps, this.#view, { draft, namespace, options }, op));
  }

  async update(
    key: StorageKey,
    draft: Draft<KubeObject>,
    options: WriteOptions & { readonly subresource?: string },
    op: Operation,
  ): Promise<KubeObject> {
    this.definition.strategy.applyDefaults?.(draft);
    const request = { key, subresource: options.subresource ?? '', options, produce: () => deepCopy(draft) };
    return this.#view.objectOf((await updateObject(this.#deps, this.#view, request, op)).object);
  }

  async delete(key: StorageKey, options: DeleteOptions, op: Operation): Promise<KubeObject | JsonObject> {
    return this.#view.objectOf((await deleteObject(this.#deps, this.#view, { key, options }, op)).object);
  }

  async deleteCollection(list: ListOptions, options: DeleteOptions, op: Operation): Promise<KubeList<KubeObject>> {
    const found = await this.list(list, op);
    for (const { metadata } of found.items) {
      await deleteObject(this.#deps, this.#view, { key: { namespace: metadata.namespace ?? '', name: metadata.name }, options }, op).catch(
        (error: unknown) => {
          if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
        },
      );
    }
    return found;
  }

  async guaranteedUpdate(
    key: StorageKey,
    change: (draft: Draft<KubeObject>, current: KubeObject) => boolean | void,
    options: WriteOptions & { readonly subresource?: string },
    op: Operation,
  ): Promise<KubeObject> {
    const produce = (current: KubeObject): Draft<KubeObject> | undefined => {
      const draft = deepCopy(current);
      return change(draft, current) === false ? undefined : draft;
    };
    const request = { key, subresource: options.subresource ?? '', options, produce, trusted: true };
    return this.#view.objectOf((await updateObject(this.#deps, this.#view, request, op)).object);
  }
}
