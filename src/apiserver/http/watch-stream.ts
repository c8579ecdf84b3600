/**
 * Serves one watch over HTTP. Invariants: events go out in the order in which the cache tells them; one that was told to many
 * watchers is encoded once; a client that does not read costs at most one chunk here, then the watcher's own queue fills and it is
 * cut off; the stream ends at its deadline, when the server stops, or with the client.
 */
import type { ApiError, JsonObject } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { OpenWatch } from '../cache/watch-opener.ts';
import type { TellableEvent } from '../cache/watcher.ts';
import { type EventForm, frameOf } from '../rendering/rendering.ts';
import type { OpenResponse } from './exchange.ts';

/** Bytes handed to the connection and not taken yet above which nothing more is handed over. */
const maxPendingBytes = 256 * 1024;

/** Initial objects are sent in chunks of about this size. */
const initialChunkBytes = 64 * 1024;

export class WatchStream {
  readonly #response: OpenResponse;
  readonly #form: EventForm;
  readonly #ended = Promise.withResolvers<void>();
  #watch: OpenWatch | undefined;
  #flushing = false;
  /** The client has not read what was sent. */
  #stalled = false;
  #done = false;

  constructor(response: OpenResponse, form: EventForm) {
    this.#response = response;
    this.#form = form;
  }

  /** To be called when events wait in the watcher. */
  readonly onEvents = (): void => {
    if (this.#stalled && this.#watch?.watcher.ended) {
      // Whatever is said now would wait behind what the client does not read.
      this.#response.abort();
      this.#finish();
      return;
    }
    if (this.#flushing || !this.#watch) return;
    this.#flushing = true;
    flushSoon(this);
  };

  /** Sends the watch until it ends. */
  async serve(
    watch: OpenWatch,
    options: {
      readonly clock: Clock;
      readonly timeoutMs: number;
      readonly signal: AbortSignal;
      /** Called when the initial state has been sent: from then on a watch is cheap. */
      readonly onInitialSent?: () => void;
    },
  ): Promise<void> {
    const { clock, timeoutMs, signal, onInitialSent } = options;
    const finish = (): void => this.#finish();
    using _deadline = clock.setTimer(timeoutMs, () => this.#endInTime());
    signal.addEventListener('abort', finish, { once: true });
    try {
      if (signal.aborted) return;
      if (watch.failure) {
        this.#sendError(watch.failure);
        return;
      }
      await this.#sendInitial(watch);
      onInitialSent?.();
      this.#watch = watch;
      this.#flushing = true;
      this.flush();
      await this.#ended.promise;
    } finally {
      signal.removeEventListener('abort', finish);
      watch.close();
      this.#response.end();
    }
  }

  /** Sends what waits, all in one write; called once a turn of the loop by `flushSoon`. */
  flush(): void {
    this.#flushing = false;
    const watch = this.#watch;
    if (!watch || this.#done) return;
    if (this.#response.pendingBytes > maxPendingBytes) {
      // What waits stays in the watcher's bounded queue until the client has read.
      this.#flushing = true;
      this.#stalled = true;
      this.#response.drained().then(
        () => this.flush(),
        () => this.#finish(),
      );
      return;
    }
    this.#stalled = false;
    const events = watch.watcher.take();
    if (events.length > 0) this.#response.writeNow(joined(events, this.#form));
    if (watch.watcher.ended) this.#finish();
  }

  async #sendInitial(watch: OpenWatch): Promise<void> {
    let chunk: Buffer[] = [];
    let size = 0;
    for (const object of watch.initial) {
      const line = this.#form.event('ADDED', object);
      chunk.push(line);
      size += line.length;
      if (size < initialChunkBytes) continue;
      await this.#response.write(Buffer.concat(chunk));
      chunk = [];
      size = 0;
    }
    if (watch.initialEnd) chunk.push(frameOf(watch.initialEnd, this.#form));
    if (chunk.length > 0) await this.#response.write(Buffer.concat(chunk));
  }

  #endInTime(): void {
    const bookmark = this.#watch?.bookmark();
    if (bookmark && !this.#done) {
      this.flush();
      this.#response.writeNow(frameOf(bookmark, this.#form));
    }
    this.#finish();
  }

  #sendError(error: ApiError): void {
    this.#response.writeNow(this.#form.failure(error.toStatus() as unknown as JsonObject));
  }

  #finish(): void {
    this.#done = true;
    this.#ended.resolve();
  }
}

/** Streams with events to send this turn. */
let waiting: WatchStream[] = [];

/** Every stream sends once a turn of the event loop, after the I/O of that turn: commits that came together leave together. */
function flushSoon(stream: WatchStream): void {
  waiting.push(stream);
  if (waiting.length > 1) return;
  setImmediate(() => {
    const streams = waiting;
    waiting = [];
    for (const each of streams) each.flush();
  });
}

/** The batch that was joined last: watchers of one resource mostly send the very same events one after the other. */
let lastBatch: { readonly events: readonly TellableEvent[]; readonly form: string; readonly bytes: Buffer } | undefined;

function joined(events: readonly TellableEvent[], form: EventForm): Buffer {
  if (events.length === 1) return frameOf(events[0]!, form);
  if (lastBatch && lastBatch.form === form.name && sameEvents(lastBatch.events, events)) return lastBatch.bytes;
  const bytes = Buffer.concat(events.map((event) => frameOf(event, form)));
  lastBatch = { events, form: form.name, bytes };
  return bytes;
}

function sameEvents(a: readonly TellableEvent[], b: readonly TellableEvent[]): boolean {
  return a.length === b.length && a.every((event, i) => event === b[i]);
}
