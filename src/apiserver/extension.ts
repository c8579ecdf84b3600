/**
 * The hook points of the API server's core. Discovery, OpenAPI, health, custom subresources, allocators and table rendering are
 * extensions: the core calls them and knows nothing of what they do.
 */
import type { Draft, JsonObject, KubeObject, ResourceDefinition } from '../api/index.ts';
import type { Clock, Logger, Random } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { Auditor } from './audit/index.ts';
import type { FlowControl } from './flowcontrol/index.ts';
import type { TokenVerdict } from './auth/token-authenticator.ts';
import type { Authorizer } from './authorization/index.ts';
import type { RequestContext, RequestHandler, RequestInfo } from './request.ts';
import type { Operation, Registry, WriteOptions } from './storage.ts';

/** What an extension is given to work with. */
export interface ApiServerHost {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Whether a user may do something, as the server itself decides; ask when a request comes, not while extensions are made. */
  readonly authorize: Authorizer;
  /** Whose a bearer token is. @param audiences who it must be for, one of them; empty: the API server itself */
  readonly reviewToken: (token: string, audiences: readonly string[]) => TokenVerdict | Promise<TokenVerdict>;
  /** How much there is of a resource and how many watch it; undefined for one that is not stored. */
  usage(group: string, resource: string): CollectionUsage | undefined;
  /** Runs the admission chain for a subresource body (Binding, Eviction, CONNECT options). */
  admit(request: SubresourceAdmission): Promise<void>;
}

/** What a resource costs whoever lists it and whoever changes it. */
export interface CollectionUsage {
  readonly objects: number;
  readonly watches: number;
  /** Of an object as it is stored; from a sample. */
  averageBytes(): number;
}

/** What a custom subresource puts before admission. */
export interface SubresourceAdmission {
  readonly operation: 'CREATE' | 'UPDATE' | 'CONNECT';
  readonly resource: ResourceDefinition;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: Draft<KubeObject> | undefined;
  readonly oldObject?: KubeObject;
  readonly options?: WriteOptions;
  readonly op: Operation;
}

/** A path outside the resources, such as `/version` or everything below `/openapi/v3/`. Authorized as a non-resource path. */
export interface RestEndpoint {
  /** Exact, or a prefix when it ends in `/*`. Exact wins over prefix, the longer prefix over the shorter. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly handle: RequestHandler;
}

/** A custom subresource: called after authorization; reads its own body with `decodeBody`. */
export type SubresourceHandler = (ctx: RequestContext, target: SubresourceTarget) => ReturnType<RequestHandler>;

export interface SubresourceTarget {
  readonly resource: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
  readonly op: Operation;
  /** `dryRun`, `fieldManager`, `fieldValidation` of the query, checked. */
  readonly options: WriteOptions;
  /** The body, decoded, checked against its kind in the subresource's definition (or the parent's), defaults applied. */
  decodeBody(): Promise<Draft<KubeObject>>;
}

/** By `resource/subresource` with the group, such as `pods/exec` or `deployments.apps/rollback`. */
export type SubresourceHandlers = Readonly<Record<string, SubresourceHandler>>;

/** The two ends of something that a hook took for an object about to be written, such as an address. Exactly one is called. */
export interface HookOutcome {
  committed(): void;
  abandoned(): void;
}

/**
 * Work of one resource around its writes: after mutating admission and the kind's own preparation, before its validation. So a
 * hook sees what an update keeps filled in, and validation sees what a hook filled in; what validation will refuse, a hook leaves
 * to it. Called for dry runs too; `options.dryRun` says so, and they end with `abandoned`.
 */
export interface ResourceHooks<T extends KubeObject = KubeObject> {
  /** May change the draft. */
  readonly beginCreate?: (
    draft: Draft<T>,
    options: WriteOptions,
    op: Operation,
  ) => HookOutcome | undefined | Promise<HookOutcome | undefined>;
  /** May change the draft; not called for subresources. */
  readonly beginUpdate?: (
    draft: Draft<T>,
    old: T,
    options: WriteOptions,
    op: Operation,
  ) => HookOutcome | undefined | Promise<HookOutcome | undefined>;
  /** The object is gone from the store; the request ends when this has. Must not throw. */
  readonly afterDelete?: (object: T) => void | Promise<void>;
}

/** Renders objects as rows of a `meta.k8s.io/v1 Table`. */
export interface TableRenderer {
  /** The `columnDefinitions` array. */
  columns(resource: ResourceDefinition): readonly JsonObject[];
  /** The `cells` of one object; called once for each object version and kept as long as ages allow. */
  cells(resource: ResourceDefinition, object: KubeObject, nowMs: number): readonly (string | number | boolean | null)[];
}

/** A request that begins, as metrics see it. */
export interface ObservedRequest {
  readonly info: RequestInfo;
  /** HTTP method, upper case. */
  readonly method: string;
  readonly dryRun: boolean;
  /** A PATCH that is a server-side apply. */
  readonly isApply: boolean;
}

export interface RequestOutcome {
  /** HTTP status; 101 for a connection that left HTTP. */
  readonly status: number;
  /** Bytes of the answer's body before compression, as far as they are known. */
  readonly bytes: number;
}

export interface ApiServerExtension {
  /** Told of every request that begins; what it returns is called once, when the answer has ended. */
  readonly observeRequest?: (request: ObservedRequest) => (outcome: RequestOutcome) => void;
  /** The audit log, of one extension. */
  readonly auditor?: Auditor | undefined;
  /** Decides who may do what, of one extension. */
  readonly authorizer?: Authorizer | undefined;
  /** What limits requests, of one extension. */
  readonly flowControl?: FlowControl | undefined;
  readonly endpoints?: readonly RestEndpoint[];
  readonly subresources?: SubresourceHandlers;
  readonly admission?: readonly AdmissionPlugin[];
  /** By `resource` or `resource.group`, such as `services`. */
  // The registry hands each hook only objects of its own resource.
  readonly hooks?: Readonly<Record<string, ResourceHooks<never>>>;
  readonly tables?: TableRenderer;
  /** Runs after the cache is filled, before the server listens; background work ends with the host's signal. */
  readonly start?: () => Promise<void>;
}

/** Makes an extension for one server. */
export type ExtensionFactory = (host: ApiServerHost) => ApiServerExtension;
