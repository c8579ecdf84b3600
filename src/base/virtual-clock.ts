/**
 * A clock that stands still until it is told to move. Timers fire in order of due time, then of setting, and between two of
 * them every microtask runs, so two runs of the same program are the same run.
 */
import { type Clock, type Timer, sleepOn } from './clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  /** Undefined once it fired or was cancelled. */
  fire: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #live = 0;
  /** A binary heap, the next to fire first; cancelled timers stay in it until they come up. */
  readonly #heap: Pending[] = [];

  /** @param startMs the first reading, milliseconds since the epoch */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, fire };
    this.#push(pending);
    this.#live++;
    const cancel = (): void => {
      if (pending.fire) this.#live--;
      pending.fire = undefined;
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** How many timers are set; a test's way to see leaks. */
  get timers(): number {
    return this.#live;
  }

  /** Moves time forward by `durationMs`, firing what falls due, and lets every microtask run before and after each timer. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    while (await this.#fireNext(endMs));
    this.#moveTo(endMs);
  }

  /**
   * Moves time to the next timer and fires it; one at a time, also where several are due at once.
   * @returns false when there is none within `limitMs`, which have passed then
   */
  async step(limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const endMs = this.#nowMs + Math.max(limitMs, 0);
    await settle();
    if (await this.#fireNext(endMs)) return true;
    if (endMs !== Number.POSITIVE_INFINITY) this.#moveTo(endMs);
    return false;
  }

  /**
   * Advances timer by timer until `done()` holds.
   * @throws AssertionError-like Error when no timer is left or `limitMs` has passed.
   */
  async advanceUntil(done: () => boolean, limitMs = 3_600_000): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    await settle();
    while (!done()) {
      if (!(await this.#fireNext(endMs))) throw new Error(`condition not reached in ${limitMs} ms of virtual time`);
    }
  }

  async #fireNext(untilMs: number): Promise<boolean> {
    const next = this.#next(untilMs);
    if (!next) return false;
    this.#moveTo(next.dueMs);
    const { fire } = next;
    next.fire = undefined;
    this.#live--;
    fire?.();
    await settle();
    return true;
  }

  /** Two who turn the clock at the same time move it as far as the one who goes further. */
  #moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  #next(untilMs: number): Pending | undefined {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (first.fire && first.dueMs > untilMs) return undefined;
      this.#pop();
      if (first.fire) return first;
    }
    return undefined;
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let at = heap.push(pending) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(pending, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = pending;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Lets queued microtasks (and what they queue) run; a macrotask boundary drains them all. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
