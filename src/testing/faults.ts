/**
 * What goes wrong between a component and its API server, on demand or by chance: watches that end, a server that cannot be reached,
 * requests and answers that are lost on the way. Stands in the way of any transport; knows nothing of what is asked.
 */
import type { Random } from '../base/index.ts';
import {
  ConnectionError,
  type Discovery,
  type ResourceRequest,
  type Transport,
  type WatchEvent,
  type WatchRequest,
} from '../client/index.ts';
import { TestClusterError } from './errors.ts';

/** Chances between 0 and 1. */
export interface LossRates {
  /** The request does not arrive. */
  readonly requests?: number;
  /** The request is carried out and its answer does not come back. */
  readonly answers?: number;
}

export class Faults {
  readonly #random: Random;
  readonly #watches = new Set<AbortController>();
  #rates: LossRates = {};
  #connected = true;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Watches that are open now. */
  get openWatches(): number {
    return this.#watches.size;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Ends every open watch in peace, as a server does whose time for it is up. */
  cutWatches(): void {
    for (const watch of this.#watches) watch.abort();
  }

  /** From now on the server cannot be reached, and open watches break. */
  disconnect(): void {
    this.#connected = false;
    this.cutWatches();
  }

  connect(): void {
    this.#connected = true;
  }

  /** Loses that share of requests and answers from now on; `{}` ends it. */
  lose(rates: LossRates): void {
    this.#rates = rates;
  }

  /** The same transport with these faults in it. */
  wrap(inner: Transport): Transport {
    return {
      request: (request) => this.#request(inner, request),
      watch: (request) => this.#watch(inner, request),
      discover: (options) => this.#discover(inner, options),
      close: () => inner.close(),
    };
  }

  async #request(inner: Transport, request: ResourceRequest): ReturnType<Transport['request']> {
    this.#checkConnected();
    if (this.#happens(this.#rates.requests)) throw new ConnectionError('the request was lost', { sent: false });
    const answer = await inner.request(request);
    if (!this.#connected || this.#happens(this.#rates.answers)) throw new ConnectionError('the answer was lost', { sent: true });
    return answer;
  }

  async #discover(inner: Transport, options: { readonly signal: AbortSignal }): Promise<Discovery> {
    this.#checkConnected();
    if (!inner.discover) throw new TestClusterError('this transport knows no discovery');
    return inner.discover(options);
  }

  async *#watch(inner: Transport, request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
    this.#checkConnected();
    // Followed by hand: a signal made of others asks each of them every time it is looked at, and a watch looks often.
    const cut = new AbortController();
    const follow = (): void => cut.abort(request.signal.reason);
    request.signal.addEventListener('abort', follow, { once: true });
    if (request.signal.aborted) follow();
    this.#watches.add(cut);
    try {
      yield* inner.watch({ ...request, signal: cut.signal });
    } catch (error) {
      if (!cut.signal.aborted || request.signal.aborted) throw error;
      this.#checkConnected();
    } finally {
      request.signal.removeEventListener('abort', follow);
      this.#watches.delete(cut);
    }
  }

  #checkConnected(): void {
    if (!this.#connected) throw new ConnectionError('the server cannot be reached', { sent: false });
  }

  /** Draws only where there is something to decide: a run without faults is not changed by their absence. */
  #happens(chance = 0): boolean {
    return chance > 0 && this.#random.next() < chance;
  }
}
