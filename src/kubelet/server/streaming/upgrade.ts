/**
 * Leaving HTTP: which protocol a client asks for and the answer that switches to it. A request that cannot be switched is answered
 * before, as HTTP.
 * @source apimachinery util/httpstream (v1.35)
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { HttpFailure } from '../http-failure.ts';

/** A connection that asks to leave HTTP. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came after the request already. */
  readonly head: Buffer;
}

/** Longest WebSocket message; clients send pieces of 32 KiB. */
const maxMessageBytes = 16 * 1024 * 1024;

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function isSpdy({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'spdy/3.1';
}

/** The first of the client's protocols that is supported. */
function negotiate<T extends string>(asked: readonly string[], supported: readonly T[]): T | undefined {
  // The find proves that it is one of ours.
  return asked.find((protocol) => (supported as readonly string[]).includes(protocol)) as T | undefined;
}

/**
 * @param fallback the protocol of clients that name none; undefined: they are refused
 * @throws HttpFailure when it is no SPDY, or nothing is in common
 */
export function spdyProtocol<T extends string>(request: IncomingMessage, supported: readonly T[], fallback?: T): T {
  if (!isSpdy(request)) throw new HttpFailure(400, 'Upgrade request required');
  const asked = headerList(request, 'x-stream-protocol-version');
  if (asked.length === 0 && fallback !== undefined) return fallback;
  const found = negotiate(asked, supported);
  if (found !== undefined) return found;
  throw new HttpFailure(
    403,
    `unable to upgrade: unable to negotiate protocol: client supports [${asked.join(' ')}], server accepts [${supported.join(' ')}]`,
  );
}

/** Answers the upgrade; SPDY begins on the returned stream. */
export function switchToSpdy({ request, socket, head }: UpgradeRequest, protocol: string): Duplex {
  const named = headerList(request, 'x-stream-protocol-version').length > 0;
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (named) lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** @throws HttpFailure when the client names protocols and none is supported */
export function webSocketProtocol<T extends string>(request: IncomingMessage, supported: readonly T[]): T {
  const asked = headerList(request, 'sec-websocket-protocol');
  const found = asked.length === 0 ? negotiate([''], supported) : negotiate(asked, supported);
  if (found !== undefined) return found;
  throw new HttpFailure(400, `requested protocol(s) are not supported: [${asked.join(' ')}]; supports [${supported.join(' ')}]`);
}

/** Answers the handshake. @throws HttpFailure when it is broken */
export function switchToWebSocket({ request, socket, head }: UpgradeRequest, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  // The protocol is chosen already, and the library refuses those that kubectl tunnels in: their names hold a slash.
  delete request.headers['sec-websocket-protocol'];
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    server.once('wsClientError', (cause) => reject(new HttpFailure(400, cause.message, { cause })));
    server.handleUpgrade(request, socket, head, resolve);
  });
}

/** Values of a header that may be there several times, or hold several. */
function headerList({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === name) values.push(...rawHeaders[index + 1]!.split(','));
  }
  return values.map((value) => value.trim()).filter((value) => value !== '');
}
