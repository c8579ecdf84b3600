/**
 * A built-in resource as one table entry. One generic handler serves them all, and a CustomResourceDefinition makes the same kind
 * of entry at run time: adding a kind is adding an entry, never a route. Pure data and pure functions: nothing here awaits.
 */
import type { FieldError } from './errors.ts';
import type { Draft, KubeObject } from './object.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A column of `kubectl get`. @source meta/v1 TableColumnDefinition */
export interface PrinterColumn<T> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: 'name' | 'password';
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
  /** The cell, as upstream prints it; `nowMs` is for ages. */
  readonly cell: (object: T, nowMs: number) => string | number | boolean | null;
}

/** What a strategy's hooks may know of the request. */
export interface StrategyContext {
  /** The request's user; empty for the server itself. */
  readonly userName: string;
  readonly nowMs: number;
  /** Makes a fresh uid, for kinds that hold one beside their own. */
  readonly newUid: () => string;
  readonly featureEnabled: (gate: string) => boolean;
  /** The subresource that is written, such as `status`; undefined for the object itself. */
  readonly subresource?: string;
  /** The request's user in full, for kinds that write down who asked. */
  readonly user: RequestingUser;
  readonly certificates: CertificateChecks;
}

/** Who asks, as authentication found out. */
export interface RequestingUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What kinds that hold certificates ask; it takes cryptography, which this room does not have. */
export interface CertificateChecks {
  /** What is wrong with a request for a certificate (PEM in base64) or its signature; undefined when it is fine. */
  readonly requestFault: (request: string) => string | undefined;
  /** What is wrong with a chain of certificates (PEM in base64); undefined when it is fine. */
  readonly certificateFault: (certificate: string) => string | undefined;
}

/** What a kind does differently from every other. Each hook works on a draft that nobody else has seen. */
export interface Strategy<T extends KubeObject> {
  /** Fills in defaults; runs on every decode of a request and of a stored object. */
  readonly applyDefaults?: (object: Draft<T>) => void;
  /** Clears what a creator may not set (status), sets first values. The generic part (metadata) is done by the registry. */
  readonly prepareForCreate?: (object: Draft<T>, ctx: StrategyContext) => void;
  /** Keeps what an update may not touch (status, or spec for the status subresource). `generation` is bumped by the registry when spec changed. */
  readonly prepareForUpdate?: (object: Draft<T>, old: T, ctx: StrategyContext) => void;
  readonly validate: (object: T, ctx: StrategyContext) => FieldError[];
  readonly validateUpdate: (object: T, old: T, ctx: StrategyContext) => FieldError[];
  readonly warnings?: (object: T, old: T | undefined) => string[];
  /**
   * Fields that a write here cannot change and so does not come to own, by dotted path; always the same array. Default: `status`
   * where that is a subresource, `spec` when it is the one that is written.
   */
  readonly resetFields?: readonly string[];
  /** PUT on a name that does not exist creates it. Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** An update without a resourceVersion takes the newest. Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /**
   * A deletion that does not say what becomes of dependents leaves them. Without it they go in the background.
   * `warning` is told to whoever relies on it.
   */
  readonly orphansDependents?: { readonly warning?: string };
  /** The name rule of `metadata.name`; returns messages, empty when it is fine. */
  readonly validateName: (name: string, prefix: boolean) => string[];
}

export interface SubresourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Versions of old that a body may still be of: they said the same in the same words. */
  readonly olderVersions?: readonly string[];
}

export interface SubresourceDefinition<T extends KubeObject = KubeObject> {
  readonly name: string;
  readonly verbs: readonly Verb[];
  /** The kind in discovery and in request bodies, when it is not the parent's: `Scale` of `autoscaling/v1`, `Eviction` of `policy/v1`. */
  readonly kind?: SubresourceKind;
  /** `status`: same object, other fields. `scale`: by the mapping. `custom`: the API server has a handler of that name. */
  readonly handler: 'status' | 'scale' | 'custom';
  /** Prepare and validate for `status` (and other same-kind subresources such as `finalize`); falls back to nothing. */
  readonly strategy?: Pick<Strategy<T>, 'prepareForUpdate' | 'validateUpdate' | 'resetFields'>;
  /** For `scale`. */
  readonly scale?: {
    readonly read: (object: T) => { readonly specReplicas: number; readonly statusReplicas: number; readonly selector: string };
    readonly write: (object: Draft<T>, replicas: number) => void;
  };
}

export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  /** Definition in the schema, such as `io.k8s.api.core.v1.Pod`. */
  readonly schema: string;
  /**
   * Where and how it is stored. Resources that share `prefix` (events of two groups) are views of one set of objects: each entry
   * but the storage version's own converts to and from it.
   */
  readonly storage: {
    /** Such as `pods` or `apps/deployments`; unique, without slashes at its ends. */
    readonly prefix: string;
    readonly group: string;
    readonly version: string;
    readonly toStorage?: (object: T) => KubeObject;
    readonly fromStorage?: (stored: KubeObject) => T;
  };
  readonly subresources: readonly SubresourceDefinition<T>[];
  /** Read, but stored nowhere: the API server has a handler that makes its objects when they are asked for. */
  readonly computed?: boolean;
  /** Said as a warning with every answer. */
  readonly deprecation?: string;
  readonly columns: readonly PrinterColumn<T>[];
  readonly strategy: Strategy<T>;
  /** Field labels beyond metadata.name and metadata.namespace, such as `spec.nodeName`. A label that is not listed is refused. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string>>;
}
