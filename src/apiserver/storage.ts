/**
 * The registry as the rest of the API server calls it: every verb on every served resource, by program. What HTTP and the
 * in-process transport do goes through the same functions.
 */
import type { Draft, JsonObject, KubeList, KubeObject, ResourceDefinition, ResourceRef } from '../api/index.ts';
import type { AuditNotes, UserInfo } from './request.ts';

/** On whose behalf an operation runs. `systemOperation` makes one for the server itself. */
export interface Operation {
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  /** Undefined when the operation is not audited. */
  readonly audit?: AuditNotes | undefined;
  /** The fence of an elected component, as `fenceHeader` carries it: its writes are committed only while it holds. */
  readonly fence?: string | undefined;
}

export interface StorageKey {
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly name: string;
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: FieldValidation;
  /** Server-side apply: take fields from other managers. */
  readonly force?: boolean;
}

export interface DeleteOptions extends WriteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface ListOptions {
  /** Empty: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}

/** The verbs of one resource. Objects that go out are shared and must not be changed; drafts that go in belong to the storage. */
export interface ResourceStorage<T extends KubeObject = KubeObject> {
  readonly definition: ResourceDefinition<T>;
  /** @throws ApiError NotFound */
  get(key: StorageKey, op: Operation): Promise<T>;
  list(options: ListOptions, op: Operation): Promise<KubeList<T>>;
  /** Admission, defaults, validation, then the store. @throws ApiError AlreadyExists, Invalid, Forbidden, NotFound (namespace) */
  create(object: Draft<T>, options: WriteOptions & { readonly namespace: string }, op: Operation): Promise<T>;
  update(key: StorageKey, object: Draft<T>, options: WriteOptions & { readonly subresource?: string }, op: Operation): Promise<T>;
  /** The object as it was, or a Status when it is gone at once. */
  delete(key: StorageKey, options: DeleteOptions, op: Operation): Promise<T | JsonObject>;
  deleteCollection(list: ListOptions, options: DeleteOptions, op: Operation): Promise<KubeList<T>>;
  /**
   * Reads, changes and writes until no other write came between: for subresources such as `pods/binding`. No admission and no
   * validation. `change` gets a draft of its own, may throw ApiError, and returns false to leave the object as it is.
   */
  guaranteedUpdate(
    key: StorageKey,
    change: (draft: Draft<T>, current: T) => boolean | void,
    options: WriteOptions & { readonly subresource?: string },
    op: Operation,
  ): Promise<T>;
}

/** All that is served. */
export interface Registry {
  /** @throws ApiError NotFound when the resource is not served */
  storage<T extends KubeObject>(resource: ResourceRef<T> | { readonly group: string; readonly plural: string }): ResourceStorage<T>;
  /** Undefined when it is not served. */
  definition(group: string, version: string, plural: string): ResourceDefinition | undefined;
  /** Every served resource, in the order of the table. */
  readonly definitions: readonly ResourceDefinition[];
  /** A synchronous read from the watch cache: what was durable a moment ago; for admission and token checks. */
  cached<T extends KubeObject>(resource: ResourceRef<T>, key: StorageKey): T | undefined;
  /** All cached objects of a namespace (empty: all), in key order. */
  cachedList<T extends KubeObject>(resource: ResourceRef<T>, namespace?: string): readonly T[];
  /** Calls back with every committed change of a resource, in revision order; existing objects first, as `added`. */
  observe<T extends KubeObject>(resource: ResourceRef<T>, observer: CacheObserver<T>): Disposable;
}

/** Told synchronously, in revision order; must not throw and must not await. */
export interface CacheObserver<T extends KubeObject> {
  /** `old` is undefined for an addition, `current` for a deletion. */
  (change: { readonly old: T | undefined; readonly current: T | undefined }): void;
}
