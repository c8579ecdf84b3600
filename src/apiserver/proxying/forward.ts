/**
 * Passes one HTTP request on and its answer back, both as they come: neither body is ever whole in memory. Knows nothing of pods,
 * services or kubelets.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ApiResponse, ResponseHeaders } from '../request.ts';
import { authorityOf, type Backend, connectOptionsOf } from './backend.ts';
import { responseHeaders } from './forwarded-headers.ts';

type StreamedAnswer = Extract<ApiResponse, { readonly type: 'stream' }>;

export interface ForwardedRequest {
  readonly backend: Backend;
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: AsyncIterable<Uint8Array>;
  /** Ends both sides. */
  readonly signal: AbortSignal;
}

/**
 * Sends a request and resolves with the head of its answer; the body follows as the caller reads it.
 * @throws the socket's error when the backend cannot be reached
 */
export async function openRequest(forwarded: ForwardedRequest): Promise<IncomingMessage> {
  const { backend, method, target, headers, body, signal } = forwarded;
  const make = backend.tls ? httpsRequest : httpRequest;
  const outgoing: ClientRequest = make({
    ...connectOptionsOf(backend),
    method,
    path: target,
    headers: { host: authorityOf(backend), ...headers } as Record<string, string>,
    // A connection of its own: a proxied request may stay open for hours, and its end must not wait for others.
    agent: false,
    // Many a small server ends its lines with LF alone, which Go's clients take. Nothing else travels on this connection, so there is
    // nobody whose answer a lenient reading could mix up.
    insecureHTTPParser: true,
    signal,
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  // Whoever fails first tells; the other's failure is the same one.
  const sent = sendBody(outgoing, body);
  sent.catch(() => {});
  const [response] = await answered;
  return response;
}

/** The answer of a backend as the client gets it. */
export function passOn(response: IncomingMessage, headers: ResponseHeaders = responseHeaders(response.headers)): StreamedAnswer {
  const contentType = response.headers['content-type'] ?? '';
  return {
    type: 'stream',
    status: response.statusCode ?? 502,
    contentType,
    headers,
    produce: async (sink) => {
      for await (const chunk of response as Readable) await sink.write(chunk as Uint8Array);
    },
  };
}

async function sendBody(outgoing: ClientRequest, body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  try {
    if (body) {
      for await (const chunk of body) if (!outgoing.write(chunk)) await once(outgoing, 'drain');
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}
