/** Hands events to whoever follows, from the moment of following; nothing is kept for nobody. */

export class EventFeed<T> {
  readonly #followers = new Set<(event: T) => void>();

  push(event: T): void {
    for (const follower of this.#followers) follower(event);
  }

  /** Ends by throwing the signal's reason. */
  async *follow(signal: AbortSignal): AsyncIterable<T> {
    const queue: T[] = [];
    let wake: (() => void) | undefined;
    const follower = (event: T): void => {
      queue.push(event);
      wake?.();
    };
    const onAbort = (): void => wake?.();
    this.#followers.add(follower);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        while (queue.length > 0) yield queue.shift()!;
        // Looked at last: the end may have been asked for while whoever follows had an event in hand.
        signal.throwIfAborted();
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
        wake = undefined;
      }
    } finally {
      this.#followers.delete(follower);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
