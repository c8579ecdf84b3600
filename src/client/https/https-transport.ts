/**
 * The transport between processes: the API over HTTP/2 and TLS. It retries what cannot have been done twice (reads, and requests
 * that never left) and what the server asks to be sent later; everything else is the caller's to decide.
 */
import type http2 from 'node:http2';
import { ApiError, type JsonObject, type metav1, resourcePath } from '../../api/index.ts';
import { backoffMs, type BackoffPolicy, type Clock, type Logger, offAbort, onAbort, type Random } from '../../base/index.ts';
import { fenceHeader, formatFence } from '../fencing.ts';
import type { Discovery, Query, ResourceRequest, Transport, WatchEvent, WatchRequest } from '../transport.ts';
import { ConnectionError } from './connection-error.ts';
import { ConnectionPool, type TlsIdentity } from './connection-pool.ts';
import { discoverOver } from './discovery.ts';
import { JsonLines } from './json-lines.ts';

export interface HttpsTransportOptions extends TlsIdentity {
  /** Such as `https://127.0.0.1:6443`; `http:` for a server behind a local proxy. */
  readonly server: string;
  /** A bearer token, or where to get the newest one. */
  readonly token?: string | (() => string);
  /** Asked at each connect and preferred to `ca`, `cert` and `key`: for certificates that are rotated. */
  readonly identity?: () => TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly userAgent?: string;
  /** More headers for every request, such as `impersonate-user`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly connectTimeoutMs?: number;
  /** Longest wait for the whole answer of a request that is not a watch; default 60 s. */
  readonly requestTimeoutMs?: number;
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMs?: number;
}

/** A request by path: for what is not a resource, such as `/version` or `/openapi/v3`, and for streams such as logs. */
export interface RawRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  /** Must be read to its end or destroyed. */
  readonly body: http2.ClientHttp2Stream;
}

export interface HttpsTransport extends Transport {
  /**
   * Sends one request and hands out the answer as it comes, whatever its status. It is not retried.
   * @throws ConnectionError when there is no answer
   */
  raw(request: RawRequest): Promise<RawResponse>;
  discover(options: { readonly signal: AbortSignal }): Promise<Discovery>;
}

/** @source client-go rest/with_retry.go: tries of a request that the server asks to send later */
const maxRetryAfters = 10;
const maxConnectionTries = 5;
const connectionBackoff: BackoffPolicy = { initialMs: 50, maxMs: 5_000 };
const methods = { get: 'GET', list: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' };
const metadataAccept = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
};

/** An answer that failed, and how long the server asks to wait before the same request. */
class Refused {
  readonly error: ApiError;
  readonly retryAfterMs: number | undefined;

  constructor(error: ApiError, retryAfterMs: number | undefined) {
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

class Http2Transport implements HttpsTransport {
  readonly #options: HttpsTransportOptions;
  readonly #pool: ConnectionPool;
  readonly #authority: string;
  readonly #basePath: string;

  constructor(options: HttpsTransportOptions) {
    this.#options = options;
    const url = new URL(options.server);
    this.#authority = url.host;
    this.#basePath = url.pathname.replace(/\/$/, '');
    this.#pool = new ConnectionPool({
      server: url.origin,
      tls: () => options.identity?.() ?? options,
      clock: options.clock,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      pingIntervalMs: options.pingIntervalMs ?? 30_000,
      pingTimeoutMs: options.pingTimeoutMs ?? 15_000,
    });
  }

  async request(request: ResourceRequest): Promise<JsonObject> {
    const raw = rawOf(request);
    const idempotent = raw.method === 'GET';
    for (let refusals = 0, failures = 0; ;) {
      try {
        return await this.#once(raw);
      } catch (error) {
        request.signal.throwIfAborted();
        const { clock, random } = this.#options;
        if (error instanceof Refused) {
          if (error.retryAfterMs === undefined || ++refusals > maxRetryAfters) throw error.error;
          await clock.sleep(error.retryAfterMs, request.signal);
        } else if (error instanceof ConnectionError && (idempotent || !error.sent) && ++failures < maxConnectionTries) {
          await clock.sleep(backoffMs(connectionBackoff, failures - 1) * (1 + random.next()), request.signal);
        } else {
          throw error;
        }
      }
    }
  }

  async *watch(request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
    const { resource, namespace, name, signal } = request;
    const query: Query = {
      ...request.query,
      watch: true,
      ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
    };
    const path = resourcePath(resource, { ...(namespace && { namespace }) }) + queryText(query);
    const { body } = await this.#answer({ method: 'GET', path, headers: { accept: acceptOf(request.as, 'object') }, signal }).catch(
      (error: unknown) => {
        throw error instanceof Refused ? error.error : error;
      },
    );
    const lines = new JsonLines();
    try {
      for await (const chunk of body) {
        // The server sends one WatchEvent a line.
        const events = lines.push(chunk as Uint8Array) as WatchEvent[];
        if (events.length > 0) yield events;
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw cause instanceof ConnectionError
        ? cause
        : new ConnectionError(`the watch of ${resource.plural} broke off`, { cause, sent: true });
    } finally {
      body.destroy();
    }
    signal.throwIfAborted();
  }

  discover({ signal }: { readonly signal: AbortSignal }): Promise<Discovery> {
    return discoverOver(async (path, accept) => {
      try {
        return await this.#once({ method: 'GET', path, headers: { accept }, signal });
      } catch (error) {
        throw error instanceof Refused ? error.error : error;
      }
    });
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    const { signal, body } = request;
    signal.throwIfAborted();
    const stream = await this.#pool.open(
      {
        ':method': request.method,
        ':path': this.#basePath + request.path,
        ':authority': this.#authority,
        accept: 'application/json',
        'user-agent': this.#options.userAgent ?? 'knarr',
        ...this.#authorization(),
        ...this.#options.headers,
        ...request.headers,
      },
      { endStream: body === undefined, signal },
    );
    const giveUp = (): void => void stream.destroy(signal.reason as Error);
    onAbort(signal, giveUp);
    stream.once('close', () => offAbort(signal, giveUp));
    return new Promise((resolve, reject) => {
      const fail = (cause?: unknown): void => {
        if (signal.aborted) reject(signal.reason as Error);
        // 7 is REFUSED_STREAM: the server says that it has not looked at the request.
        else reject(new ConnectionError(`no answer from ${this.#options.server}`, { cause, sent: stream.rstCode !== 7 }));
      };
      stream.on('error', fail);
      stream.once('close', () => fail());
      stream.once('response', (headers) => resolve({ status: headers[':status'] ?? 0, headers, body: stream }));
      if (body !== undefined) stream.end(body);
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #authorization(): { authorization?: string } {
    const { token } = this.#options;
    const text = typeof token === 'function' ? token() : token;
    return text ? { authorization: `Bearer ${text.trim()}` } : {};
  }

  /** One request and its whole answer, within the time allowed. */
  async #once(request: RawRequest): Promise<JsonObject> {
    const timeoutMs = this.#options.requestTimeoutMs ?? 60_000;
    const deadline = new AbortController();
    using _timer = this.#options.clock.setTimer(timeoutMs, () => deadline.abort());
    try {
      const { body } = await this.#answer({ ...request, signal: AbortSignal.any([request.signal, deadline.signal]) });
      return await readJson(body);
    } catch (cause) {
      request.signal.throwIfAborted();
      if (deadline.signal.aborted) throw new ConnectionError(`no whole answer in ${timeoutMs} ms`, { cause, sent: true });
      throw cause;
    }
  }

  /** @throws Refused when the status is not a success */
  async #answer(request: RawRequest): Promise<RawResponse> {
    const response = await this.raw(request);
    if (response.status >= 200 && response.status < 300) return response;
    const status = await readStatus(response);
    const error = ApiError.fromStatus(status, response.status);
    const seconds = Number(response.headers['retry-after'] ?? status.details?.retryAfterSeconds ?? Number.NaN);
    const later = (response.status === 429 || response.status >= 500) && seconds > 0;
    throw new Refused(error, later ? seconds * 1000 : undefined);
  }
}

function rawOf(request: ResourceRequest): RawRequest {
  const { verb, resource, namespace, name, subresource, query, body, patchType, fence, signal } = request;
  const target = {
    ...(namespace && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  };
  return {
    method: methods[verb],
    path: resourcePath(resource, target) + queryText(query),
    headers: {
      accept: acceptOf(request.as, verb === 'list' ? 'list' : 'object'),
      ...(body !== undefined && { 'content-type': patchType ?? 'application/json' }),
      ...(fence && { [fenceHeader]: formatFence(fence) }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal,
  };
}

function acceptOf(as: 'metadata' | undefined, shape: 'object' | 'list'): string {
  return as === 'metadata' ? metadataAccept[shape] : 'application/json';
}

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, String(value));
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

async function readText(body: http2.ClientHttp2Stream): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk as Uint8Array);
  } catch (cause) {
    throw new ConnectionError('the answer broke off', { cause, sent: true });
  }
  // A stream that was reset ends like one that is complete; its code tells.
  if (body.aborted || body.rstCode) throw new ConnectionError('the answer broke off', { sent: true });
  return Buffer.concat(chunks).toString('utf8');
}

async function readJson(body: http2.ClientHttp2Stream): Promise<JsonObject> {
  const text = await readText(body);
  try {
    return JSON.parse(text) as JsonObject;
  } catch (cause) {
    throw new ConnectionError('the answer is not JSON', { cause, sent: true });
  }
}

/** The Status of a failed answer; a proxy on the way may have sent plain text instead. */
async function readStatus({ body }: RawResponse): Promise<Partial<metav1.Status>> {
  const text = await readText(body);
  try {
    const status = JSON.parse(text) as Partial<metav1.Status>;
    if (status.kind === 'Status') return status;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return { message: text.trim().slice(0, 1000) };
}

export function createHttpsTransport(options: HttpsTransportOptions): HttpsTransport {
  return new Http2Transport(options);
}
