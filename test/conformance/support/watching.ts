/** Watches of a test held in the hand: events are read one at a time, in their order, from the bytes on the wire. */
import type { HttpsTransport } from '../../../src/client/index.ts';
import { type Json, patienceMs } from './cluster.ts';

export interface SeenEvent {
  readonly type: string;
  readonly object: Json;
}

export class HeldWatch implements AsyncDisposable {
  readonly #lines: AsyncGenerator<string, void, undefined>;
  readonly #stop: AbortController;
  readonly status: number;

  private constructor(status: number, lines: AsyncGenerator<string, void, undefined>, stop: AbortController) {
    this.status = status;
    this.#lines = lines;
    this.#stop = stop;
  }

  /** @param path of a list, with its query but for `watch` */
  static async open(transport: HttpsTransport, path: string): Promise<HeldWatch> {
    const stop = new AbortController();
    const response = await transport.raw({
      method: 'GET',
      path: `${path}${path.includes('?') ? '&' : '?'}watch=true`,
      signal: stop.signal,
    });
    return new HeldWatch(response.status, linesOf(response.body as AsyncIterable<Buffer>), stop);
  }

  /** The next event, bookmarks too. @throws Error when none comes for as long as no cluster should take, or the watch has ended */
  async next(limitMs = patienceMs): Promise<SeenEvent> {
    const event = await this.nextOrNothing(limitMs);
    if (!event) throw new Error('the watch told nothing more');
    return event;
  }

  /** The next event, or undefined when there is none for so long or the watch has ended. */
  async nextOrNothing(limitMs: number): Promise<SeenEvent | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), limitMs);
    });
    try {
      const line = await Promise.race([this.#lines.next(), late]);
      return line === undefined || line.done ? undefined : (JSON.parse(line.value) as SeenEvent);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads until an event that the test waits for. */
  async until(matches: (event: SeenEvent) => boolean, limitMs = patienceMs): Promise<SeenEvent> {
    for (;;) {
      const event = await this.next(limitMs);
      if (matches(event)) return event;
    }
  }

  close(): void {
    this.#stop.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  try {
    for await (const chunk of body) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      yield* lines.filter((line) => line !== '');
    }
  } catch {
    // Closed by the test.
  }
}
