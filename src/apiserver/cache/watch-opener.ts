/**
 * WATCH: where a watch begins, and the events that come before the live ones. From the moment it is open, no change is missed and
 * none is told twice.
 * @source API concepts, "Efficient detection of changes", "Streaming lists"; apiserver cacher
 */
import { type ApiError, expired, serviceUnavailable } from '../../api/index.ts';
import type { Clock, Timer } from '../../base/index.ts';
import type { Collection } from './collection.ts';
import { parseRevision } from './list-reader.ts';
import { selectInTurns } from './selecting.ts';
import type { Selection } from './selection.ts';
import { StoredObject } from './stored-object.ts';
import type { WatchCache } from './watch-cache.ts';
import { EventForms, TellableEvent, Watcher } from './watcher.ts';

export interface WatchQuery {
  readonly selection: Selection;
  /** As the client sent it, empty when absent. */
  readonly resourceVersion: string;
  readonly allowBookmarks: boolean;
  /** Undefined when the client did not say. */
  readonly sendInitialEvents: boolean | undefined;
}

export interface OpenWatch {
  /** Told first, as ADDED, in key order. */
  readonly initial: readonly StoredObject[];
  /** Told after the initial objects, when the client asked for them by `sendInitialEvents` and takes bookmarks. */
  readonly initialEnd: TellableEvent | undefined;
  readonly watcher: Watcher;
  /** Set when the start is too old: the watch tells this error and ends. */
  readonly failure: ApiError | undefined;
  /** A bookmark at the newest revision; undefined when the client does not take them. */
  bookmark(): TellableEvent | undefined;
  close(): void;
}

/** @source apiserver cacher bookmarkFrequency */
const bookmarkIntervalMs = 60_000;

export class WatchOpener {
  readonly #cache: WatchCache;
  readonly #clock: Clock;
  readonly #bookmarked = new Map<Watcher, Collection>();
  #ticker: Timer | undefined;

  constructor(cache: WatchCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /** @param onEvents as `Watcher` calls it @throws ApiError BadRequest, Timeout */
  async open(collection: Collection, query: WatchQuery, onEvents: () => void): Promise<OpenWatch> {
    const { resourceVersion: version, sendInitialEvents, selection } = query;
    const fromNow = version === '' || version === '0';
    if (version === '') await this.#cache.fresh();
    const revision = fromNow ? 0 : parseRevision(version);
    if (sendInitialEvents) await this.#cache.atLeast(revision);
    const wantsState = sendInitialEvents ?? fromNow;
    if (wantsState) await this.#readAhead(collection, selection);
    // Nothing awaits from here to the end: the state, the history and the index are of one moment.
    const startRevision = fromNow || sendInitialEvents ? this.#cache.revision : revision;
    const watcher = new Watcher({ scope: selection, startRevision, onEvents });
    const failure = fromNow || sendInitialEvents ? undefined : this.#replay(collection, watcher, revision);
    if (!failure) this.#register(collection, watcher, query.allowBookmarks);
    return {
      initial: wantsState ? currentState(collection, selection) : [],
      initialEnd: sendInitialEvents && query.allowBookmarks ? bookmarkOf(collection, startRevision, { initialEnd: true }) : undefined,
      watcher,
      failure,
      bookmark: () => (query.allowBookmarks ? bookmarkOf(collection, this.#cache.revision) : undefined),
      close: () => this.#close(collection, watcher),
    };
  }

  /** Has selectors read what they look at, with turns for others: afterwards the state can be read at once. */
  async #readAhead(collection: Collection, { namespace, name, indexed, matches }: Selection): Promise<void> {
    if (!matches || name !== '' || indexed !== '') return;
    await selectInTurns(collection.list({ namespace }), matches, this.#clock);
  }

  /** Stops the ticker. */
  close(): void {
    this.#ticker?.cancel();
    this.#ticker = undefined;
    this.#bookmarked.clear();
  }

  #replay(collection: Collection, watcher: Watcher, revision: number): ApiError | undefined {
    const missed = collection.history.since(revision);
    if (!missed) return expired(`too old resource version: ${revision} (${collection.history.oldestStart})`);
    for (const change of missed) watcher.tell(new EventForms(change));
    return watcher.ended === 'tooSlow' ? serviceUnavailable('too many events since the resource version of the watch') : undefined;
  }

  #register(collection: Collection, watcher: Watcher, bookmarks: boolean): void {
    collection.watchers.add(watcher);
    if (!bookmarks) return;
    this.#bookmarked.set(watcher, collection);
    this.#ticker ??= this.#clock.setTimer(bookmarkIntervalMs, () => this.#tick());
  }

  #tick(): void {
    this.#ticker = undefined;
    const made = new Map<Collection, TellableEvent>();
    for (const [watcher, collection] of this.#bookmarked) {
      let event = made.get(collection);
      if (!event) made.set(collection, (event = bookmarkOf(collection, this.#cache.revision)));
      watcher.push(event);
    }
    if (this.#bookmarked.size > 0) this.#ticker = this.#clock.setTimer(bookmarkIntervalMs, () => this.#tick());
  }

  #close(collection: Collection, watcher: Watcher): void {
    collection.watchers.remove(watcher);
    this.#bookmarked.delete(watcher);
    watcher.end('closed');
  }
}

function currentState(collection: Collection, { namespace, name, indexed, matches }: Selection): readonly StoredObject[] {
  if (name !== '' && (namespace !== '' || !collection.namespaced)) {
    const object = collection.get(collection.namespaced ? `${namespace}/${name}` : name);
    return object && (!matches || matches(object)) ? [object] : [];
  }
  const objects = indexed !== '' && collection.hasIndexedField ? collection.listIndexed(indexed) : collection.list({ namespace });
  if (!matches && name === '' && indexed === '') return objects;
  return objects.filter(
    (object) =>
      (namespace === '' || object.namespace === namespace) && (name === '' || object.name === name) && (!matches || matches(object)),
  );
}

/** @source meta/v1 InitialEventsAnnotationKey */
const initialEventsEnd = '"annotations":{"k8s.io/initial-events-end":"true"},';

/** An object that is nothing but a revision. */
function bookmarkOf(collection: Collection, revision: number, options?: { readonly initialEnd: boolean }): TellableEvent {
  const annotations = options?.initialEnd ? initialEventsEnd : '';
  const stored = Buffer.concat([collection.head.bytes, Buffer.from(`${annotations}"creationTimestamp":null}}`)]);
  return new TellableEvent('BOOKMARK', new StoredObject(collection, '', revision, stored));
}
