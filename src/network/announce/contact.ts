/**
 * Whether this node still hears of the cluster. While it is cut off, another node may answer for its addresses: after a while it gives them
 * up, and takes none again before its caches show the node as the API server does.
 */
import { ApiError, type corev1, corev1Resources } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Client, Lister } from '../../client/index.ts';

/** How long a node that hears nothing keeps its addresses: as long as others take to call it NotReady. */
const giveUpAfterMs = 40_000;
const answerWithinMs = 5_000;

export interface ContactOptions {
  readonly nodeName: string;
  readonly client: Pick<Client, 'get'>;
  readonly nodes: Pick<Lister<corev1.Node>, 'get'>;
  readonly clock: Clock;
}

export class Contact {
  readonly #options: ContactOptions;
  #lastMs: number;
  #askedMs = 0;
  #lost = false;

  constructor(options: ContactOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonic();
  }

  /** The node has heard nothing for so long that others may stand in for it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Asks the API server. @throws only the signal's reason */
  async ask(signal: AbortSignal): Promise<void> {
    const { clock, nodeName, nodes } = this.#options;
    const now = clock.monotonic();
    // While nobody asked nothing could be heard: silence counts from here.
    if (!this.#lost && now - this.#askedMs >= giveUpAfterMs) this.#lastMs = now;
    this.#askedMs = now;
    const seen = await this.#read(signal);
    if (seen === 'silence') {
      if (clock.monotonic() - this.#lastMs >= giveUpAfterMs) this.#lost = true;
      return;
    }
    const cached = nodes.get({ name: nodeName })?.metadata.resourceVersion;
    if (this.#lost && seen !== cached) return;
    this.#lastMs = clock.monotonic();
    this.#lost = false;
  }

  /** The node's version as the server has it; undefined when it has no such node. */
  async #read(signal: AbortSignal): Promise<string | undefined> {
    const { client, nodeName, clock } = this.#options;
    const late = new AbortController();
    const timer = clock.setTimer(answerWithinMs, () => late.abort());
    try {
      const node = await client.get(corev1Resources.nodes, { name: nodeName }, { signal: AbortSignal.any([signal, late.signal]) });
      return node.metadata.resourceVersion;
    } catch (err) {
      if (signal.aborted) throw err;
      // Whatever it says, it is there; what is not from it is silence.
      return err instanceof ApiError ? undefined : 'silence';
    } finally {
      timer.cancel();
    }
  }
}
