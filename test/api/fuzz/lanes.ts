/**
 * Connections that send cases, one at a time each, every one under a name of its own: by that name it is known whose case the
 * server validates.
 */
import { Agent, request as httpsRequest } from 'node:https';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { KeyPair } from '../certificates.ts';
import type { FuzzCase } from './cases.ts';

export interface LaneAnswer {
  /** 0: the connection was closed or the stream reset without an answer. */
  readonly status: number;
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface Lane {
  readonly user: string;
  send(fuzzed: FuzzCase): Promise<LaneAnswer>;
  close(): void;
}

export interface LaneOptions {
  readonly user: string;
  readonly port: number;
  readonly ca: string;
  readonly identity: KeyPair;
}

/** A long answer is not to wait for many turns of a loop that has much else to do. */
const windowBytes = 8 * 1024 * 1024;

const none: LaneAnswer = { status: 0, contentType: '', bytes: Buffer.alloc(0) };

/** Over HTTP/2, on a connection that is opened again when the server has closed it. */
export function http2Lane({ user, port, ca, identity }: LaneOptions): Lane {
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session;
    const made = connect(`https://127.0.0.1:${port}`, {
      ca,
      cert: identity.cert,
      key: identity.key,
      maxSendHeaderBlockLength: 1_000_000,
      settings: { initialWindowSize: windowBytes },
    });
    made.once('connect', () => made.setLocalWindowSize(windowBytes));
    session = made;
    session.on('error', () => {});
    return session;
  };
  return {
    user,
    send: ({ method, path, headers, body, isWatch }) =>
      new Promise((resolve) => {
        const stream = open().request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
        const chunks: Buffer[] = [];
        let answer = none;
        stream.on('response', (head) => {
          answer = { ...none, status: Number(head[':status']), contentType: head['content-type'] ?? '' };
          if (isWatch && answer.status === 200) stream.close();
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', () => {});
        stream.on('close', () => resolve({ ...answer, bytes: Buffer.concat(chunks) }));
        if (body) stream.end(body);
      }),
    close: () => session?.destroy(),
  };
}

/** Over HTTP/1.1. */
export function http1Lane({ user, port, ca, identity }: LaneOptions): Lane {
  const agent = new Agent({ ca, cert: identity.cert, key: identity.key, keepAlive: true, maxSockets: 1 });
  return {
    user,
    send: ({ method, path, headers, body, isWatch }) =>
      new Promise((resolve) => {
        // node:http refuses to send what has no place in a request line.
        const target = path.replace(/[^\x21-\x7e]/g, encodeURIComponent);
        const length = body && { 'content-length': String(body.length) };
        const outgoing = httpsRequest(
          { host: '127.0.0.1', port, method, path: target, headers: { ...headers, ...length }, agent },
          (response) => {
            const chunks: Buffer[] = [];
            const answer = { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '' };
            const finish = (): void => resolve({ ...answer, bytes: Buffer.concat(chunks) });
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('close', finish);
            response.on('error', finish);
            if (isWatch && answer.status === 200) response.destroy();
          },
        );
        outgoing.on('error', () => resolve(none));
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
