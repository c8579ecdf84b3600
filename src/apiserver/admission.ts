/**
 * Admission: code that may change or refuse a write after it is authorized and decoded, before it is validated and stored. Plugins
 * run in the order they are listed: first every `mutate`, then every `validate`.
 */
import type { Draft, KubeObject, ResourceDefinition } from '../api/index.ts';
import type { Authorizer } from './authorization/index.ts';
import type { Registry, WriteOptions } from './storage.ts';
import type { UserInfo } from './request.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** The write that is admitted. */
export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly resource: ResourceDefinition;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  /** Empty for a create whose name is generated later. */
  readonly name: string;
  readonly user: UserInfo;
  readonly options: WriteOptions;
  /** What is written: a draft that `mutate` may change; undefined for DELETE. For a subresource of another kind (Binding, Eviction) that body. */
  readonly object: Draft<KubeObject> | undefined;
  /** What is stored now; undefined for CREATE. */
  readonly oldObject: KubeObject | undefined;
  readonly warn: (message: string) => void;
  /** Adds an annotation to the request's audit event; undefined when it has none. */
  readonly annotate?: ((key: string, value: string) => void) | undefined;
}

export interface AdmissionContext {
  readonly registry: Registry;
  /** Whether the request's user may do something else, such as approve for a signer. */
  readonly authorize: Authorizer;
  readonly signal: AbortSignal;
}

export interface AdmissionPlugin {
  /** Upstream's name, such as `NamespaceLifecycle`. */
  readonly name: string;
  /** Asked once for each combination and remembered. */
  handles(resource: ResourceDefinition, operation: AdmissionOperation, subresource: string): boolean;
  /** @throws ApiError to refuse. Returns nothing when it is done at once (the fast path), a promise when it has to wait. */
  mutate?(request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void>;
  validate?(request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void>;
  /** Runs once, when the cache is filled and before the server listens. */
  readonly start?: () => void;
}
