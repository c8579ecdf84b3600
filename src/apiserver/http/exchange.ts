/**
 * One request and its answer on the wire, whatever the protocol: the smallest surface that the handler chain needs. Two
 * implementations: an HTTP/2 stream and an HTTP/1.1 message.
 */
import { ApiError } from '../../api/index.ts';
import type { Peer } from '../auth/client-certificate.ts';
import type { ResponseSink, UpgradeRequest } from '../request.ts';
import type { RequestDeadlines } from './request-deadlines.ts';

/** Largest request body. @source apiserver MaxRequestBodyBytes */
export const maxRequestBodyBytes = 3 * 1024 * 1024;

export type OutgoingHeaders = Record<string, string | string[]>;

/** A streamed answer. `end` sends the last byte and waits for nothing. */
export interface OpenResponse extends ResponseSink {
  /** Writes without waiting; false when the client does not keep up. */
  writeNow(chunk: Uint8Array): boolean;
  /** Resolves when more may be written. @throws when the client is gone */
  drained(): Promise<void>;
  /** Bytes handed over that the client has not taken yet. */
  readonly pendingBytes: number;
  end(): void;
  /** Breaks the connection off in the middle of the answer, so that the client does not take it for whole. */
  abort(): void;
}

export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly remoteAddress: string;
  readonly peer: Peer;
  readonly upgrade: UpgradeRequest | undefined;
  /** Aborts when the client is gone before the answer is complete. */
  readonly signal: AbortSignal;
  /** Names in lower case, without HTTP/2's own. */
  headers(): Readonly<Record<string, string | readonly string[] | undefined>>;
  /** @param name lower case */
  header(name: string): string | undefined;
  /** Names and values in turn, each line of its own, as they came. */
  headerLines(): readonly string[];
  /** @throws ApiError RequestEntityTooLarge, Timeout */
  body(limitBytes: number, deadlines: RequestDeadlines): Promise<Buffer>;
  bodyStream(): AsyncIterable<Uint8Array>;
  /** Sends the whole answer. */
  send(status: number, headers: OutgoingHeaders, body: Uint8Array): void;
  open(status: number, headers: OutgoingHeaders): OpenResponse;
  /** Breaks the exchange off: there will be no (whole) answer. */
  abort(): void;
}

/** Why requests end whose client is gone: one for all of them, since a reason of its own takes its time to make, and thousands may end at once. */
export const clientGone = new DOMException('the client went away', 'AbortError');

export function bodyTooLarge(limitBytes: number): ApiError {
  return new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${limitBytes}`,
  });
}
