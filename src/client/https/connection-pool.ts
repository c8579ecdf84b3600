/**
 * HTTP/2 connections to one server: one as long as it takes all the streams, another when the server's stream limit is reached.
 * Invariants: no stream is opened on a session that is closing; a peer that is dead without saying so is found by pings and every
 * stream on it fails; nothing here keeps the process alive or retries.
 */
import http2 from 'node:http2';
import type { Clock, Timer } from '../../base/index.ts';
import { untilAborted } from '../until-aborted.ts';
import { ConnectionError } from './connection-error.ts';

/** What proves who the client is, and how the server is known. PEM texts. */
export interface TlsIdentity {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name to expect in the server's certificate, when it is not the address's. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

export interface ConnectionPoolOptions {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string;
  /** Asked at each connect, so that rotated certificates are taken up. */
  readonly tls: () => TlsIdentity;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** A connection is pinged this often, and given up when a ping is not answered for `pingTimeoutMs`. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Receive window of a stream and of a connection: a large list must not wait for a round trip every 64 KiB. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
/** Streams on one connection where the server names no limit. */
const defaultMaxStreams = 1000;

interface Connection {
  readonly session: http2.ClientHttp2Session;
  readonly ready: Promise<void>;
  streams: number;
  pinger: Timer | undefined;
}

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #connections = new Set<Connection>();
  #closed = false;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /**
   * Opens a stream with these headers; the body, if any, is the caller's to send.
   * @throws ConnectionError with `sent` false when there is no connection to be had
   */
  async open(
    headers: http2.OutgoingHttpHeaders,
    options: { readonly endStream: boolean; readonly signal: AbortSignal },
  ): Promise<http2.ClientHttp2Stream> {
    const connection = this.#pick() ?? this.#connect();
    connection.streams++;
    try {
      await untilAborted(connection.ready, options.signal);
      const stream = connection.session.request(headers, { endStream: options.endStream });
      stream.once('close', () => connection.streams--);
      return stream;
    } catch (cause) {
      connection.streams--;
      options.signal.throwIfAborted();
      if (cause instanceof ConnectionError) throw cause;
      throw new ConnectionError(`cannot send to ${this.#options.server}`, { cause, sent: false });
    }
  }

  /** Ends every connection at once; streams on them fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const ended = [...this.#connections].map(({ session }) => {
      const gone = session.destroyed ? Promise.resolve() : new Promise<void>((resolve) => void session.once('close', resolve));
      session.destroy();
      return gone;
    });
    await Promise.all(ended);
  }

  #pick(): Connection | undefined {
    for (const connection of this.#connections) {
      const { session, streams } = connection;
      if (session.closed || session.destroyed) continue;
      const max = session.connecting ? defaultMaxStreams : (session.remoteSettings.maxConcurrentStreams ?? defaultMaxStreams);
      if (streams < max) return connection;
    }
    return undefined;
  }

  #connect(): Connection {
    const { server, clock, connectTimeoutMs } = this.#options;
    if (this.#closed) throw new ConnectionError('the transport is closed', { sent: false });
    const { ca, cert, key, serverName, insecureSkipVerify } = this.#options.tls();
    const session = http2.connect(server, {
      settings: { initialWindowSize: streamWindowBytes, enablePush: false },
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: ca as string }),
      ...(cert !== undefined && { cert: cert as string }),
      ...(key !== undefined && { key: key as string }),
      ...(serverName !== undefined && { servername: serverName }),
      ...(insecureSkipVerify && { rejectUnauthorized: false }),
    });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    // Whoever opens a stream hears of the failure; without one it is nobody's.
    ready.catch(() => {});
    const connection: Connection = { session, ready, streams: 0, pinger: undefined };
    const timer = clock.setTimer(connectTimeoutMs, () => session.destroy(new Error(`no connection in ${connectTimeoutMs} ms`)));
    let cause: unknown;
    session.once('connect', () => {
      timer.cancel();
      session.setLocalWindowSize(connectionWindowBytes);
      session.unref();
      this.#keepPinging(connection);
      resolve();
    });
    session.on('error', (error) => (cause = error));
    session.once('close', () => {
      timer.cancel();
      connection.pinger?.cancel();
      this.#connections.delete(connection);
      reject(
        new ConnectionError(`cannot connect to ${server}${cause instanceof Error ? `: ${cause.message}` : ''}`, { cause, sent: false }),
      );
    });
    this.#connections.add(connection);
    return connection;
  }

  #keepPinging(connection: Connection): void {
    const { clock, pingIntervalMs, pingTimeoutMs } = this.#options;
    const { session } = connection;
    connection.pinger = clock.setTimer(pingIntervalMs, () => {
      if (session.destroyed) return;
      const timeout = clock.setTimer(pingTimeoutMs, () => session.destroy(new Error(`no answer to a ping in ${pingTimeoutMs} ms`)));
      connection.pinger = timeout;
      session.ping((error) => {
        timeout.cancel();
        if (!error) this.#keepPinging(connection);
      });
    });
  }
}
