/**
 * A SPDY/3.1 connection with many streams over any two-way byte stream, as either side of it. Knows nothing of HTTP, exec or ports.
 * Invariants: frames are handled in the order of the wire; while a stream's reader is full nothing more is read from the connection
 * (Go's peers send no window updates, so the connection is the only window there is); after `closed` no stream carries anything.
 */
import type { Duplex } from 'node:stream';
import {
  dataHead,
  type Frame,
  FrameReader,
  goAwayFrame,
  goAwayStatus,
  pingFrame,
  resetStatus,
  rstStreamFrame,
  SpdyProtocolError,
  synReplyFrame,
  synStreamFrame,
} from './frames.ts';
import { HeaderDecoder, HeaderEncoder, type StreamHeaders } from './headers.ts';
import { type StreamCarrier, SpdyStream } from './stream.ts';

/** Most streams of one peer at once; more are refused. */
const maxPeerStreams = 4096;
/** Longest data frame that is written: a peer reads each frame whole. */
const maxDataBytes = 64 * 1024;

/** The stream could not be opened: the peer refused it, or the connection is gone. */
export class SpdyStreamError extends Error {
  override readonly name = 'SpdyStreamError';
}

export interface SpdySessionOptions {
  readonly transport: Duplex;
  readonly role: 'client' | 'server';
  /** A stream that the peer opened; without it every stream is refused. Return false to refuse one. */
  readonly onStream?: (stream: SpdyStream) => boolean;
}

interface Opening {
  readonly stream: SpdyStream;
  readonly resolve: (stream: SpdyStream) => void;
  readonly reject: (error: Error) => void;
}

export class SpdySession implements StreamCarrier {
  readonly #transport: Duplex;
  readonly #onStream: (stream: SpdyStream) => boolean;
  readonly #encoder = new HeaderEncoder();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #opening = new Map<number, Opening>();
  /** Streams whose readers hold the connection up. */
  readonly #full = new Set<SpdyStream>();
  readonly #peerParity: 0 | 1;
  readonly #closed = Promise.withResolvers<void>();
  #nextId: number;
  #lastPeerId = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor({ transport, role, onStream }: SpdySessionOptions) {
    this.#transport = transport;
    this.#onStream = onStream ?? ((): boolean => false);
    this.#nextId = role === 'client' ? 1 : 2;
    this.#peerParity = role === 'client' ? 0 : 1;
    // What an error was does not matter to a stream. What came before the end is still handled: the close of the transport may be
    // told while a header is being unpacked.
    transport.on('error', () => this.#wake?.());
    transport.once('close', () => this.#wake?.());
    void this.#receive();
  }

  /** Resolves when the connection is gone, by whoever's doing. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Opens a stream and waits until the peer took it. @throws SpdyStreamError */
  openStream(headers: StreamHeaders): Promise<SpdyStream> {
    if (this.#isClosed) return Promise.reject(new SpdyStreamError('the connection is closed'));
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream(id, headers, this);
    this.#streams.set(id, stream);
    return new Promise((resolve, reject) => {
      this.#opening.set(id, { stream, resolve, reject });
      this.#transport.write(synStreamFrame(id, this.#encoder.encode(headers)));
    });
  }

  /** Says goodbye after what was written, and closes the connection. */
  close(): void {
    if (this.#isClosed) return;
    this.#transport.write(goAwayFrame(this.#lastPeerId, goAwayStatus.ok));
    this.#transport.end();
  }

  /** Closes the connection now. */
  destroy(): void {
    this.#transport.destroy();
    this.#end();
  }

  // What streams ask.

  sendData(streamId: number, chunks: readonly Buffer[], done: () => void): void {
    if (this.#isClosed) {
      done();
      return;
    }
    const parts: Buffer[] = [];
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.length; from += maxDataBytes) {
        const part = chunk.subarray(from, from + maxDataBytes);
        parts.push(dataHead(streamId, part.length, false), part);
      }
    }
    const last = parts.pop();
    if (!last) {
      done();
      return;
    }
    this.#transport.cork();
    for (const part of parts) this.#transport.write(part);
    // Told also when the connection broke: a stream raises no errors.
    this.#transport.write(last, () => done());
    this.#transport.uncork();
  }

  sendFin(streamId: number, done: () => void): void {
    if (this.#isClosed) done();
    else this.#transport.write(dataHead(streamId, 0, true), () => done());
  }

  sendReset(streamId: number): void {
    if (!this.#isClosed) this.#transport.write(rstStreamFrame(streamId, resetStatus.cancel));
  }

  readerFull(stream: SpdyStream): void {
    this.#full.add(stream);
  }

  readerReady(stream: SpdyStream): void {
    if (this.#full.delete(stream) && this.#full.size === 0) this.#wake?.();
  }

  streamGone(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
  }

  // What the wire brings.

  async #receive(): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#transport as AsyncIterable<Buffer>) {
        for (const frame of reader.push(chunk)) await this.#handle(frame);
        while (!this.#transport.destroyed && this.#full.size > 0) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
        if (this.#isClosed) break;
      }
    } catch (error) {
      if (error instanceof SpdyProtocolError && !this.#transport.destroyed) {
        this.#transport.end(goAwayFrame(this.#lastPeerId, goAwayStatus.protocolError));
      }
    }
    this.destroy();
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data': {
        const stream = this.#streams.get(frame.streamId);
        // Data of a stream that was reset here may still be under way.
        stream?.receive(frame.chunk);
        if (frame.fin) stream?.receiveFin();
        return;
      }
      case 'synStream':
        this.#accept(frame.streamId, await this.#decoder.decode(frame.headerBlock), frame.fin);
        return;
      case 'synReply':
        await this.#decoder.decode(frame.headerBlock);
        this.#opened(frame.streamId);
        if (frame.fin) this.#streams.get(frame.streamId)?.receiveFin();
        return;
      case 'headers':
        // Read for the compressor's sake.
        await this.#decoder.decode(frame.headerBlock);
        return;
      case 'rstStream':
        this.#refused(frame.streamId, `the stream was refused with status ${frame.status}`);
        this.#streams.get(frame.streamId)?.receiveReset();
        return;
      case 'ping':
        // Our own pings would have our parity; there are none.
        if (frame.id % 2 === this.#peerParity) this.#transport.write(pingFrame(frame.id));
        return;
      case 'goAway':
      case 'ignored':
        return;
    }
  }

  #accept(id: number, headers: StreamHeaders, fin: boolean): void {
    if (id % 2 !== this.#peerParity || id <= this.#lastPeerId) throw new SpdyProtocolError(`stream ${id} cannot be opened`);
    this.#lastPeerId = id;
    const stream = new SpdyStream(id, headers, this);
    this.#streams.set(id, stream);
    if (this.#streams.size > maxPeerStreams || !this.#onStream(stream)) {
      stream.receiveReset();
      this.#transport.write(rstStreamFrame(id, resetStatus.refusedStream));
      return;
    }
    this.#transport.write(synReplyFrame(id, this.#encoder.encode(new Map())));
    if (fin) stream.receiveFin();
  }

  #opened(id: number): void {
    const opening = this.#opening.get(id);
    this.#opening.delete(id);
    opening?.resolve(opening.stream);
  }

  #refused(id: number, message: string): void {
    const opening = this.#opening.get(id);
    this.#opening.delete(id);
    opening?.reject(new SpdyStreamError(message));
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder.close();
    for (const id of this.#opening.keys()) this.#refused(id, 'the connection is closed');
    for (const stream of this.#streams.values()) stream.receiveReset();
    this.#streams.clear();
    this.#wake?.();
    this.#closed.resolve();
  }
}
