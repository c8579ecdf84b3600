/**
 * Admits new connections to their TLS handshakes, a few at a time: when thousands of clients come back at once, their handshakes (a
 * signature each) would otherwise fill whole turns of the event loop, and everybody who is connected already would wait. Those that
 * wait have cost nothing yet but a file descriptor; the oldest goes first.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/index.ts';

export interface HandshakeLimits {
  /** Handshakes on their way at once: some tens of milliseconds of work. */
  readonly atOnce: number;
  /** A client that takes longer gives its place to the next and goes on beside it, so that who says nothing holds up nobody. */
  readonly slowMs: number;
  /** Connections that may wait; more are closed at once. */
  readonly waiting: number;
}

const defaultLimits: HandshakeLimits = { atOnce: 32, slowMs: 100, waiting: 20_000 };

export class HandshakeAdmission {
  readonly #limits: HandshakeLimits;
  readonly #clock: Clock;
  readonly #begin: (socket: Socket) => void;
  readonly #running = new Map<Socket, Timer>();
  #waiting = new Set<Socket>();

  /** @param options.begin starts the handshake of a connection from which nothing has been read */
  constructor(options: { readonly begin: (socket: Socket) => void; readonly clock: Clock; readonly limits?: Partial<HandshakeLimits> }) {
    this.#begin = options.begin;
    this.#clock = options.clock;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A new connection: its handshake begins now or later. */
  add(socket: Socket): void {
    if (this.#waiting.size >= this.#limits.waiting) {
      socket.destroy();
      return;
    }
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.done(socket);
    });
    // Nobody else listens before its turn.
    socket.on('error', () => {});
    this.#waiting.add(socket);
    this.#next();
  }

  /** The handshake has succeeded or failed. */
  done(socket: Socket): void {
    const slow = this.#running.get(socket);
    if (!slow) return;
    slow.cancel();
    this.#running.delete(socket);
    this.#next();
  }

  /** Closes whoever still waits. */
  close(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const socket of waiting) socket.destroy();
    for (const slow of this.#running.values()) slow.cancel();
    this.#running.clear();
  }

  #next(): void {
    for (const socket of this.#waiting) {
      if (this.#running.size >= this.#limits.atOnce) return;
      this.#waiting.delete(socket);
      this.#running.set(
        socket,
        this.#clock.setTimer(this.#limits.slowMs, () => this.done(socket)),
      );
      this.#begin(socket);
    }
  }
}
