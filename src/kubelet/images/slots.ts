/** A limit on how much of one kind of work runs at the same time; the rest waits in order. */

export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param size at least 1 */
  constructor(size: number) {
    this.#free = size;
  }

  /**
   * Runs `work` when a slot is free.
   * @throws the signal's reason when it aborts while waiting
   */
  async use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const granted = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(granted), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(granted);
    });
  }
}
