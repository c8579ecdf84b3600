/** An HTTP/1.1 message as an exchange. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Peer } from '../auth/client-certificate.ts';
import type { UpgradeRequest } from '../request.ts';
import type { RequestDeadlines } from './request-deadlines.ts';
import { bodyTooLarge, clientGone, type Exchange, type OpenResponse, type OutgoingHeaders } from './exchange.ts';
import { StreamedResponse } from './streamed-response.ts';

export class Http1Exchange implements Exchange {
  readonly peer: Peer;
  readonly upgrade: UpgradeRequest | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** Called before an answer goes out; an upgrade request has to take its socket back for that. */
  beforeAnswer: () => void = () => {};
  #abort: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, options: { readonly peer: Peer; readonly upgrade?: UpgradeRequest }) {
    this.#request = request;
    this.#response = response;
    this.peer = options.peer;
    this.upgrade = options.upgrade;
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get target(): string {
    const url = this.#request.url ?? '/';
    // Whoever takes us for a proxy sends the whole address. @source RFC 9112 3.2.2
    return url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = (this.#abort = new AbortController());
      const source = this.upgrade ? this.upgrade.socket : this.#response;
      if (source.destroyed) abort.abort(clientGone);
      else source.once('close', () => abort.abort(clientGone));
    }
    return this.#abort.signal;
  }

  headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.#request.headers;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headerLines(): readonly string[] {
    return this.#request.rawHeaders;
  }

  body(limitBytes: number, deadlines: RequestDeadlines): Promise<Buffer> {
    const request = this.#request;
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(bodyTooLarge(limitBytes));
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const came = deadlines.awaitBody(reject);
      request.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > limitBytes) reject(bodyTooLarge(limitBytes));
        else chunks.push(chunk);
      });
      request.once('end', () => {
        came();
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      });
      request.once('close', () => {
        came();
        reject(new Error('the client went away'));
      });
    });
  }

  bodyStream(): AsyncIterable<Uint8Array> {
    return this.#request as AsyncIterable<Uint8Array>;
  }

  send(status: number, headers: OutgoingHeaders, body: Uint8Array): void {
    const response = this.#response;
    if (response.destroyed) return;
    this.beforeAnswer();
    headers['content-length'] ??= String(body.length);
    // A body that was not read would be taken for the next request.
    if (!this.#request.complete) headers['connection'] = 'close';
    response.writeHead(status, headers as Record<string, string>);
    response.end(body);
  }

  open(status: number, headers: OutgoingHeaders): OpenResponse {
    const response = this.#response;
    this.beforeAnswer();
    if (!response.destroyed) {
      response.writeHead(status, headers as Record<string, string>);
      response.flushHeaders();
    }
    return new StreamedResponse(response, { abort: () => response.destroy() });
  }

  abort(): void {
    this.#response.destroy();
    this.upgrade?.socket.destroy();
  }
}
