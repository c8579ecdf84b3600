/**
 * One HTTP GET to a container as probes and life-cycle hooks make it: no certificate check, no proxy, no kept connection, redirects
 * followed on the same host only, a bounded body.
 * @source pkg/probe/http (v1.35)
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { corev1 } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { joinHostPort, networkErrorText } from './network-error.ts';
import { maxOutputBytes } from './outcome.ts';

const maxRedirects = 10;

export interface HttpGetTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** May hold a query. */
  readonly path: string;
  readonly headers: readonly corev1.HTTPHeader[];
  readonly userAgent: string;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** At most 10 KiB of it. */
  readonly body: string;
}

/** The request failed before an answer was there; the message is that of the event. */
export class HttpGetError extends Error {
  override readonly name = 'HttpGetError';
}

/** @throws HttpGetError, or the signal's reason */
export async function httpGet(target: HttpGetTarget, clock: Clock, signal: AbortSignal): Promise<HttpAnswer> {
  const limit = new AbortController();
  using _timer = clock.setTimer(target.timeoutMs, () => limit.abort());
  const either = AbortSignal.any([signal, limit.signal]);
  const first = urlOf(target);
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const progress = { connected: false };
    let answer: HttpAnswer & { readonly location: string | undefined };
    try {
      answer = await send(url, target, either, progress);
    } catch (error) {
      signal.throwIfAborted();
      const reason = limit.signal.aborted ? timeoutText(url, progress) : networkErrorText(error, hostOf(url), portOf(url));
      throw new HttpGetError(`Get ${JSON.stringify(url.text)}: ${reason}`, { cause: error });
    }
    const next = redirectTarget(answer, url);
    if (!next || hostOf(next) !== hostOf(first)) return answer;
    if (redirects + 1 >= maxRedirects) throw new HttpGetError(`Get ${JSON.stringify(next.text)}: stopped after ${maxRedirects} redirects`);
    url = next;
  }
}

/** A URL that keeps the path as it was written: JavaScript's own would resolve `..` in it. */
interface Url {
  readonly scheme: 'http' | 'https';
  readonly authority: { readonly host: string; readonly port: number };
  readonly path: string;
  readonly text: string;
}

function makeUrl(scheme: 'http' | 'https', host: string, port: number, path: string): Url {
  return { scheme, authority: { host, port }, path, text: `${scheme}://${joinHostPort(host, port)}${path}` };
}

function urlOf({ scheme, host, port, path }: HttpGetTarget): Url {
  const withoutFragment = path.replace(/#.*$/s, '');
  const escaped = withoutFragment.replaceAll(/[^\x21-\x7e]/gu, (char) => encodeURIComponent(char.toWellFormed()));
  return makeUrl(scheme, host, port, escaped.startsWith('/') ? escaped : `/${escaped}`);
}

const hostOf = (url: Url): string => url.authority.host;
const portOf = (url: Url): number => url.authority.port;

function redirectTarget({ status, location }: { status: number; location: string | undefined }, from: Url): Url | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined || !URL.canParse(location, from.text)) return undefined;
  const to = new URL(location, from.text);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') return undefined;
  const scheme = to.protocol === 'http:' ? 'http' : 'https';
  const host = to.hostname.replace(/^\[(.*)\]$/, '$1');
  return makeUrl(scheme, host, to.port === '' ? (scheme === 'http' ? 80 : 443) : Number(to.port), to.pathname + to.search);
}

function timeoutText(url: Url, { connected }: { connected: boolean }): string {
  const reason = connected ? 'context deadline exceeded' : `dial tcp ${joinHostPort(hostOf(url), portOf(url))}: i/o timeout`;
  return `${reason} (Client.Timeout exceeded while awaiting headers)`;
}

/** Headers by lower-case name. An empty value takes a default header away. */
function headersOf({ headers, userAgent }: HttpGetTarget, url: Url): Record<string, string | string[]> {
  const result: Record<string, string[]> = {};
  for (const { name, value } of headers) (result[name.toLowerCase()] ??= []).push(value);
  result['user-agent'] ??= [userAgent];
  result['accept'] ??= ['*/*'];
  for (const name of ['user-agent', 'accept']) if (result[name]![0] === '') delete result[name];
  return { ...result, host: result['host']?.[0] || joinHostPort(hostOf(url), portOf(url)), connection: 'close' };
}

function send(
  url: Url,
  target: HttpGetTarget,
  signal: AbortSignal,
  progress: { connected: boolean },
): Promise<HttpAnswer & { location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { ...url.authority, path: url.path, method: 'GET', agent: false as const, headers: headersOf(target, url), signal };
    const onAnswer = (answer: IncomingMessage): void => {
      readBody(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body, location: answer.headers.location }), reject);
    };
    const call = url.scheme === 'http' ? requestHttp(options, onAnswer) : requestHttps({ ...options, rejectUnauthorized: false }, onAnswer);
    call.once('socket', (socket) => socket.once('connect', () => (progress.connected = true)));
    call.once('error', reject);
    call.end();
  });
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early closes the connection.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxOutputBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxOutputBytes).toString('utf8');
}
