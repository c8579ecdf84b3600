/**
 * Follows one resource: a consistent first state, then every change, for ever. It survives broken watches, servers that restart and
 * history that was compacted; what it feeds never misses a change for longer than the break lasts.
 * Invariants: `replace` comes before the first `apply`; the position only moves forward with what was told to the sink.
 */
import { ApiError, isApiError, type KubeObject, type metav1, type ResourceRef } from '../api/index.ts';
import { type BackoffPolicy, backoffMs, type Clock, type Logger, type Random } from '../base/index.ts';
import type { Client, ListOptions } from './client.ts';
import { breather } from './fairness.ts';
import type { InformerScope } from './lister.ts';
import type { Query, WatchEvent } from './transport.ts';

export interface ReflectorSink<T> {
  /** The whole state at one moment. */
  replace(objects: readonly T[]): void;
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly resource: ResourceRef<T>;
  readonly scope: InformerScope;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Waits between tries; each is stretched by up to its own length. */
  readonly backoff?: BackoffPolicy;
}

/** Shorter than upstream's first 800 ms, so that components which start together do not wait for each other. */
const defaultBackoff: BackoffPolicy = { initialMs: 100, maxMs: 30_000 };
/** A watch that ends sooner than this is not worth reopening at once. */
const shortWatchMs = 1_000;
/** The server is asked to end a watch after one to two times this, so that not all end together. @source client-go reflector */
const minWatchSeconds = 300;
const pageSize = 500;
const initialEventsEnd = 'k8s.io/initial-events-end';

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #apiVersion: string;
  /** Where the next watch starts; undefined: from a fresh state. */
  #position: string | undefined;
  #serverStreamsLists = true;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    const { group, version } = options.resource;
    this.#apiVersion = group === '' ? version : `${group}/${version}`;
  }

  /** Runs until the signal aborts, and throws its reason. */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, random, log, backoff = defaultBackoff } = this.#options;
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      const startedMs = clock.monotonic();
      let failed = false;
      try {
        await this.#cycle(signal);
      } catch (error) {
        signal.throwIfAborted();
        failed = true;
        if (isExpired(error)) this.#position = undefined;
        else log.warn('watch broke off', { resource: this.#options.resource.plural, err: error, failures });
      }
      const short = clock.monotonic() - startedMs < shortWatchMs;
      if (!short) failures = 0;
      if (!failed && !short) continue;
      await clock.sleep(backoffMs(backoff, failures++) * (1 + random.next()), signal);
    }
  }

  /** One watch from open to end, with a fresh state before it when there is none to go on from. */
  async #cycle(signal: AbortSignal): Promise<void> {
    if (this.#position === undefined && this.#serverStreamsLists) {
      try {
        await this.#follow(signal, { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }, new Map());
        return;
      } catch (error) {
        if (!refusesStreaming(error)) throw error;
        this.#serverStreamsLists = false;
      }
    }
    if (this.#position === undefined) await this.#list(signal);
    await this.#follow(signal, { resourceVersion: this.#position });
  }

  /** Pages through a consistent list. */
  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, clock } = this.#options;
    const objects: T[] = [];
    let next: string | undefined;
    let version: string | undefined;
    do {
      const query: Query = { limit: pageSize, ...(next !== undefined && { continue: next }) };
      const page = await client.list(resource, this.#scoped(query, signal));
      for (const object of page.items) objects.push(this.#typed(object));
      next = page.metadata.continue || undefined;
      version = page.metadata.resourceVersion;
      await breather(clock);
    } while (next !== undefined);
    this.#options.sink.replace(objects);
    this.#position = version;
  }

  /** @param initial collects the first state when the watch sends it */
  async #follow(signal: AbortSignal, query: Query, initial?: Map<string, T>): Promise<void> {
    const { client, resource, sink, clock, random } = this.#options;
    const timeoutSeconds = Math.floor(minWatchSeconds * (1 + random.next()));
    let first = initial;
    for await (const batch of client.watch(resource, this.#scoped({ ...query, allowWatchBookmarks: true, timeoutSeconds }, signal))) {
      for (const event of batch) {
        if (event.type === 'ERROR') throw errorOf(event);
        const { metadata } = event.object;
        if (event.type === 'BOOKMARK') {
          if (first && metadata.annotations?.[initialEventsEnd] === 'true') {
            sink.replace([...first.values()]);
            first = undefined;
          }
        } else if (first) {
          if (event.type === 'DELETED') first.delete(metadata.uid);
          else first.set(metadata.uid, this.#typed(event.object));
        } else {
          sink.apply(event.type, this.#typed(event.object));
        }
        if (!first) this.#position = metadata.resourceVersion;
      }
      await breather(clock);
      signal.throwIfAborted();
    }
    if (first) throw new ApiError({ code: 500, reason: 'ServerTimeout', message: 'the watch ended before the first state was complete' });
  }

  #scoped(query: Query, signal: AbortSignal): ListOptions {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options.scope;
    return {
      query,
      signal,
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(metadataOnly && { as: 'metadata' }),
    };
  }

  /** Items of a list may leave out what the list says once; an object on its own must say what it is. */
  #typed(object: T): T {
    if (object.kind && object.apiVersion) return object;
    return { ...object, apiVersion: this.#apiVersion, kind: this.#options.resource.kind };
  }
}

function errorOf(event: WatchEvent): ApiError {
  // An ERROR event carries a Status in place of an object.
  const status = event.object as unknown as metav1.Status;
  return ApiError.fromStatus(status, status.code ?? 500);
}

/** The position is of no use any more: history was compacted, or the server is younger than the position. */
function isExpired(error: unknown): boolean {
  if (isApiError(error, 'Expired') || isApiError(error, 'Gone')) return true;
  return isApiError(error, 'Timeout') && (error.details?.causes ?? []).some((cause) => cause.reason === 'ResourceVersionTooLarge');
}

function refusesStreaming(error: unknown): boolean {
  return isApiError(error, 'Invalid') || isApiError(error, 'BadRequest');
}
