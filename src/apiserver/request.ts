/**
 * One request as every part of the API server sees it, and the forms an answer takes. A request comes from HTTP/1.1, HTTP/2 or the
 * in-process transport; nothing behind this seam knows which.
 */
import type { Duplex } from 'node:stream';
import type { JsonObject, KubeObject } from '../api/index.ts';
import type { Clock, Logger } from '../base/index.ts';

/** Who asks. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What the audit log of a request is told while it runs. */
export interface AuditNotes {
  /** The decoded body; called before anything changes it. */
  requested(body: unknown): void;
  /** A key such as `pod-security.kubernetes.io/enforce-policy`; the first value of a key stays. */
  annotate(key: string, value: string): void;
}

/** Query parameters by their names on the wire. */
export interface QueryParameters {
  /** The first value, undefined when the parameter is absent; `?watch` and `?watch=` give the empty string. */
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  has(name: string): boolean;
}

/** Where a request goes. @source apiserver pkg/endpoints/request RequestInfo */
export interface RequestInfo {
  /** Below `/api/v1/` or `/apis/<group>/<version>/`. Everything else (discovery, health, OpenAPI) is a path. */
  readonly isResourceRequest: boolean;
  /** `get list watch create update patch delete deletecollection` (`connect` of exec and the like is its HTTP verb: get or create); for paths the HTTP method in lower case. */
  readonly verb: string;
  /** The decoded path without the query. */
  readonly path: string;
  /** Empty for the core group and for paths. */
  readonly apiGroup: string;
  readonly version: string;
  readonly resource: string;
  /** Such as `status`, empty when none. */
  readonly subresource: string;
  /** What follows the subresource, such as the proxied path; with its leading slash, empty when none. */
  readonly subpath: string;
  /** Empty for cluster-scoped and all-namespace requests. */
  readonly namespace: string;
  readonly name: string;
  readonly query: QueryParameters;
}

/** The raw connection of an HTTP/1.1 request that asked for `Connection: Upgrade`. */
export interface UpgradeRequest {
  readonly socket: Duplex;
  /** Bytes that came with the head of the request and belong to the new protocol. */
  readonly head: Buffer;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface RequestContext {
  readonly user: UserInfo;
  readonly info: RequestInfo;
  /** HTTP method, upper case. */
  readonly method: string;
  /** Aborts when the client goes away, the request times out or the server stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  /** The client's address, empty in-process. */
  readonly remoteAddress: string;
  /** Set when the client wants to leave HTTP (exec, attach, port-forward, proxy). */
  readonly upgrade: UpgradeRequest | undefined;
  /** Path and query as they stand on the wire; for proxies. */
  readonly target: string;
  /** @param name lower case */
  header(name: string): string | undefined;
  /** Every header, names in lower case, without HTTP/2's own (`:path` and the like); for proxies. */
  headers(): Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * The whole body; empty when there is none.
   * @throws ApiError RequestEntityTooLarge beyond the limit
   */
  body(): Promise<Buffer>;
  /** The body as it comes, for proxies. Use either this or `body`. */
  bodyStream(): AsyncIterable<Uint8Array>;
  /** Adds a `Warning: 299` header to the answer. */
  warn(message: string): void;
}

/** Where a streamed answer is written. */
export interface ResponseSink {
  /**
   * Sends bytes; resolves when more may be sent (back-pressure).
   * @param taken called when the chunk has left and may be filled anew; not called when the client is gone before
   * @throws the signal's reason when the client is gone
   */
  write(chunk: Uint8Array, taken?: () => void): Promise<void>;
}

/** Names in any case; a list is sent as a line each. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>;

export type ApiResponse =
  /** An API object; the core negotiates its encoding (JSON, pretty, YAML, gzip). In-process callers get it as it is. */
  | { readonly type: 'object'; readonly status: number; readonly object: KubeObject | JsonObject; readonly headers?: ResponseHeaders }
  /** Bytes in their final form; compressed by the core when large and the client takes it, unless `headers` name an encoding. */
  | {
      readonly type: 'bytes';
      readonly status: number;
      readonly contentType: string;
      readonly body: Uint8Array | string;
      readonly headers?: ResponseHeaders;
    }
  /** Bytes as they come (logs, watches, proxied answers). `produce` ends the answer by returning. */
  | {
      readonly type: 'stream';
      readonly status: number;
      readonly contentType: string;
      readonly headers?: ResponseHeaders;
      readonly produce: (sink: ResponseSink) => Promise<void>;
    }
  /** The handler took `ctx.upgrade.socket` and answers on it itself; the socket is its own from now on. */
  | { readonly type: 'hijacked' };

/** Answers requests that are no plain verb on a resource; throws ApiError for failures. */
export type RequestHandler = (ctx: RequestContext) => Promise<ApiResponse>;
