/**
 * The API server as a client sees it from within the process: the same authorization, admission, validation and store, without
 * socket and text. Bodies pass the schema walk, which copies them; answers are the shared objects of the cache.
 */
import { ApiError, type JsonObject, type KubeObject, type ResourceRef, resourcePath } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import { type Clock, isAbort, type Logger, offAbort, onAbort } from '../../base/index.ts';
import {
  type Discovery,
  type Fence,
  formatFence,
  type Query,
  type ResourceRequest,
  type Transport,
  type WatchEvent,
  type WatchRequest,
} from '../../client/index.ts';
import type { RequestAudit } from '../audit/index.ts';
import type { OpenWatch } from '../cache/watch-opener.ts';
import type { TellableEvent } from '../cache/watcher.ts';
import type { FilteredCall, Step } from '../filters/index.ts';
import type { Seat } from '../flowcontrol/index.ts';
import { listMetaOf } from '../rendering/rendering.ts';
import { partialMetadataOf } from '../rendering/partial-metadata.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { RequestContext, RequestInfo, UserInfo } from '../request.ts';
import { queryOf } from '../routing/query.ts';
import { singleName } from '../routing/request-info.ts';
import { toApiError } from '../server/error-mapping.ts';
import { notServed } from '../server/handler.ts';
import type { Answer } from '../verbs/answer.ts';
import type { BodySource } from '../verbs/body.ts';

export interface InProcessOptions {
  /** What every request passes. */
  readonly answer: Step;
  readonly nextAuditId: () => string;
  readonly user: UserInfo;
  /** As a client over the network would say in its User-Agent; default: the user's name without `system:`. */
  readonly userAgent?: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
  readonly discover: () => Discovery;
}

const methods: Readonly<Record<ResourceRequest['verb'], string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

export function createInProcessTransport(options: InProcessOptions): Transport {
  return {
    request: (request) => send(options, request),
    watch: (request) => watch(options, request),
    discover: () => Promise.resolve(options.discover()),
    close: () => Promise.resolve(),
  };
}

async function send(options: InProcessOptions, request: ResourceRequest): Promise<JsonObject> {
  request.signal.throwIfAborted();
  const verb = request.subresource !== undefined && request.verb === 'list' ? 'get' : request.verb;
  const incoming = new InProcessCall(options, { ...request, verb, method: methods[request.verb] });
  try {
    const answer = await options.answer(incoming);
    incoming.audit?.answered(answer);
    const object = objectOf(answer, request.as === 'metadata');
    incoming.audit?.completed('status' in answer ? answer.status : 200);
    return object;
  } catch (error) {
    if (isAbort(error, request.signal)) throw error;
    throw failed(options, incoming, error);
  } finally {
    incoming.seat?.release();
  }
}

function failed({ log }: InProcessOptions, { audit }: InProcessCall, error: unknown): ApiError {
  const failure = toApiError(error, log);
  audit?.failed(failure);
  audit?.completed(failure.code);
  return failure;
}

/** The answer as an object; shared. */
function objectOf(answer: Answer, asMetadata: boolean): JsonObject {
  switch (answer.type) {
    case 'stored':
      return shown(answer.view, answer.view.objectOf(answer.object), asMetadata);
    case 'list': {
      const { view, page } = answer;
      const items = page.objects.map((stored) => shown(view, view.objectOf(stored), asMetadata));
      // List metadata is plain data.
      const metadata = listMetaOf(page) as unknown as JsonObject;
      return { kind: view.definition.listKind, apiVersion: view.apiVersion, metadata, items };
    }
    case 'object':
      // An object is a JSON tree.
      return answer.object as JsonObject;
    case 'bytes':
      return JSON.parse(typeof answer.body === 'string' ? answer.body : Buffer.from(answer.body).toString('utf8')) as JsonObject;
    default:
      throw notServed(`a ${answer.type} answer is not supported in-process`);
  }
}

function shown(_view: ResourceView, object: KubeObject, asMetadata: boolean): JsonObject {
  // An object is a JSON tree.
  return (asMetadata ? partialMetadataOf(object) : object) as unknown as JsonObject;
}

async function* watch(options: InProcessOptions, request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
  const { signal } = request;
  signal.throwIfAborted();
  let wake: () => void = () => {};
  const incoming = new InProcessCall(options, { ...request, verb: 'watch', method: 'GET' });
  const { open, view, timeoutMs } = await openAnswer(options, incoming);
  const watched = await open(() => wake())
    .catch((error: unknown) => {
      throw failed(options, incoming, error);
    })
    // Only what a watch costs at its beginning is limited.
    .finally(() => incoming.seat?.release());
  using _deadline = options.clock.setTimer(timeoutMs, () => watched.watcher.end('closed'));
  const look = (): void => wake();
  onAbort(signal, look);
  onAbort(options.signal, look);
  try {
    yield* initialEvents(watched, view, request.as === 'metadata');
    while (!signal.aborted && !options.signal.aborted) {
      const events = watched.watcher.take();
      if (events.length > 0) {
        yield events.map((event) => told(event, view, request.as === 'metadata'));
        continue;
      }
      if (watched.watcher.ended) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    signal.throwIfAborted();
  } finally {
    offAbort(signal, look);
    offAbort(options.signal, look);
    watched.close();
    incoming.audit?.completed(200);
  }
}

async function openAnswer(options: InProcessOptions, incoming: InProcessCall): Promise<Extract<Answer, { readonly type: 'watch' }>> {
  try {
    const answer = await options.answer(incoming);
    incoming.audit?.answered(answer);
    if (answer.type === 'watch') return answer;
  } catch (error) {
    incoming.seat?.release();
    throw failed(options, incoming, error);
  }
  throw notServed('not a watch');
}

function* initialEvents(watched: OpenWatch, view: ResourceView, asMetadata: boolean): Generator<readonly WatchEvent[]> {
  if (watched.failure) {
    // An ERROR event carries a Status in place of an object.
    yield [{ type: 'ERROR', object: watched.failure.toStatus() as unknown as KubeObject }];
    watched.watcher.end('closed');
    return;
  }
  if (watched.initial.length > 0) {
    yield watched.initial.map((stored) => {
      const object = view.objectOf(stored);
      return { type: 'ADDED' as const, object: asMetadata ? partialMetadataOf(object) : object };
    });
  }
  if (watched.initialEnd) yield [told(watched.initialEnd, view, asMetadata)];
}

function told(event: TellableEvent, view: ResourceView, asMetadata: boolean): WatchEvent {
  const object = view.objectOf(event.object);
  return { type: event.type, object: asMetadata ? partialMetadataOf(object) : object };
}

interface CallTarget {
  readonly verb: string;
  readonly method: string;
  readonly resource: ResourceRef;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly patchType?: string;
  readonly fence?: Fence;
  readonly signal: AbortSignal;
}

class InProcessCall implements FilteredCall {
  readonly info: RequestInfo;
  readonly method: string;
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  readonly remoteAddress = '';
  audit: RequestAudit | undefined = undefined;
  seat: Seat | undefined = undefined;
  #auditId: string | undefined;
  readonly #options: InProcessOptions;
  readonly #target: CallTarget;

  constructor(options: InProcessOptions, target: CallTarget) {
    const { resource, namespace = '', name = '', subresource = '' } = target;
    const [part = '', ...rest] = subresource.split('/');
    this.#options = options;
    this.#target = target;
    this.user = options.user;
    this.method = target.method;
    this.signal = target.signal;
    const query = queryOf(target.query);
    this.info = {
      isResourceRequest: true,
      verb: target.verb,
      path: resourcePath(resource, target),
      apiGroup: resource.group,
      version: resource.version,
      resource: resource.plural,
      subresource: part,
      subpath: rest.length > 0 ? `/${rest.join('/')}` : '',
      // The namespace of a namespace is the namespace itself, as its path says.
      namespace: resource.namespaced ? namespace : resource.plural === 'namespaces' && resource.group === '' ? name : '',
      name: name === '' && (target.verb === 'list' || target.verb === 'watch') ? singleName(query.get('fieldSelector')) : name,
      query,
    };
  }

  get auditId(): string {
    return (this.#auditId ??= this.#options.nextAuditId());
  }

  /** As it would stand on the wire; only audit asks. */
  get target(): string {
    const given = Object.entries(this.#target.query ?? {}).filter(([, value]) => value !== undefined);
    if (given.length === 0) return this.info.path;
    return `${this.info.path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
  }

  header(): undefined {
    return undefined;
  }

  get userAgent(): string {
    const { userAgent } = this.#options;
    if (userAgent !== undefined) return userAgent;
    const { name } = this.user;
    return name.slice(name.lastIndexOf(':') + 1);
  }

  get fence(): string | undefined {
    return this.#target.fence && formatFence(this.#target.fence);
  }

  warn(message: string): void {
    this.#options.log.debug('API warning', { message, user: this.user.name });
  }

  readBody(): Promise<BodySource> {
    const { patchType, body } = this.#target;
    return Promise.resolve({ contentType: patchType ?? '', bytes: undefined, value: body });
  }

  context(): RequestContext {
    return {
      user: this.user,
      info: this.info,
      method: this.method,
      target: this.info.path,
      signal: this.signal,
      clock: this.#options.clock,
      log: this.#options.log,
      remoteAddress: '',
      upgrade: undefined,
      headers: () => ({}),
      header: () => undefined,
      body: () => Promise.resolve(this.#bodyBytes()),
      bodyStream: () => once(this.#bodyBytes()),
      warn: (message) => this.warn(message),
    };
  }

  #bodyBytes(): Buffer {
    const { body } = this.#target;
    if (body === undefined) return Buffer.alloc(0);
    try {
      return Buffer.from(stringifyJson(body));
    } catch (error) {
      throw new ApiError({ code: 400, reason: 'BadRequest', message: 'the body is not JSON' }, { cause: error });
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
