/**
 * Decides what becomes of an event before it is written: a new object, a count on one that is there, one line for many that differ
 * only in their message, or nothing. Pure but for its memory; it neither writes nor waits.
 * @source client-go tools/record/events_cache.go, its numbers and texts
 */
import type { corev1, Unsaved } from '../api/index.ts';

export interface CorrelatorLimits {
  /** Events that differ only in message, within the interval, before they are put together. */
  readonly aggregateMax: number;
  readonly aggregateIntervalMs: number;
  /** Events of one source about one object: at once, and one more each interval. */
  readonly spamBurst: number;
  readonly spamRefillMs: number;
  /** Entries that each memory holds; the one least recently used goes first. */
  readonly memory: number;
}

const defaultCorrelatorLimits: CorrelatorLimits = {
  aggregateMax: 10,
  aggregateIntervalMs: 600_000,
  spamBurst: 25,
  spamRefillMs: 300_000,
  memory: 4096,
};

/** An event before it is stored; it has its name already. */
export type NewEvent = Unsaved<corev1.Event>;

/** What to write. `update`: the event was seen before under that name and only its count, message and last time change. */
export type Correlated =
  | { readonly type: 'create'; readonly event: NewEvent }
  | { readonly type: 'update'; readonly event: NewEvent }
  | { readonly type: 'skip' };

interface Observed {
  readonly count: number;
  readonly firstTimestamp: string | undefined;
  readonly name: string | undefined;
}

export class EventCorrelator {
  readonly #limits: CorrelatorLimits;
  readonly #similar: Recent<{ readonly messages: Set<string>; readonly lastMs: number }>;
  readonly #observed: Recent<Observed>;
  readonly #buckets: Recent<{ readonly tokens: number; readonly atMs: number }>;

  constructor(limits: CorrelatorLimits = defaultCorrelatorLimits) {
    this.#limits = limits;
    this.#similar = new Recent(limits.memory);
    this.#observed = new Recent(limits.memory);
    this.#buckets = new Recent(limits.memory);
  }

  /** @param event with count 1 and both timestamps set to now */
  correlate(event: NewEvent, nowMs: number): Correlated {
    const { event: aggregated, key } = this.#aggregate(event, nowMs);
    const counted = this.#count(aggregated, key);
    if (this.#isSpam(event, nowMs)) return { type: 'skip' };
    return { type: (counted.count ?? 1) > 1 ? 'update' : 'create', event: counted };
  }

  #aggregate(event: NewEvent, nowMs: number): { event: NewEvent; key: string } {
    const key = keyOfSimilar(event);
    const known = this.#similar.get(key);
    const fresh = !known || nowMs - known.lastMs > this.#limits.aggregateIntervalMs;
    const messages = fresh ? new Set<string>() : known.messages;
    messages.add(event.message ?? '');
    this.#similar.set(key, { messages, lastMs: nowMs });
    if (messages.size < this.#limits.aggregateMax) return { event, key: keyOfEqual(event) };
    const [oldest] = messages;
    messages.delete(oldest!);
    return { event: { ...event, message: `(combined from similar events): ${event.message ?? ''}` }, key };
  }

  #count(event: NewEvent, key: string): NewEvent {
    const last = this.#observed.get(key);
    const counted: NewEvent = last
      ? {
          ...event,
          metadata: { ...event.metadata, ...(last.name !== undefined && { name: last.name }) },
          count: last.count + 1,
          ...(last.firstTimestamp !== undefined && { firstTimestamp: last.firstTimestamp }),
        }
      : event;
    this.#observed.set(key, { count: counted.count ?? 1, firstTimestamp: counted.firstTimestamp, name: counted.metadata.name });
    return counted;
  }

  #isSpam(event: NewEvent, nowMs: number): boolean {
    const key = keyOfSource(event);
    const { spamBurst, spamRefillMs } = this.#limits;
    const last = this.#buckets.get(key) ?? { tokens: spamBurst, atMs: nowMs };
    const tokens = Math.min(spamBurst, last.tokens + (nowMs - last.atMs) / spamRefillMs);
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    return tokens < 1;
  }
}

function keyOfSource({ source, involvedObject: { kind, namespace, name, uid, apiVersion } }: NewEvent): string {
  return JSON.stringify([source?.component, source?.host, kind, namespace, name, uid, apiVersion]);
}

function keyOfSimilar(event: NewEvent): string {
  return JSON.stringify([keyOfSource(event), event.type, event.reason, event.reportingComponent, event.reportingInstance]);
}

function keyOfEqual(event: NewEvent): string {
  return JSON.stringify([keyOfSource(event), event.involvedObject.fieldPath, event.type, event.reason, event.message]);
}

/** A map that forgets what was used least recently. */
class Recent<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#size) return;
    // An eighth at once: a map's first key is found the slower the more were deleted before it.
    let left = Math.ceil(this.#size / 8);
    for (const oldest of this.#entries.keys()) {
      if (left-- === 0) return;
      this.#entries.delete(oldest);
    }
  }
}
