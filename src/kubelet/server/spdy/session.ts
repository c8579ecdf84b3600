/**
 * A SPDY/3.1 connection with many streams over any two-way byte stream, as either side of it. Knows nothing of HTTP, exec or ports.
 * Invariants: frames are handled in the order of the wire; while a stream's reader is full nothing more is read from the connection
 * (Go's peers send no window updates, so the connection is the only window there is); after `closed` no stream carries anything.
 */
import type { Duplex } from 'node:stream';
import { assertNever } from '../../../base/index.ts';
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
  readonly #reader = new FrameReader();
  readonly #queue: Frame[] = [];
  #draining = false;
  #hasTransportEnded = false;

  constructor({ transport, role, onStream }: SpdySessionOptions) {
    this.#transport = transport;
    this.#onStream = onStream ?? ((): boolean => false);
    this.#nextId = role === 'client' ? 1 : 2;
    this.#peerParity = role === 'client' ? 0 : 1;
    // Taken as it comes and not by reading: bytes that came right before a reset would be thrown away with the socket.
    transport.on('data', (chunk: Buffer) => this.#receive(chunk));
    transport.once('end', () => this.#transportEnded());
    transport.once('close', () => this.#transportEnded());
    // What an error was does not matter to a stream; the close follows.
    transport.on('error', () => {});
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
    this.#setPace();
  }

  readerReady(stream: SpdyStream): void {
    // While frames are handled the pace is set at their end.
    if (this.#full.delete(stream) && !this.#draining && !this.#isClosed) this.#setPace();
  }

  streamGone(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
  }

  // What the wire brings.

  #receive(chunk: Buffer): void {
    try {
      this.#queue.push(...this.#reader.push(chunk));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#draining) void this.#drain();
  }

  /** Handles what has come, one frame after the other: some take time to unpack. */
  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      for (let frame = this.#queue.shift(); frame && !this.#isClosed; frame = this.#queue.shift()) {
        const pending = this.#handle(frame);
        if (!pending) continue;
        this.#transport.pause();
        await pending;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#draining = false;
    if (this.#hasTransportEnded) this.destroy();
    else this.#setPace();
  }

  #setPace(): void {
    if (this.#full.size > 0) this.#transport.pause();
    else this.#transport.resume();
  }

  #transportEnded(): void {
    this.#hasTransportEnded = true;
    // What came before is handled first.
    if (!this.#draining) this.destroy();
  }

  /** @throws what is no fault of the peer */
  #fail(error: unknown): void {
    if (!this.#transport.destroyed) this.#transport.end(goAwayFrame(this.#lastPeerId, goAwayStatus.protocolError));
    this.destroy();
    if (!(error instanceof SpdyProtocolError)) throw error;
  }

  /** @returns a promise when it takes time; the next frame must wait for it */
  #handle(frame: Frame): Promise<void> | undefined {
    switch (frame.type) {
      case 'synStream':
      case 'synReply':
      case 'headers':
        return this.#handleHeaders(frame);
      case 'data': {
        const stream = this.#streams.get(frame.streamId);
        // Data of a stream that was reset here may still be under way.
        stream?.receive(frame.chunk);
        if (frame.fin) stream?.receiveFin();
        return undefined;
      }
      case 'rstStream':
        this.#refused(frame.streamId, `the stream was refused with status ${frame.status}`);
        this.#streams.get(frame.streamId)?.receiveReset();
        return undefined;
      case 'ping':
        // Our own pings would have our parity; there are none.
        if (frame.id % 2 === this.#peerParity) this.#transport.write(pingFrame(frame.id));
        return undefined;
      case 'goAway':
      case 'ignored':
        return undefined;
      default:
        return assertNever(frame);
    }
  }

  async #handleHeaders({ type, streamId, fin, headerBlock }: Frame & { type: 'synStream' | 'synReply' | 'headers' }): Promise<void> {
    // Unpacked in any case: each block is the dictionary of the next.
    const headers = await this.#decoder.decode(headerBlock);
    if (this.#isClosed) return;
    if (type === 'synStream') this.#accept(streamId, headers);
    if (type === 'synReply') this.#opened(streamId);
    if (fin) this.#streams.get(streamId)?.receiveFin();
  }

  #accept(id: number, headers: StreamHeaders): void {
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
    this.#closed.resolve();
  }
}
