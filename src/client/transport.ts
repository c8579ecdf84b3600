/**
 * The one seam between a client and an API server. Two implementations: HTTPS, and in-process (the API server's own handler chain
 * without socket and text). Whatever is true of one is true of the other; a shared suite holds them to it.
 */
import type { JsonObject, KubeObject, ResourceRef } from '../api/index.ts';

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** Whose election a write leans on: the API server refuses it with 409 when the stored Lease names another holder or term. */
export interface Fence {
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  readonly holder: string;
  /** `spec.leaseTransitions` of the term. */
  readonly transitions: number;
}

/** Query parameters by their names on the wire, such as `labelSelector`, `resourceVersion`, `fieldManager`. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ResourceRequest {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  readonly resource: ResourceRef;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Query;
  /** For create, update, patch and delete (DeleteOptions). A JSON patch is an array. */
  readonly body?: unknown;
  readonly patchType?: PatchType;
  /** Set on the writes of elected components. */
  readonly fence?: Fence;
  /** `metadata`: PartialObjectMetadata is enough. A transport that saves nothing by it answers with whole objects. */
  readonly as?: 'metadata';
  readonly signal: AbortSignal;
}

export interface WatchRequest {
  readonly resource: ResourceRef;
  readonly namespace?: string;
  readonly name?: string;
  readonly query?: Query;
  /** As in a request. */
  readonly as?: 'metadata';
  readonly signal: AbortSignal;
}

/** One resource that the server serves now, without its subresources. */
export interface ServedResource {
  readonly ref: ResourceRef;
  readonly verbs: readonly string[];
  /** False for the versions of a group that are not its preferred one. */
  readonly preferred: boolean;
}

/** What discovery says. A group version whose own server does not answer is a failure, not an absence. */
export interface Discovery {
  readonly resources: readonly ServedResource[];
  readonly failures: readonly { readonly groupVersion: string; readonly message: string }[];
}

/** One event of a watch. After `ERROR` (its object is a Status) nothing follows. */
export interface WatchEvent<T = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface Transport {
  /**
   * Sends one request and returns the decoded answer, which is shared and must not be changed.
   * @throws ApiError when the server answers with a failure Status
   */
  request(request: ResourceRequest): Promise<JsonObject>;
  /**
   * Opens a watch; ends when the server ends it or the signal aborts. Events come in batches so that a busy watch costs one
   * turn of the loop a batch.
   * @throws ApiError when the server refuses it
   */
  watch(request: WatchRequest): AsyncIterable<readonly WatchEvent[]>;
  /** Everything served now. Left out by a transport that cannot tell; whoever needs it then fails by name. */
  discover?(options: { readonly signal: AbortSignal }): Promise<Discovery>;
  close(): Promise<void>;
}
