/**
 * Pods that are being tried, and what has happened since each of them was taken out. An event that comes while a pod is tried may be just
 * the one that its rejection waits for; so events are kept as long as some pod has been out since before them.
 * @source kube-scheduler backend/queue/active_queue.go (inFlightPods, inFlightEvents), v1.35
 */
import type { ClusterEvent } from '../framework/index.ts';

export interface HeardEvent {
  readonly event: ClusterEvent;
  readonly old?: unknown;
  readonly current?: unknown;
}

export class InFlight {
  readonly #events: HeardEvent[] = [];
  /** Number of the first event that is kept. */
  #first = 0;
  /** Uid → number of the first event that the pod has not seen; in the order in which they were taken out. */
  readonly #since = new Map<string, number>();

  get pods(): number {
    return this.#since.size;
  }

  get events(): number {
    return this.#events.length;
  }

  has(uid: string): boolean {
    return this.#since.has(uid);
  }

  start(uid: string): void {
    this.#since.set(uid, this.#first + this.#events.length);
  }

  hear(heard: HeardEvent): void {
    if (this.#since.size > 0) this.#events.push(heard);
  }

  /** Events since the pod was taken out. */
  eventsSince(uid: string): readonly HeardEvent[] {
    const since = this.#since.get(uid);
    return since === undefined ? [] : this.#events.slice(since - this.#first);
  }

  done(uid: string): void {
    if (!this.#since.delete(uid)) return;
    const [oldest] = this.#since.values();
    const drop = oldest === undefined ? this.#events.length : oldest - this.#first;
    if (drop === 0) return;
    this.#events.splice(0, drop);
    this.#first += drop;
  }
}
