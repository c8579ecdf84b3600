/** Compresses what is written before it is passed on, chunk by chunk and with the back-pressure of what comes after. */
import { once } from 'node:events';
import { constants, createGzip } from 'node:zlib';
import type { ResponseSink } from '../request.ts';

export class GzipSink implements ResponseSink {
  readonly #gzip = createGzip({ level: constants.Z_BEST_SPEED });
  readonly #forwarded: Promise<void>;

  constructor(sink: ResponseSink) {
    this.#forwarded = this.#forward(sink);
    // Whoever waits for `finish` hears of it; until then it only stops the writing.
    this.#forwarded.catch(() => this.#gzip.destroy());
  }

  async write(chunk: Uint8Array, taken?: () => void): Promise<void> {
    if (this.#gzip.destroyed) return this.#forwarded;
    if (!this.#gzip.write(chunk, taken && ((error) => error ?? taken()))) await Promise.race([once(this.#gzip, 'drain'), this.#forwarded]);
  }

  /** Sends the rest. @throws the reason when the client is gone */
  async finish(): Promise<void> {
    this.#gzip.end();
    await this.#forwarded;
  }

  async #forward(sink: ResponseSink): Promise<void> {
    for await (const chunk of this.#gzip) await sink.write(chunk as Uint8Array);
  }
}
