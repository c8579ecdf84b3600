/**
 * A priority queue of entries from which any entry can be taken: those that have left meanwhile, or were put in again, are passed over when
 * they come up. Ties come out in the order of putting in, so that equal pods are tried first come, first served.
 */
import { PriorityHeap } from '../priority-heap.ts';
import type { QueueEntry } from './queue-entry.ts';

interface Ticket {
  readonly entry: QueueEntry;
  readonly order: number;
}

export class EntryHeap {
  readonly #heap: PriorityHeap<Ticket>;
  /** The ticket that counts, by uid. */
  readonly #live = new Map<string, Ticket>();
  #order = 0;

  /** @param less whether `a` must come out before `b` */
  constructor(less: (a: QueueEntry, b: QueueEntry) => boolean) {
    this.#heap = new PriorityHeap<Ticket>((a, b) => less(a.entry, b.entry) || (!less(b.entry, a.entry) && a.order < b.order));
  }

  get size(): number {
    return this.#live.size;
  }

  get(uid: string): QueueEntry | undefined {
    return this.#live.get(uid)?.entry;
  }

  /** Puts the entry in, or anew where its order may have changed. */
  push(entry: QueueEntry): void {
    const ticket: Ticket = { entry, order: this.#order++ };
    this.#live.set(entry.uid, ticket);
    this.#heap.push(ticket);
  }

  delete(uid: string): QueueEntry | undefined {
    const ticket = this.#live.get(uid);
    this.#live.delete(uid);
    return ticket?.entry;
  }

  peek(): QueueEntry | undefined {
    for (;;) {
      const best = this.#heap.peek();
      if (!best || this.#live.get(best.entry.uid) === best) return best?.entry;
      this.#heap.pop();
    }
  }

  pop(): QueueEntry | undefined {
    const best = this.peek();
    if (!best) return undefined;
    this.#heap.pop();
    this.#live.delete(best.uid);
    return best;
  }

  entries(): QueueEntry[] {
    return [...this.#live.values()].map(({ entry }) => entry);
  }
}
