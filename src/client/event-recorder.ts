/**
 * Writes events about objects, in the background: recording never waits and never fails its caller.
 * Invariants: events about one object are written one at a time in the order of recording, those about different ones beside each other;
 * a full queue drops the newest and counts it; while the server cannot be reached the queue holds; an event that the server refuses is
 * given up.
 */
import { ApiError, type corev1, corev1Resources, isApiError, type KubeObject } from '../api/index.ts';
import { type Clock, Counter, type Ctx, formatTime, offAbort, onAbort, type Random, Registry, type TaskGroup } from '../base/index.ts';
import type { Client } from './client.ts';
import { type CorrelatorLimits, EventCorrelator, type NewEvent } from './event-correlator.ts';
import type { EventRecorder, RecordedEvent } from './lister.ts';

/** What a recorder needs of a client. */
export type EventWriter = Pick<Client, 'create' | 'patch'>;

export interface EventRecorderOptions {
  readonly client: EventWriter;
  /** `source.component` and `reportingComponent`, such as `kubelet`. */
  readonly component: string;
  /** `source.host` and `reportingInstance`: the node's name, for components of a node. */
  readonly host?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly group: TaskGroup;
  readonly registry?: Registry;
  readonly limits?: CorrelatorLimits;
}

/**
 * Most events that wait to be written. Upstream keeps 1,000 and loses the rest; a scheduler that places thousands of pods a second is ahead
 * of its events by more than that whenever somebody else is served first.
 */
const maxQueued = 10_000;
/** Written at once: enough that they share commits of the store, few enough that a burst of them stands in nobody's way. */
const writesAtOnce = 16;
const maxTries = 12;
const retryMs = 10_000;

class QueuedRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #dropped: Counter<'component'>;
  readonly #queue: NewEvent[] = [];
  /** The last write about each object that is under way. */
  readonly #writing = new Map<string, Promise<void>>();
  #writes = 0;
  #wake: (() => void) | undefined;
  #lastNanos = 0n;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#correlator = new EventCorrelator(options.limits);
    this.#dropped = droppedCounter(options.registry ?? new Registry());
    options.group.spawn('event recorder', (ctx) => this.#run(ctx));
  }

  event(regarding: KubeObject | corev1.ObjectReference, recorded: RecordedEvent): void {
    this.#record(this.#options.component, regarding, recorded);
  }

  as(component: string): EventRecorder {
    return {
      event: (regarding, recorded) => this.#record(component, regarding, recorded),
      as: (other) => this.as(other),
    };
  }

  #record(component: string, regarding: KubeObject | corev1.ObjectReference, recorded: RecordedEvent): void {
    if (this.#queue.length >= maxQueued) {
      this.#dropped.inc({ component });
      return;
    }
    this.#queue.push(this.#make(component, referenceTo(regarding, recorded.fieldPath), recorded));
    this.#wake?.();
  }

  #make(component: string, involvedObject: corev1.ObjectReference, { type, reason, message, action, related }: RecordedEvent): NewEvent {
    const { host, clock } = this.#options;
    const time = formatTime(clock.now());
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${involvedObject.name ?? ''}.${this.#nanos().toString(16)}`,
        namespace: involvedObject.namespace || 'default',
      },
      involvedObject,
      reason,
      message,
      type,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component, ...(host !== undefined && { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      ...(action !== undefined && { action }),
      ...(related && { related }),
    };
  }

  /**
   * The time in nanoseconds, made different from every one before: names are made of it. The clock knows milliseconds only; chance fills
   * in the rest, because others record about the same object at the same time.
   */
  #nanos(): bigint {
    const { clock, random } = this.#options;
    const now = BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(Math.floor(random.next() * 1e6));
    this.#lastNanos = now > this.#lastNanos ? now : this.#lastNanos + 1n;
    return this.#lastNanos;
  }

  async #run(ctx: Ctx): Promise<void> {
    for (;;) {
      while (this.#writes >= writesAtOnce || this.#queue.length === 0) await this.#woken(ctx.signal);
      const event = this.#queue.shift()!;
      const correlated = this.#correlator.correlate(event, this.#options.clock.now());
      if (correlated.type !== 'skip') this.#start(correlated.event, correlated.type === 'update');
    }
  }

  /** Resolves when an event came or a write ended. */
  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const giveUp = (): void => reject(signal.reason as Error);
      onAbort(signal, giveUp);
      this.#wake = () => {
        this.#wake = undefined;
        offAbort(signal, giveUp);
        resolve();
      };
    });
  }

  /** Writes the event after those about the same object. */
  #start(event: NewEvent, update: boolean): void {
    const { involvedObject } = event;
    const about = involvedObject.uid ?? `${involvedObject.kind}/${involvedObject.namespace}/${involvedObject.name}`;
    const before = this.#writing.get(about);
    this.#writes++;
    this.#options.group.spawn('event', (ctx) => {
      const write = this.#write(event, update, ctx, before).finally(() => {
        this.#writes--;
        if (this.#writing.get(about) === write) this.#writing.delete(about);
        this.#wake?.();
      });
      this.#writing.set(about, write);
      return write;
    });
  }

  async #write(event: NewEvent, update: boolean, { signal, log }: Ctx, before: Promise<void> | undefined): Promise<void> {
    const { client, clock, random } = this.#options;
    await before;
    for (let tries = 1; ; tries++) {
      try {
        await (update ? this.#updateOrCreate(event, signal) : client.create(corev1Resources.events, event, { signal }));
        return;
      } catch (err) {
        signal.throwIfAborted();
        if (err instanceof ApiError) {
          const expected = isApiError(err, 'AlreadyExists') || isApiError(err, 'Forbidden');
          log[expected ? 'debug' : 'warn']('the server refused an event', { event: event.metadata.name, reason: event.reason, err });
          return;
        }
        if (tries >= maxTries) {
          log.error('an event could not be written', { event: event.metadata.name, reason: event.reason, err });
          return;
        }
        await clock.sleep(tries === 1 ? retryMs * random.next() : retryMs, signal);
      }
    }
  }

  async #updateOrCreate(event: NewEvent, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const { count, message, lastTimestamp, metadata } = event;
    try {
      const body = { count, message, lastTimestamp };
      const key = { namespace: metadata.namespace, name: metadata.name ?? '' };
      await client.patch(corev1Resources.events, key, { type: 'application/strategic-merge-patch+json', body }, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      await client.create(corev1Resources.events, event, { signal });
    }
  }
}

/** An object as events, endpoints and others point at it. */
export function referenceTo(object: KubeObject | corev1.ObjectReference, fieldPath?: string): corev1.ObjectReference {
  const path = fieldPath !== undefined ? { fieldPath } : {};
  if (!('metadata' in object)) return { ...object, ...path };
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace !== undefined && { namespace }),
    name,
    uid,
    resourceVersion,
    ...path,
  };
}

const counters = new WeakMap<Registry, Counter<'component'>>();

function droppedCounter(registry: Registry): Counter<'component'> {
  const known = counters.get(registry);
  if (known) return known;
  const counter = new Counter({
    name: 'knarr_events_dropped_total',
    help: 'Events that were not written because too many waited.',
    labelNames: ['component'] as const,
    registers: [registry],
  });
  counters.set(registry, counter);
  return counter;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueuedRecorder(options);
}
