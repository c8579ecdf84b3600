/**
 * A process of controllers or of the scheduler that dies as by `kill -9`, between any two of its writes: what it had sent is carried out,
 * nothing is sent any more, no answer comes back, and what it knew is forgotten. Its watches may lag.
 */
import type { UserInfo } from '../apiserver/index.ts';
import type { Clock } from '../base/index.ts';
import { ConnectionError, type ResourceRequest, type Transport, type WatchEvent, type WatchRequest } from '../client/index.ts';

/** Where a life ends. */
export interface Death {
  /** At the so many-th of its writes, from 1; see `counts`. */
  readonly write: number;
  /** Whether that write is still sent, and carried out without an answer. */
  readonly sent: boolean;
  /** Only the answer is lost: the process lives on. */
  readonly survived?: boolean;
}

export interface MortalProcessOptions {
  readonly clock: Clock;
  readonly transport: (user: UserInfo, userAgent?: string) => Transport;
  /** Starts what lives in it. */
  readonly run: (transport: (user: UserInfo, userAgent?: string) => Transport) => { close(): Promise<void> };
  /** Whether a write counts as a place to die at; default: all do. */
  readonly counts?: (request: ResourceRequest) => boolean;
  /** How long the next events of a watch are on their way, milliseconds; default 0. */
  readonly lagMs?: () => number;
  /** Called in the moment of a death. */
  readonly onDeath?: (place: string) => void;
  /** Called when it is stopped with a write in hand. */
  readonly onStop?: (place: string) => void;
  /** Called when an answer is lost that the process goes on without. */
  readonly onLostAnswer?: (place: string) => void;
}

const reads: ReadonlySet<string> = new Set(['get', 'list']);
const never = new AbortController().signal;

export class MortalProcess {
  readonly #options: MortalProcessOptions;
  #life: Life | undefined;
  readonly #ending: Promise<void>[] = [];

  constructor(options: MortalProcessOptions) {
    this.#options = options;
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  /** Counted writes of this life. */
  get writes(): number {
    return this.#life?.writes ?? 0;
  }

  /** A life of its own, with nothing known of those before; harmless while it lives. */
  start(death?: Death): void {
    if (this.#life) return;
    const { transport, run } = this.#options;
    const life = new Life(this.#options, death, (place) => this.#die(life, place));
    this.#life = life;
    life.ends = run((user, userAgent) => life.wrap(transport(user, userAgent)));
  }

  /** From now on this life goes on until it is killed. */
  spare(): void {
    if (this.#life) this.#life.death = undefined;
  }

  /**
   * Stops it at its next fenced write, as SIGSTOP does: from then on what it sends and hears is held up, and in the end that write goes out as
   * it was. Its timers go on: it may give up leading meanwhile, and the write must be refused all the same.
   */
  stop(durationMs: number): void {
    if (this.#life) this.#life.stopForMs = durationMs;
  }

  kill(): void {
    this.#life?.end('somewhere');
  }

  /** Kills it, and waits for what is left of all its lives. */
  async close(): Promise<void> {
    this.kill();
    await Promise.all(this.#ending);
  }

  #die(life: Life, place: string): void {
    this.#life = undefined;
    if (life.ends) this.#ending.push(life.ends.close());
    this.#options.onDeath?.(place);
  }
}

class Life {
  readonly #options: MortalProcessOptions;
  readonly #onEnd: (place: string) => void;
  readonly #over = new AbortController();
  death: Death | undefined;
  ends: { close(): Promise<void> } | undefined;
  writes = 0;
  /** Settles when it is no longer stopped. */
  held: Promise<void> | undefined;
  /** Once it has a fenced write in hand. */
  stopForMs = 0;

  constructor(options: MortalProcessOptions, death: Death | undefined, onEnd: (place: string) => void) {
    this.#options = options;
    this.death = death;
    this.#onEnd = onEnd;
  }

  wrap(inner: Transport): Transport {
    const discover = inner.discover?.bind(inner);
    return {
      request: (request) => this.#request(inner, request),
      watch: (request) => this.#watch(inner, request),
      ...(discover && { discover }),
      close: () => Promise.resolve(),
    };
  }

  end(place: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#onEnd(place);
  }

  async #request(inner: Transport, request: ResourceRequest): ReturnType<Transport['request']> {
    this.#checkAlive(false);
    if (reads.has(request.verb)) return this.#answer(inner.request(request));
    const { counts } = this.#options;
    const counted = counts?.(request) ?? true;
    const last = counted && ++this.writes === this.death?.write;
    const place = `write ${this.writes}, ${request.verb} ${request.resource.plural} ${request.name ?? ''}`;
    if (last && this.death?.sent === false) {
      this.end(`before ${place}`);
      this.#checkAlive(false);
    }
    if (this.stopForMs > 0 && request.fence) {
      this.held = this.#options.clock.sleep(this.stopForMs, never);
      this.stopForMs = 0;
      this.#options.onStop?.(place);
    }
    if (this.held) {
      await this.held;
      // Killed while it was stopped: nothing had left it yet.
      this.#checkAlive(false);
    }
    // What is on its way arrives, whatever becomes of the sender.
    const sent = inner.request({ ...request, signal: never });
    if (!last) return this.#answer(sent);
    await sent.catch(() => {});
    if (this.death?.survived) {
      this.death = undefined;
      this.#options.onLostAnswer?.(place);
      throw new ConnectionError('the answer was lost', { sent: true });
    }
    this.end(`after ${place}`);
    return this.#answer(sent);
  }

  async #answer(sent: ReturnType<Transport['request']>): ReturnType<Transport['request']> {
    try {
      return await sent;
    } finally {
      this.#checkAlive(true);
    }
  }

  async *#watch(inner: Transport, request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
    this.#checkAlive(false);
    const { clock, lagMs } = this.#options;
    for await (const batch of inner.watch(request)) {
      const lag = lagMs?.() ?? 0;
      if (lag > 0) await clock.sleep(lag, request.signal);
      if (this.held) await this.held;
      this.#checkAlive(true);
      yield batch;
    }
  }

  #checkAlive(sent: boolean): void {
    if (this.#over.signal.aborted) throw new ConnectionError('this process is dead', { sent });
  }
}
