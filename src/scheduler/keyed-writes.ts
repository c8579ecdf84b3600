/**
 * Writes in the background, a bounded number at a time, in order for each key. Of what waits for a key only the newest is written: whoever
 * writes a state is not interested in the states before.
 */
import { isAbort, type TaskGroup } from '../base/index.ts';

export type Write = (signal: AbortSignal) => Promise<void>;

export class KeyedWrites {
  readonly #group: TaskGroup;
  readonly #atOnce: number;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Map<string, Write>();
  readonly #running = new Set<string>();

  constructor(options: { readonly group: TaskGroup; readonly atOnce: number; readonly onError: (error: unknown) => void }) {
    this.#group = options.group;
    this.#atOnce = options.atOnce;
    this.#onError = options.onError;
  }

  /** Writes that wait or run. */
  get size(): number {
    return this.#waiting.size + this.#running.size;
  }

  put(key: string, write: Write): void {
    this.#waiting.set(key, write);
    this.#start();
  }

  /** Takes back what has not begun. */
  drop(key: string): void {
    this.#waiting.delete(key);
  }

  #start(): void {
    if (this.#running.size >= this.#atOnce) return;
    for (const [key, write] of this.#waiting) {
      if (this.#running.size >= this.#atOnce) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      this.#group.spawn('scheduler write', (ctx) => this.#run(key, write, ctx.signal));
    }
  }

  async #run(key: string, write: Write, signal: AbortSignal): Promise<void> {
    try {
      await write(signal);
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      this.#onError(error);
    } finally {
      this.#running.delete(key);
      this.#start();
    }
  }
}
