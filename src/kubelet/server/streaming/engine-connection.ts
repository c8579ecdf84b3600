/**
 * The connection to the container engine's streaming server, at the URL that a CRI call answered. SPDY/3.1 always: the WebSocket
 * protocols that engines offer have no way to end stdin.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import { HttpFailure } from '../http-failure.ts';
import { SpdySession } from '../spdy/index.ts';

/** Most of a refusal's text that is passed on. */
const maxRefusalBytes = 4096;

/** @throws HttpFailure when the engine does not switch protocols */
export async function connectEngine(url: string, protocol: string, signal: AbortSignal): Promise<SpdySession> {
  const transport = await upgrade(new URL(url), protocol, signal);
  return new SpdySession({ transport, role: 'client' });
}

function upgrade(url: URL, protocol: string, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol, 'content-length': '0' };
    // An engine's certificate is its own; it is reached over loopback or a socket only.
    const call = request(url, { method: 'POST', headers, agent: false, signal, rejectUnauthorized: false });
    call.once('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      socket.setNoDelay(true);
      resolve(socket);
    });
    call.once('response', (answer) => {
      readText(answer).then(
        (text) => reject(new HttpFailure(500, `unable to upgrade connection to the container engine: ${answer.statusCode} ${text}`)),
        reject,
      );
    });
    call.once('error', (cause) =>
      reject(signal.aborted ? (signal.reason as Error) : new HttpFailure(500, `error dialing backend: ${cause.message}`, { cause })),
    );
    call.end();
  });
}

async function readText(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length >= maxRefusalBytes) break;
  }
  return text.slice(0, maxRefusalBytes).trim();
}
