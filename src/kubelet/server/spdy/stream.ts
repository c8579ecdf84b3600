/**
 * One stream of a SPDY session as a Node stream: either side can end its half while the other goes on. It raises no errors: when
 * the peer resets it or the connection breaks, reading ends after what had arrived, and what is still written is dropped. Whoever
 * must tell these apart listens to `reset`.
 */
import { Duplex } from 'node:stream';
import type { StreamHeaders } from './headers.ts';

/** How much a reader may be behind before the whole connection is held up: SPDY's peers here know no window of a stream. */
const highWaterMark = 256 * 1024;

/** What a stream asks of its session. */
export interface StreamCarrier {
  /** @param done called when the bytes have left this process */
  sendData(streamId: number, chunks: readonly Buffer[], done: () => void): void;
  sendFin(streamId: number, done: () => void): void;
  sendReset(streamId: number): void;
  /** The reader has more than it can take, until `readerReady`. */
  readerFull(stream: SpdyStream): void;
  readerReady(stream: SpdyStream): void;
  /** Both halves have ended, or it was reset. */
  streamGone(stream: SpdyStream): void;
}

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: StreamHeaders;
  readonly #carrier: StreamCarrier;
  #remoteEnded = false;
  #localEnded = false;
  /** Nothing can be sent any more. */
  #broken = false;
  constructor(id: number, headers: StreamHeaders, carrier: StreamCarrier) {
    super({ allowHalfOpen: true, highWaterMark, emitClose: true });
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
  }

  // What the session tells.

  receive(chunk: Buffer): void {
    if (this.#remoteEnded || this.destroyed || chunk.length === 0) return;
    if (!this.push(chunk)) this.#carrier.readerFull(this);
  }

  /** The peer ended its half. */
  receiveFin(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.push(null);
    // Nothing more comes, however slowly the rest is read.
    this.#carrier.readerReady(this);
    this.#forgetWhenDone();
  }

  /** The peer reset the stream, or the connection is gone. */
  receiveReset(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#localEnded = true;
    this.receiveFin();
    this.emit('reset');
    this.#forgetWhenDone();
  }

  // What Node's streams ask.

  override _read(): void {
    this.#carrier.readerReady(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#broken) done();
    else this.#carrier.sendData(this.id, [chunk], done);
  }

  override _writev(items: { readonly chunk: Buffer }[], done: () => void): void {
    if (this.#broken) done();
    else
      this.#carrier.sendData(
        this.id,
        items.map(({ chunk }) => chunk),
        done,
      );
  }

  override _final(done: () => void): void {
    if (this.#localEnded) {
      done();
      return;
    }
    this.#localEnded = true;
    this.#carrier.sendFin(this.id, done);
    this.#forgetWhenDone();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#broken && !(this.#localEnded && this.#remoteEnded)) this.#carrier.sendReset(this.id);
    this.#broken = true;
    this.#carrier.readerReady(this);
    this.#carrier.streamGone(this);
    done(error);
  }

  #forgetWhenDone(): void {
    if (this.#localEnded && this.#remoteEnded) this.#carrier.streamGone(this);
  }
}
