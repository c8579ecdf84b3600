/**
 * The byte stream to an engine's streaming server, which hears the engine out. An engine closes as soon as a command has ended, also
 * while stdin is being sent; its last words then lie behind a write that failed, and a plain socket of Node would throw them away.
 */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Turns of the event loop in which what has already arrived is read after a write failed. */
const lastReadTurns = 10;
const readBytes = 64 * 1024;
const highWaterMark = 256 * 1024;

/** A socket that goes on reading for a moment when writing to it fails. */
class AttentiveSocket extends Socket {
  #isEnding = false;

  override destroy(error?: Error): this {
    const isFailedWrite = error !== undefined && 'syscall' in error && error.syscall === 'write';
    if (!isFailedWrite) return super.destroy(error);
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#destroyIn(lastReadTurns, error);
    }
    return this;
  }

  #destroyIn(turns: number, error: Error): void {
    if (turns === 0) super.destroy(error);
    else setImmediate(() => this.#destroyIn(turns - 1, error));
  }
}

/** Raises no error after it is connected: it ends, and what is still written is dropped. */
export class EngineTransport extends Duplex {
  readonly #socket: AttentiveSocket;

  private constructor(makeSocket: (onBytes: (bytes: Buffer) => boolean) => AttentiveSocket) {
    super({ highWaterMark, allowHalfOpen: true });
    this.#socket = makeSocket((bytes) => this.push(bytes));
    this.#socket.once('end', () => this.push(null));
    this.#socket.once('close', () => this.push(null));
    // Not with the socket: what has come may not have been read yet.
    this.once('end', () => this.destroy());
  }

  /** @throws the system's error */
  static connect(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<EngineTransport> {
    return new Promise((resolve, reject) => {
      const transport = new EngineTransport((onBytes) => {
        // Bytes are taken from the handle itself: a stream gives out none after it failed.
        const onread = {
          buffer: Buffer.alloc(readBytes),
          callback: (count: number, buffer: Uint8Array): boolean => onBytes(Buffer.from(buffer.subarray(0, count))),
        };
        return new AttentiveSocket({ onread }).connect(address);
      });
      const socket = transport.#socket;
      const onAbort = (): void => void transport.destroy();
      signal.addEventListener('abort', onAbort, { once: true });
      socket.setNoDelay(true);
      socket.once('connect', () => {
        signal.removeEventListener('abort', onAbort);
        socket.off('error', reject);
        // The close follows, and says enough.
        socket.on('error', () => {});
        resolve(transport);
      });
      socket.once('error', reject);
      socket.once('close', () => reject(signal.aborted ? (signal.reason as Error) : new Error('connection closed')));
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
