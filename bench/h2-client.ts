/** The least HTTP/2 client: one connection, requests on it, answers whole or piece by piece. What it spends is not the server's to answer for. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTls } from 'node:tls';

export interface H2Target {
  readonly port: number;
  /** PEM texts. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface H2Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  /** Default JSON. */
  readonly type?: string;
  /** Takes the answer's pieces; without it they are kept for `text`. */
  readonly onData?: (piece: Buffer) => void;
  /** Cancels the stream. */
  readonly signal?: AbortSignal;
}

export interface H2Answer {
  readonly status: number;
  readonly bytes: number;
  readonly text: () => string;
}

const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 1 << 28;

export class H2Connection implements Disposable {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** Resolves when the server has said its settings. */
  static open({ port, ...tls }: H2Target): Promise<H2Connection> {
    return new Promise((resolve, reject) => {
      const session = connect(`https://127.0.0.1:${port}`, {
        createConnection: () => connectTls({ host: '127.0.0.1', port, ...tls, ALPNProtocols: ['h2'] }),
        settings: { initialWindowSize: streamWindowBytes, enablePush: false },
      });
      session.once('error', reject);
      session.once('remoteSettings', () => {
        session.setLocalWindowSize(connectionWindowBytes);
        resolve(new H2Connection(session));
      });
    });
  }

  /** @throws when the stream breaks off */
  request({ method, path, body, type = 'application/json', onData, signal }: H2Request): Promise<H2Answer> {
    return new Promise((resolve, reject) => {
      const headers: OutgoingHttpHeaders = { ':method': method, ':path': path, accept: 'application/json' };
      if (body !== undefined) headers['content-type'] = type;
      const stream = this.#session.request(headers, { endStream: body === undefined });
      signal?.addEventListener('abort', () => stream.close(constants.NGHTTP2_CANCEL), { once: true });
      const pieces: Buffer[] = [];
      let status = 0;
      let bytes = 0;
      stream.on('response', (head) => (status = head[':status'] ?? 0));
      stream.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (onData) onData(piece);
        else pieces.push(piece);
      });
      stream.on('end', () => resolve({ status, bytes, text: () => Buffer.concat(pieces).toString() }));
      stream.on('error', reject);
      stream.on('close', () => reject(new Error(`${method} ${path}: the stream was closed`)));
      if (body !== undefined) stream.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
