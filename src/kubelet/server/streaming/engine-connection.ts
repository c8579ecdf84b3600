/**
 * The connection to the container engine's streaming server, at the URL that a CRI call answered. SPDY/3.1 always: the WebSocket
 * protocols that engines offer have no way to end stdin.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { HttpFailure } from '../http-failure.ts';
import { SpdySession } from '../spdy/index.ts';
import { EngineTransport } from './engine-transport.ts';

/** Longest head of an answer, and most of a refusal's text that is passed on. */
const maxHeadBytes = 64 * 1024;
const maxRefusalBytes = 4096;
const headEnd = '\r\n\r\n';

/** @throws HttpFailure when the engine cannot be reached or does not switch protocols */
export async function connectEngine(url: string, protocol: string, signal: AbortSignal): Promise<SpdySession> {
  const { protocol: scheme, hostname, host, port, pathname, search } = new URL(url);
  // GAP(engine-streaming-tls): engines can be set up to stream over TLS.
  if (scheme !== 'http:') throw new HttpFailure(500, `streaming server of the container engine at ${scheme} is not supported`);
  const transport = await dial({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 80) }, signal);
  const head = [
    `POST ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${protocol}`,
    'Content-Length: 0',
  ];
  transport.write(head.join('\r\n') + headEnd);
  try {
    await readAnswer(transport, signal);
  } catch (error) {
    transport.destroy();
    throw error;
  }
  return new SpdySession({ transport, role: 'client' });
}

async function dial(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<EngineTransport> {
  try {
    return await EngineTransport.connect(address, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new HttpFailure(500, `error dialing backend: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Reads up to the end of the head and gives the rest back. @throws HttpFailure when it does not say 101 */
async function readAnswer(transport: Duplex, signal: AbortSignal): Promise<void> {
  let answer = Buffer.alloc(0);
  while (!answer.includes(headEnd) && !transport.readableEnded && answer.length < maxHeadBytes) {
    const chunk = transport.read() as Buffer | null;
    if (chunk) answer = Buffer.concat([answer, chunk]);
    else await Promise.race([once(transport, 'readable', { signal }), once(transport, 'end', { signal })]);
  }
  const end = answer.indexOf(headEnd);
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString('latin1', 0, 16))?.[1];
  if (end >= 0 && status === '101') {
    const rest = answer.subarray(end + headEnd.length);
    if (rest.length > 0) transport.unshift(rest);
    return;
  }
  const text = answer
    .toString('utf8', end < 0 ? 0 : end + headEnd.length)
    .slice(0, maxRefusalBytes)
    .trim();
  throw new HttpFailure(500, `unable to upgrade connection to the container engine: ${status ?? 'no answer'} ${text}`.trim());
}
