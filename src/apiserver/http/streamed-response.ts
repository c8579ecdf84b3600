/** Back-pressure over a Node stream that an answer is written to. */
import type { Writable } from 'node:stream';
import type { OpenResponse } from './exchange.ts';

export class StreamedResponse implements OpenResponse {
  readonly #stream: Writable;
  readonly #abort: () => void;
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(stream: Writable, options: { readonly abort: () => void }) {
    this.#stream = stream;
    this.#abort = options.abort;
    stream.on('drain', () => this.#settle());
    stream.once('close', () => this.#settle());
    // A client that goes away in the middle is no error of ours; whoever writes next is told.
    stream.on('error', () => this.#settle());
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  writeNow(chunk: Uint8Array): boolean {
    if (this.#gone) return false;
    return this.#stream.write(chunk);
  }

  write(chunk: Uint8Array, taken?: () => void): Promise<void> {
    if (this.#gone) return Promise.reject(clientGone());
    this.#stream.write(chunk, taken && ((error) => error ?? taken()));
    return this.drained();
  }

  drained(): Promise<void> {
    if (this.#gone) return Promise.reject(clientGone());
    if (!this.#stream.writableNeedDrain) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  end(): void {
    if (!this.#gone) this.#stream.end();
  }

  abort(): void {
    this.#abort();
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded;
  }

  #settle(): void {
    const waiting = this.#drained;
    this.#drained = undefined;
    if (!waiting) return;
    if (this.#gone) waiting.reject(clientGone());
    else waiting.resolve();
  }
}

function clientGone(): Error {
  return new DOMException('the client went away', 'AbortError');
}
