/** An HTTP/2 stream as an exchange, on the stream API: the compatibility layer costs a fifth of the throughput. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Peer } from '../auth/client-certificate.ts';
import type { RequestDeadlines } from './request-deadlines.ts';
import { bodyTooLarge, clientGone, type Exchange, type OpenResponse, type OutgoingHeaders } from './exchange.ts';
import { StreamedResponse } from './streamed-response.ts';

const emptyBody = Buffer.alloc(0);

export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly peer: Peer;
  readonly upgrade = undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #lines: readonly string[];
  readonly #hasBody: boolean;
  #abort: AbortController | undefined;

  /** `lines` are the headers as they came; `hasBody` is false when the request ended with them. */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: { readonly peer: Peer; readonly lines: readonly string[]; readonly hasBody: boolean },
  ) {
    this.#stream = stream;
    this.#headers = headers;
    this.#lines = options.lines;
    this.#hasBody = options.hasBody;
    this.method = headers[':method'] as string;
    // A CONNECT has none.
    this.target = headers[':path'] ?? '';
    this.peer = options.peer;
  }

  get remoteAddress(): string {
    return this.#stream.session?.socket.remoteAddress ?? '';
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = (this.#abort = new AbortController());
      if (this.#stream.closed || this.#stream.destroyed) abort.abort(clientGone);
      else this.#stream.once('close', () => abort.abort(clientGone));
    }
    return this.#abort.signal;
  }

  headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return Object.fromEntries(Object.entries(this.#headers).filter(([name]) => !name.startsWith(':')));
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headerLines(): readonly string[] {
    return this.#lines;
  }

  body(limitBytes: number, deadlines: RequestDeadlines): Promise<Buffer> {
    if (!this.#hasBody) return Promise.resolve(emptyBody);
    if (Number(this.#headers['content-length'] ?? 0) > limitBytes) return Promise.reject(bodyTooLarge(limitBytes));
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const came = deadlines.awaitBody(reject);
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        // What comes after is dropped: the answer is on its way.
        if (size > limitBytes) reject(bodyTooLarge(limitBytes));
        else chunks.push(chunk);
      });
      stream.once('end', () => {
        came();
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      });
      stream.once('aborted', () => {
        came();
        reject(new Error('the client went away'));
      });
    });
  }

  bodyStream(): AsyncIterable<Uint8Array> {
    return this.#stream as AsyncIterable<Uint8Array>;
  }

  send(status: number, headers: OutgoingHeaders, body: Uint8Array): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    this.#refuseRest();
    headers[':status'] = String(status);
    if (body.length === 0) {
      stream.respond(headers, { endStream: true });
    } else {
      stream.respond(headers);
      stream.end(body);
    }
  }

  /** A body that nobody reads any more must not hold the connection's window, nor go on for ever. */
  #refuseRest(): void {
    const stream = this.#stream;
    if (!this.#hasBody || stream.readableEnded) return;
    stream.resume();
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  open(status: number, headers: OutgoingHeaders): OpenResponse {
    const stream = this.#stream;
    if (!stream.closed && !stream.destroyed) stream.respond({ ...headers, ':status': String(status) });
    return new StreamedResponse(stream, { abort: () => stream.close(constants.NGHTTP2_CANCEL) });
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}
