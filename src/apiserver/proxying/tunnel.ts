/**
 * A connection that left HTTP (SPDY/3.1 or WebSocket), passed through byte for byte: what the client and the backend speak is
 * between them. Invariants: until the backend has answered, the client's socket is untouched, so a failure can still be told as a
 * Status; when one side ends, the other is ended too; nothing is kept beyond what the slower side has not taken yet.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { ApiError } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { UpgradeRequest } from '../request.ts';
import { type Backend, connectOptionsOf } from './backend.ts';

export interface TunnelRequest {
  readonly backend: Backend;
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  /** Of the request, as `upgradeHeaders` makes them, and `host`. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly upgrade: UpgradeRequest;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Makes the error of a backend that cannot be reached. */
  readonly unreachable: (error: unknown) => ApiError;
}

/** Most bytes of the head of an answer. */
const maxHeadBytes = 64 * 1024;
const dialTimeoutMs = 30_000;

/**
 * Connects, asks the backend to switch protocols and joins both sides. Resolves when they are joined.
 * @throws ApiError when the backend cannot be reached or does not answer as it should; the client's socket is still the caller's then
 */
export async function openTunnel(tunnel: TunnelRequest): Promise<void> {
  const backend = await dial(tunnel);
  try {
    backend.write(requestHead(tunnel));
    const head = await readHead(backend, tunnel);
    const status = statusOf(head);
    if (status !== 101 && status < 400)
      throw new ApiError({ code: 500, reason: '', message: `invalid upgrade response: status code ${status}` });
    const { socket, head: early } = tunnel.upgrade;
    socket.write(head);
    if (early.length > 0) backend.write(early);
    join(socket, backend, tunnel.signal);
  } catch (error) {
    backend.destroy();
    throw error;
  }
}

async function dial({ backend, clock, signal, unreachable }: TunnelRequest): Promise<Socket> {
  const { tls } = backend;
  const options = connectOptionsOf(backend);
  const socket = tls ? connectTls({ ...options, ALPNProtocols: ['http/1.1'] }) : connectTcp(options);
  socket.setNoDelay(true);
  using _timeout = clock.setTimer(dialTimeoutMs, () => socket.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })));
  try {
    await once(socket, tls ? 'secureConnect' : 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted || error instanceof ApiError ? error : unreachable(error);
  }
}

function requestHead({ method, target, headers }: TunnelRequest): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((line) => `${name}: ${line}`),
  );
  return [`${method} ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** Everything up to and with the first bytes after the head, as they came. */
async function readHead(backend: Socket, { signal, unreachable }: TunnelRequest): Promise<Buffer> {
  let read = Buffer.alloc(0);
  while (!read.includes('\r\n\r\n')) {
    if (read.length > maxHeadBytes) throw unreachable(new Error('the head of the answer is too long'));
    try {
      read = Buffer.concat([read, await nextChunk(backend, signal)]);
    } catch (error) {
      throw signal.aborted ? error : unreachable(error);
    }
  }
  return read;
}

function nextChunk(backend: Socket, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (result: Buffer | Error): void => {
      backend.off('data', onData).off('error', settle).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      if (result instanceof Error) {
        reject(result);
      } else {
        // Nothing is lost between this chunk and whoever reads next.
        backend.pause();
        resolve(result);
      }
    };
    const onData = (chunk: Buffer): void => settle(chunk);
    const onClose = (): void => settle(new Error('EOF'));
    const onAbort = (): void => settle(signal.reason as Error);
    backend.on('data', onData).on('error', settle).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    backend.resume();
  });
}

function statusOf(head: Buffer): number {
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1', 0, 16));
  if (!match) throw new ApiError({ code: 500, reason: '', message: 'invalid upgrade response: not HTTP' });
  return Number(match[1]);
}

function join(client: Duplex, backend: Socket, signal: AbortSignal): void {
  const end = (): void => {
    client.destroy();
    backend.destroy();
  };
  client.on('error', end).on('close', end);
  backend.on('error', end).on('close', () => client.end());
  signal.addEventListener('abort', end, { once: true });
  client.pipe(backend);
  backend.pipe(client);
}
