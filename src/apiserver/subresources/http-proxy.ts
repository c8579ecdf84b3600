/**
 * Proxies HTTP and what leaves it to a backend: the common part of `pods/proxy`, `services/proxy` and `nodes/proxy`.
 * @source apimachinery pkg/util/proxy/upgradeaware.go, transport.go
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { ApiError, type Draft, type KubeObject } from '../../api/index.ts';
import type { ApiServerHost, SubresourceHandler } from '../extension.ts';
import {
  authorityOf,
  type Backend,
  backendPath,
  backendUnreachable,
  openRequest,
  openTunnel,
  passOn,
  rawQuery,
  requestHeaders,
  responseHeaders,
  rewriteLinks,
  rewriteLocation,
  serviceUnreachable,
  upgradeHeaders,
} from '../proxying/index.ts';
import type { ApiResponse, RequestContext, ResponseSink } from '../request.ts';

/** A page with more is passed on with its links as they are. */
const maxPageBytes = 16 * 1024 * 1024;

export function proxyHandler(
  kind: 'PodProxyOptions' | 'ServiceProxyOptions' | 'NodeProxyOptions',
  host: ApiServerHost,
  find: (key: { readonly namespace: string; readonly id: string }) => Backend,
): SubresourceHandler {
  return async (ctx, target) => {
    const path = backendPath(ctx.info);
    // Options have no metadata; admission reads kind and path only.
    const options = { apiVersion: 'v1', kind, path } as unknown as Draft<KubeObject>;
    await host.admit({ operation: 'CONNECT', subresource: 'proxy', object: options, ...target });
    const backend = find({ namespace: target.namespace, id: target.name });
    return ctx.upgrade ? tunnel(ctx, backend, { path, stop: host.signal }) : forward(ctx, backend, path);
  };
}

async function tunnel(
  ctx: RequestContext,
  backend: Backend,
  { path, stop }: { readonly path: string; readonly stop: AbortSignal },
): Promise<ApiResponse> {
  const upgrade = ctx.upgrade!;
  await openTunnel({
    backend,
    method: ctx.method,
    target: (path || '/') + rawQuery(ctx.target),
    headers: { host: authorityOf(backend), ...upgradeHeaders(upgrade, ctx.remoteAddress) },
    upgrade,
    clock: ctx.clock,
    signal: AbortSignal.any([ctx.signal, stop]),
    unreachable: (error) => backendUnreachable(backend, error),
  });
  return { type: 'hijacked' };
}

async function forward(ctx: RequestContext, backend: Backend, path: string): Promise<ApiResponse> {
  const query = rawQuery(ctx.target);
  if (path === '' && (ctx.method === 'GET' || ctx.method === 'HEAD')) {
    // A page's relative links need the slash.
    return { type: 'bytes', status: 301, contentType: '', body: '', headers: { Location: `${encodeURI(ctx.info.path)}/${query}` } };
  }
  const prefix = prefixOf(ctx);
  let response: IncomingMessage;
  try {
    response = await openRequest({
      backend,
      method: ctx.method,
      target: (path || '/') + query,
      headers: { ...requestHeaders(ctx), 'x-forwarded-uri': prefix + path },
      ...(hasBody(ctx) && { body: ctx.bodyStream() }),
      signal: ctx.signal,
    });
  } catch (error) {
    if (ctx.signal.aborted || error instanceof ApiError) throw error;
    throw serviceUnreachable(backend, error);
  }
  return rewritten(response, { prefix, hosts: [authorityOf(backend), ctx.header('host') ?? ''] });
}

/** The path under which the backend's root is seen. */
function prefixOf({ info }: RequestContext): string {
  const path = info.path.replace(/\/$/, '');
  return path.slice(0, path.length - info.subpath.length);
}

function hasBody(ctx: RequestContext): boolean {
  if (ctx.method === 'POST' || ctx.method === 'PUT' || ctx.method === 'PATCH') return true;
  return ctx.header('transfer-encoding') !== undefined || Number(ctx.header('content-length') ?? 0) > 0;
}

async function rewritten(
  response: IncomingMessage,
  at: { readonly prefix: string; readonly hosts: readonly string[] },
): Promise<ApiResponse> {
  const headers = responseHeaders(response.headers);
  const { location } = response.headers;
  if (location !== undefined) return passOn(response, { ...headers, location: rewriteLocation(location, at) });
  if (!isPage(response)) return passOn(response, headers);
  const chunks = (response as Readable).iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const page = await readPage(chunks);
  const text = page.isWhole ? decoded(page.bytes, response.headers['content-encoding']) : undefined;
  if (text === undefined) return { ...passOn(response, headers), produce: (sink) => produceAll(sink, page.bytes, chunks) };
  const { 'content-length': _, 'content-encoding': __, ...kept } = headers;
  return {
    type: 'bytes',
    status: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? '',
    body: rewriteLinks(text, (url) => rewriteLocation(url, at)),
    headers: kept,
  };
}

/** An HTML page in an encoding that is known. */
function isPage({ headers }: IncomingMessage): boolean {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  const encoding = headers['content-encoding'];
  return type === 'text/html' && (encoding === undefined || encoding === 'gzip');
}

/** Reads to the end or to the limit; what is left then is still to come. */
async function readPage(chunks: AsyncIterableIterator<Buffer>): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  const read: Buffer[] = [];
  let size = 0;
  while (size <= maxPageBytes) {
    const next = await chunks.next();
    if (next.done === true) return { bytes: Buffer.concat(read), isWhole: true };
    read.push(next.value);
    size += next.value.length;
  }
  return { bytes: Buffer.concat(read), isWhole: false };
}

/** The text of a page; undefined when it is not what it says it is, or unpacks to too much. */
function decoded(bytes: Buffer, encoding: string | undefined): string | undefined {
  if (encoding !== 'gzip') return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: maxPageBytes }).toString('utf8');
  } catch {
    // The backend's own business: its bytes go to the client as they are.
    return undefined;
  }
}

async function produceAll(sink: ResponseSink, first: Buffer, rest: AsyncIterable<Buffer>): Promise<void> {
  await sink.write(first);
  for await (const chunk of rest) await sink.write(chunk);
}
