/**
 * Pods that were tried lately. Two queues: after a rejection (the punishment for a wasted cycle, growing with each) and after an error
 * (which spares the API server). Ends of back-off are cut to whole seconds, so that within one second the better pod comes first.
 * @source kube-scheduler backend/queue/backoff_queue.go, v1.35 with SchedulerPopFromBackoffQ on, as it is by default
 */
import type { Clock } from '../../base/index.ts';
import { EntryHeap } from './entry-heap.ts';
import type { QueueEntry } from './queue-entry.ts';

const windowMs = 1000;

export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

export class BackoffQueues {
  readonly #clock: Clock;
  readonly #limits: BackoffLimits;
  readonly #rejected: EntryHeap;
  readonly #errors: EntryHeap;

  constructor(options: {
    readonly clock: Clock;
    readonly limits: BackoffLimits;
    readonly less: (a: QueueEntry, b: QueueEntry) => boolean;
  }) {
    const { clock, limits, less } = options;
    this.#clock = clock;
    this.#limits = limits;
    const sooner = (a: QueueEntry, b: QueueEntry): boolean => {
      const [endA, endB] = [this.endOf(a), this.endOf(b)];
      return endA === endB ? less(a, b) : endA < endB;
    };
    this.#rejected = new EntryHeap(sooner);
    this.#errors = new EntryHeap(sooner);
  }

  get size(): number {
    return this.#rejected.size + this.#errors.size;
  }

  get(uid: string): QueueEntry | undefined {
    return this.#rejected.get(uid) ?? this.#errors.get(uid);
  }

  push(entry: QueueEntry): void {
    entry.place = entry.consecutiveErrors > 0 ? 'errorBackoff' : 'backoff';
    (entry.consecutiveErrors > 0 ? this.#errors : this.#rejected).push(entry);
  }

  delete(uid: string): QueueEntry | undefined {
    return this.#rejected.delete(uid) ?? this.#errors.delete(uid);
  }

  /** Whether the pod has to wait still; one that was never tried has not. */
  isBackingOff(entry: QueueEntry): boolean {
    return this.endOf(entry) > cut(this.#clock.now());
  }

  /** When the pod's back-off ends; 0 when it has none. */
  endOf(entry: QueueEntry): number {
    if (entry.attempts === 0) return 0;
    if (entry.backoffEndMs !== 0) return entry.backoffEndMs;
    const durationMs = this.#durationOf(entry);
    if (durationMs > 0) entry.backoffEndMs = cut(entry.queuedMs + durationMs);
    return entry.backoffEndMs;
  }

  /** The next pod that was rejected, though its time has not come: for a scheduler that has nothing else to do. */
  popEarly(): QueueEntry | undefined {
    return this.#rejected.pop();
  }

  /** Every pod whose time has come. */
  popCompleted(): QueueEntry[] {
    const completed: QueueEntry[] = [];
    for (const queue of [this.#rejected, this.#errors]) {
      for (;;) {
        const next = queue.peek();
        if (!next || this.isBackingOff(next)) break;
        completed.push(queue.pop()!);
      }
    }
    return completed;
  }

  /** How long until {@link popCompleted} may find another; undefined when nobody waits. */
  nextDelayMs(): number | undefined {
    if (this.size === 0) return undefined;
    const nowMs = this.#clock.now();
    return cut(nowMs) + windowMs - nowMs;
  }

  entries(): QueueEntry[] {
    return [...this.#rejected.entries(), ...this.#errors.entries()];
  }

  #durationOf({ consecutiveErrors, unschedulableCount }: QueueEntry): number {
    const count = consecutiveErrors > 0 ? consecutiveErrors : unschedulableCount;
    return count === 0 ? 0 : Math.min(this.#limits.initialMs * 2 ** (count - 1), this.#limits.maxMs);
  }
}

function cut(timeMs: number): number {
  return Math.floor(timeMs / windowMs) * windowMs;
}
