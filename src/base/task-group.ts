/**
 * Owned background work. Invariants: every task belongs to one group; after `close()` resolves no task of the group runs; a task
 * that fails for another reason than the abort is reported once, and never swallowed.
 */
import { type Ctx, isAbort } from './context.ts';
import type { Logger } from './logger.ts';

export class TaskGroup {
  readonly #abort = new AbortController();
  readonly #tasks = new Map<Promise<void>, string>();
  readonly #log: Logger;
  readonly #onFailure: (name: string, error: unknown) => void;

  /**
   * @param options.signal ends the group when it aborts
   * @param options.onFailure told of a task that failed; default: log it as an error
   */
  constructor(options: {
    readonly log: Logger;
    readonly signal?: AbortSignal;
    readonly onFailure?: (name: string, error: unknown) => void;
  }) {
    this.#log = options.log;
    this.#onFailure = options.onFailure ?? ((name, err) => this.#log.error('background task failed', { task: name, err }));
    options.signal?.addEventListener('abort', () => this.#abort.abort(options.signal?.reason), { once: true, signal: this.#abort.signal });
    if (options.signal?.aborted) this.#abort.abort(options.signal.reason);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Names of the tasks still running. */
  get running(): string[] {
    return [...this.#tasks.values()];
  }

  /** Starts a named task; its signal aborts when the group closes. */
  spawn(name: string, run: (ctx: Ctx) => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    const ctx: Ctx = { signal: this.#abort.signal, log: this.#log.child({ task: name }) };
    const task = run(ctx)
      .catch((error: unknown) => {
        if (!isAbort(error, this.#abort.signal)) this.#onFailure(name, error);
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.set(task, name);
  }

  /** Aborts every task and waits until all have ended. */
  async close(): Promise<void> {
    this.#abort.abort();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.keys());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
