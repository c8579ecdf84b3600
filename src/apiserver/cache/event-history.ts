/**
 * The last events of one collection, so that a watch can start a little in the past. Older starts are refused with 410 and the
 * client lists again. Bounded by count, by bytes and, above a small count, by age.
 */
import type { StoredObject } from './stored-object.ts';

/** A committed change. `current` is undefined for a deletion, `previous` for a creation. */
export interface CacheEvent {
  readonly revision: number;
  readonly current: StoredObject | undefined;
  readonly previous: StoredObject | undefined;
}

export interface HistoryLimits {
  /** Events kept whatever their age. */
  readonly minEvents: number;
  readonly maxEvents: number;
  /** Bytes of object versions that only the history still holds. */
  readonly maxBytes: number;
  /** Beyond `minEvents`, older events are forgotten. */
  readonly maxAgeMs: number;
}

/** @source apiserver watch_cache.go: at least 100 events, kept for 75 s where they fit */
const defaultHistoryLimits: HistoryLimits = {
  minEvents: 100,
  maxEvents: 20_000,
  maxBytes: 16 * 1024 * 1024,
  maxAgeMs: 75_000,
};

export class EventHistory {
  readonly #limits: HistoryLimits;
  #events: { readonly event: CacheEvent; readonly atMs: number }[] = [];
  /** Index of the oldest event that is still kept; the array is cut when half of it is behind. */
  #start = 0;
  #bytes = 0;
  /** Events at or below this revision are not here. */
  #forgottenRevision: number;

  /** @param revision the state the cache began with; earlier events are unknown */
  constructor(revision: number, limits: HistoryLimits = defaultHistoryLimits) {
    this.#forgottenRevision = revision;
    this.#limits = limits;
  }

  /** Watches may start at this revision or any later one. */
  get oldestStart(): number {
    return this.#forgottenRevision;
  }

  get size(): number {
    return this.#events.length - this.#start;
  }

  push(event: CacheEvent, nowMs: number): void {
    this.#events.push({ event, atMs: nowMs });
    this.#bytes += event.previous?.text.length ?? 0;
    while (this.#tooMany(nowMs)) this.#forgetOldest();
  }

  /** Events after `revision`, oldest first; undefined when some of them are forgotten. */
  since(revision: number): CacheEvent[] | undefined {
    if (revision < this.#forgottenRevision) return undefined;
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.event.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low).map(({ event }) => event);
  }

  #tooMany(nowMs: number): boolean {
    const { minEvents, maxEvents, maxBytes, maxAgeMs } = this.#limits;
    if (this.size > maxEvents || this.#bytes > maxBytes) return this.size > 0;
    return this.size > minEvents && nowMs - this.#events[this.#start]!.atMs > maxAgeMs;
  }

  #forgetOldest(): void {
    const { event } = this.#events[this.#start]!;
    this.#bytes -= event.previous?.text.length ?? 0;
    this.#forgottenRevision = event.revision;
    this.#start++;
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }
}
