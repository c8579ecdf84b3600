/** Everything that is written to a store, as it becomes visible: what waits for the world to change waits on this. */
import type { Clock } from '../base/index.ts';
import { VirtualClock } from '../base/index.ts';
import type { Store, StoreEvent } from '../store/index.ts';

/** One committed write. */
export interface Change {
  /** By the cluster's clock. */
  readonly timeMs: number;
  readonly revision: number;
  /** Such as `/registry/pods/default/web`. */
  readonly key: string;
  /** Undefined for a deletion. */
  readonly value: Uint8Array | undefined;
}

export class Changes {
  readonly #clock: Clock;
  readonly #stop: () => void;
  #count = 0;
  #waiters: (() => void)[] = [];

  private constructor(clock: Clock, stop: () => void) {
    this.#clock = clock;
    this.#stop = stop;
  }

  /** @param onChange called with each change in order; must not throw */
  static async follow(store: Store, clock: Clock, onChange?: (change: Change) => void): Promise<Changes> {
    const watch = await store.watch({
      prefix: '/',
      onEvents: (events) => changes.#told(events, onChange),
      onError: () => {},
    });
    const changes = new Changes(clock, () => watch.close());
    return changes;
  }

  /** How many there have been. */
  get count(): number {
    return this.#count;
  }

  /** Waits until there have been more than `seen`; false when `limitMs` of the clock pass first. A virtual clock is turned. */
  async next(seen: number, limitMs: number): Promise<boolean> {
    const clock = this.#clock;
    if (clock instanceof VirtualClock) {
      const endMs = clock.now() + limitMs;
      // What was set off before has its turn first, as before every timer.
      await clock.advance(0);
      while (this.#count === seen && (await clock.step(endMs - clock.now())));
      return this.#count > seen;
    }
    if (this.#count > seen) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _limit = clock.setTimer(Math.max(limitMs, 0), resolve);
    this.#waiters.push(resolve);
    await promise;
    return this.#count > seen;
  }

  close(): void {
    this.#stop();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #told(events: readonly StoreEvent[], onChange: ((change: Change) => void) | undefined): void {
    this.#count += events.length;
    const timeMs = this.#clock.now();
    if (onChange) for (const event of events) onChange(changeOf(event, timeMs));
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

function changeOf(event: StoreEvent, timeMs: number): Change {
  if (event.type === 'delete') return { timeMs, revision: event.modRevision, key: event.key, value: undefined };
  const { key, value, modRevision: revision } = event.kv;
  return { timeMs, revision, key, value };
}
