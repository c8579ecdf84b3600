/**
 * Requests to one server that somebody configured: HTTPS only, no redirect is followed, the answer is limited and there is a deadline, so
 * that a server that misbehaves costs a bounded amount of memory and time.
 */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../base/index.ts';

/** The largest answer that is read. */
const maxAnswerBytes = 3 * 1024 * 1024;
const maxSockets = 16;

/** There was no answer, or none that can be used. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError';
  /** Asking again may help: the connection broke, or the server was busy or broken itself. */
  readonly retriable: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly retriable?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.retriable = options.retriable ?? false;
  }
}

export interface HttpsClientOptions {
  readonly clock: Clock;
  /** PEM; undefined: the system's authorities. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to check the certificate against, when it is not the URL's. */
  readonly serverName?: string | undefined;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class HttpsClient {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor({ clock, timeoutMs, ca, cert, key, serverName }: HttpsClientOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets,
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { servername: serverName }),
    });
  }

  /** @throws OutgoingError; the signal's reason when it aborts */
  send(
    url: string,
    request: { readonly method: 'GET' | 'POST'; readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    const target = URL.parse(url);
    if (target?.protocol !== 'https:') return Promise.reject(new OutgoingError(`${url} is not an https URL`));
    const { method, headers = {}, body } = request;
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(target, { agent: this.#agent, method, headers, signal });
      const fail = (message: string, retriable: boolean, cause?: unknown): void => {
        timer.cancel();
        reject(signal.aborted ? (signal.reason as Error) : new OutgoingError(`${method} ${url}: ${message}`, { retriable, cause }));
        outgoing.destroy();
      };
      const timer = this.#clock.setTimer(this.#timeoutMs, () => fail('context deadline exceeded', false));
      outgoing.once('error', (error: NodeJS.ErrnoException) => fail(error.message, error.code === 'ECONNRESET', error));
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes) fail(`the answer is longer than ${maxAnswerBytes} bytes`, false);
          else chunks.push(chunk);
        });
        response.once('error', (error) => fail(error.message, true, error));
        response.once('aborted', () => fail('the connection broke', true));
        response.once('end', () => {
          timer.cancel();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') });
        });
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
