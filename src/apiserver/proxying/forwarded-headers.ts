/**
 * Which headers go on to a backend and which come back. Those of the connection stay on it; the client's credentials are for the
 * API server and for nobody behind it.
 */
import type { RequestContext, UpgradeRequest } from '../request.ts';

type IncomingHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Of one connection only. @source RFC 9110 7.6.1 */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

const bearerProtocolPrefix = 'base64url.bearer.authorization.k8s.io.';

/** What a pod may allow browsers to do is not for it to say in the name of the API server. */
const corsPrefix = 'access-control-';

/** Headers for a proxied request. */
export function requestHeaders(ctx: RequestContext): Record<string, string | string[]> {
  const named = connectionNames(ctx.headers());
  const headers = keep(ctx.headers(), (name) => !hopByHop.has(name) && !named.has(name));
  return addForwardedFor(headers, ctx.remoteAddress);
}

/** Headers for a request that leaves HTTP: those of the connection go on too, since they ask for it. */
export function upgradeHeaders(upgrade: UpgradeRequest, remoteAddress: string): Record<string, string | string[]> {
  return addForwardedFor(
    keep(upgrade.headers, () => true),
    remoteAddress,
  );
}

/** Headers of a backend's answer as the client gets them. `content-type` and the length are the answer's own. */
export function responseHeaders(incoming: IncomingHeaders): Record<string, string | readonly string[]> {
  const named = connectionNames(incoming);
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (value === undefined || hopByHop.has(name) || named.has(name) || name.startsWith(corsPrefix) || name === 'content-type') continue;
    if (!isSendable(value)) continue;
    // Several cookies are lines of their own: joined they would be one.
    headers[name] = value;
  }
  return headers;
}

/** Backends are read leniently; what no header may hold is not passed on. */
function isSendable(value: string | readonly string[]): boolean {
  // oxlint-disable-next-line no-control-regex
  return (typeof value === 'string' ? [value] : value).every((line) => !/[^\t\x20-\x7e\x80-\xff]/.test(line));
}

function keep(incoming: IncomingHeaders, wanted: (name: string) => boolean): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (value === undefined || name === 'authorization' || name.startsWith('impersonate-')) continue;
    if (name.startsWith('x-remote-') || !wanted(name)) continue;
    const kept = name === 'sec-websocket-protocol' ? withoutBearer(value) : value;
    headers[name] = typeof kept === 'string' ? kept : [...kept];
  }
  return headers;
}

/** Browsers, which cannot set headers on a WebSocket, send their token as a protocol. */
function withoutBearer(value: string | readonly string[]): string {
  const protocols = (typeof value === 'string' ? [value] : value).flatMap((line) => line.split(',')).map((protocol) => protocol.trim());
  return protocols.filter((protocol) => !protocol.startsWith(bearerProtocolPrefix)).join(', ');
}

function connectionNames({ connection }: IncomingHeaders): ReadonlySet<string> {
  const lines = connection === undefined ? [] : typeof connection === 'string' ? [connection] : connection;
  return new Set(lines.flatMap((line) => line.split(',')).map((name) => name.trim().toLowerCase()));
}

function addForwardedFor(headers: Record<string, string | string[]>, remoteAddress: string): Record<string, string | string[]> {
  if (remoteAddress === '') return headers;
  const before = headers['x-forwarded-for'];
  const chain = before === undefined ? [] : typeof before === 'string' ? [before] : before;
  return { ...headers, 'x-forwarded-for': [...chain, remoteAddress].join(', ') };
}
