/**
 * One watch on a collection: what it wants to see, and the events that wait for it. The cache pushes, whoever serves the watch
 * pulls; between them stands a bounded queue. A watcher that does not keep up is cut off, since buffering without end would hurt
 * everyone else.
 */
import type { CacheEvent } from './event-history.ts';
import type { StoredObject } from './stored-object.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/**
 * An event as a watcher is told it. One instance is shared by all watchers that are told the same, so what is rendered for the
 * first of them serves all.
 */
export class TellableEvent {
  readonly type: WatchEventType;
  readonly object: StoredObject;
  /** Rendered forms by rendering name; see `rendering.ts`. */
  #frames: Map<string, Buffer> | undefined;

  constructor(type: WatchEventType, object: StoredObject) {
    this.type = type;
    this.object = object;
  }

  /** The event in a rendering, made once for all watchers. */
  frame(rendering: string, make: (event: TellableEvent) => Buffer): Buffer {
    const known = this.#frames?.get(rendering);
    if (known) return known;
    const frame = make(this);
    (this.#frames ??= new Map()).set(rendering, frame);
    return frame;
  }
}

/** Makes the shared forms of one committed change, each at most once. */
export class EventForms {
  readonly change: CacheEvent;
  #added: TellableEvent | undefined;
  #modified: TellableEvent | undefined;
  #deleted: TellableEvent | undefined;

  constructor(change: CacheEvent) {
    this.change = change;
  }

  get added(): TellableEvent {
    return (this.#added ??= new TellableEvent('ADDED', this.change.current!));
  }

  get modified(): TellableEvent {
    return (this.#modified ??= new TellableEvent('MODIFIED', this.change.current!));
  }

  /** The object as it was before it left the watcher's sight, with the revision at which it left. */
  get deleted(): TellableEvent {
    return (this.#deleted ??= new TellableEvent('DELETED', this.change.previous!.at(this.change.revision)));
  }
}

/** What a watcher wants to see. Empty strings: any. */
export interface WatchScope {
  readonly namespace: string;
  readonly name: string;
  /** Value of the collection's indexed field, such as `spec.nodeName`. */
  readonly indexed: string;
  /** Everything the scope does not say (selectors); undefined: all. */
  readonly matches: ((object: StoredObject) => boolean) | undefined;
}

/** Most bytes that may wait for a watcher that does not read. */
const maxWaitingBytes = 16 * 1024 * 1024;

export type WatcherEnd = 'tooSlow' | 'closed';

export class Watcher {
  readonly scope: WatchScope;
  /** Events at or below are not told. */
  readonly startRevision: number;
  readonly #onEvents: () => void;
  #waiting: TellableEvent[] = [];
  #waitingBytes = 0;
  #ended: WatcherEnd | undefined;

  /** @param options.onEvents called when the first event is waiting, and at the end; must not throw */
  constructor(options: { readonly scope: WatchScope; readonly startRevision: number; readonly onEvents: () => void }) {
    this.scope = options.scope;
    this.startRevision = options.startRevision;
    this.#onEvents = options.onEvents;
  }

  get ended(): WatcherEnd | undefined {
    return this.#ended;
  }

  /** Tells a change if it is of interest: objects that come into sight are ADDED, those that leave it DELETED. */
  tell(forms: EventForms): void {
    const { current, previous, revision } = forms.change;
    if (revision <= this.startRevision || this.#ended) return;
    const sees = current !== undefined && this.#inSight(current);
    const saw = previous !== undefined && this.#inSight(previous);
    if (sees) this.push(saw ? forms.modified : forms.added);
    else if (saw) this.push(forms.deleted);
  }

  push(event: TellableEvent): void {
    if (this.#ended) return;
    this.#waitingBytes += event.object.text.length;
    if (this.#waitingBytes > maxWaitingBytes) {
      this.end('tooSlow');
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length === 1) this.#onEvents();
  }

  /** Takes all that waits. */
  take(): readonly TellableEvent[] {
    const taken = this.#waiting;
    if (taken.length > 0) {
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    return taken;
  }

  end(why: WatcherEnd): void {
    if (this.#ended) return;
    this.#ended = why;
    this.#waiting = [];
    this.#onEvents();
  }

  #inSight(object: StoredObject): boolean {
    const { namespace, name, matches } = this.scope;
    if (namespace !== '' && object.namespace !== namespace) return false;
    if (name !== '' && object.name !== name) return false;
    return matches === undefined || matches(object);
  }
}
