/**
 * The queue between what happened and what is done about it.
 * Invariants: a key waits at most once and is in work at most once; a key added while in work is worked on again afterwards; keys
 * come out in the order they went in. It holds keys, not changes, so it never grows past the number of objects there are.
 */
import { type BackoffPolicy, type Clock, KeyedBackoff, offAbort, onAbort, Registry, type Timer } from '../base/index.ts';
import { breather } from './fairness.ts';
import { workQueueMetrics } from './work-queue-metrics.ts';

export interface WorkQueue<Key> {
  readonly depth: number;
  /** For each key in work: for how long, in seconds. */
  workSeconds(): readonly number[];
  add(key: Key): void;
  /** Adds later; of several delays for one key the one that ends first counts. */
  addAfter(key: Key, delayMs: number): void;
  /** Adds after a wait that doubles with each call until `forget`. */
  addRateLimited(key: Key): void;
  forget(key: Key): void;
  /** How often the key was added by `addRateLimited` since it was last forgotten. */
  failures(key: Key): number;
  /**
   * Takes the next key into work; whoever takes it calls `done`.
   * @throws the signal's reason when it aborts
   */
  next(signal: AbortSignal): Promise<Key>;
  done(key: Key): void;
  /** Drops what waits and cancels every delay; later adds are ignored. */
  close(): void;
}

export interface WorkQueueOptions {
  /** The `name` label of its metrics. */
  readonly name: string;
  readonly clock: Clock;
  readonly registry?: Registry;
  /** Default: 5 ms, doubling to 1,000 s. @source client-go DefaultTypedControllerRateLimiter */
  readonly backoff?: BackoffPolicy;
}

const defaultBackoff: BackoffPolicy = { initialMs: 5, maxMs: 1_000_000 };

interface Waiter<Key> {
  readonly take: (key: Key) => void;
}

class KeyQueue<Key> implements WorkQueue<Key> {
  readonly name: string;
  readonly #clock: Clock;
  readonly #backoff: KeyedBackoff<Key>;
  readonly #metrics: ReturnType<typeof workQueueMetrics>;
  readonly #unobserve: () => void;
  /** Waiting keys in order, with the time they came. */
  readonly #waiting = new Map<Key, number>();
  /** Keys in work, with the time it began. */
  readonly #working = new Map<Key, number>();
  /** Keys added while they were in work. */
  readonly #again = new Set<Key>();
  readonly #delayed = new Map<Key, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #waiters = new Set<Waiter<Key>>();
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#backoff = new KeyedBackoff(options.backoff ?? defaultBackoff);
    this.#metrics = workQueueMetrics(options.registry ?? new Registry());
    this.#unobserve = this.#metrics.observe(this);
  }

  get depth(): number {
    return this.#waiting.size;
  }

  workSeconds(): readonly number[] {
    const nowMs = this.#clock.monotonic();
    return [...this.#working.values()].map((beganMs) => (nowMs - beganMs) / 1000);
  }

  add(key: Key): void {
    if (this.#closed || this.#waiting.has(key) || this.#again.has(key)) return;
    this.#metrics.added(this.name);
    if (this.#working.has(key)) this.#again.add(key);
    else this.#enqueue(key);
  }

  addAfter(key: Key, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonic() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending && pending.dueMs <= dueMs) return;
    pending?.timer.cancel();
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  addRateLimited(key: Key): void {
    this.#metrics.retried(this.name);
    this.addAfter(key, this.#backoff.next(key));
  }

  forget(key: Key): void {
    this.#backoff.forget(key);
  }

  failures(key: Key): number {
    return this.#backoff.failures(key);
  }

  async next(signal: AbortSignal): Promise<Key> {
    for (let rest = breather(this.#clock); rest; rest = breather(this.#clock)) await rest;
    signal.throwIfAborted();
    const [first] = this.#waiting.keys();
    if (first !== undefined) return this.#take(first);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason as Error);
      };
      const waiter: Waiter<Key> = {
        take: (key) => {
          offAbort(signal, giveUp);
          resolve(key);
        },
      };
      onAbort(signal, giveUp);
      this.#waiters.add(waiter);
    });
  }

  done(key: Key): void {
    const beganMs = this.#working.get(key);
    if (beganMs === undefined) return;
    this.#working.delete(key);
    this.#metrics.worked(this.name, (this.#clock.monotonic() - beganMs) / 1000);
    if (this.#again.delete(key)) this.#enqueue(key);
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#unobserve();
  }

  #enqueue(key: Key): void {
    this.#waiting.set(key, this.#clock.monotonic());
    const [waiter] = this.#waiters;
    if (!waiter) return;
    this.#waiters.delete(waiter);
    waiter.take(this.#take(key));
  }

  #take(key: Key): Key {
    const nowMs = this.#clock.monotonic();
    this.#metrics.waited(this.name, (nowMs - (this.#waiting.get(key) ?? nowMs)) / 1000);
    this.#waiting.delete(key);
    this.#working.set(key, nowMs);
    return key;
  }
}

export function createWorkQueue<Key = string>(options: WorkQueueOptions): WorkQueue<Key> {
  return new KeyQueue<Key>(options);
}
