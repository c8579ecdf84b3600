/**
 * Shared informers: one cache and one watch for everyone in the process who asks for the same resource and scope.
 * Invariants: handlers hear of changes in the order of the watch and never of the same version twice; the cache already holds what
 * a handler is told; a handler that throws is a bug, reported, and does not keep the others from hearing.
 */
import type { KubeObject, ResourceRef } from '../api/index.ts';
import { assert, type BackoffPolicy, type Clock, type Logger, type Random, type TaskGroup } from '../base/index.ts';
import type { Client, ObjectKey } from './client.ts';
import { type Informer, type InformerFactory, type InformerHandler, type InformerScope, keyOf } from './lister.ts';
import { ObjectCache } from './object-cache.ts';
import { Reflector, type ReflectorSink } from './reflector.ts';
import { untilAborted } from './until-aborted.ts';

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Owns the watches; closing it ends them. */
  readonly group: TaskGroup;
  /** Waits between tries of a broken watch; default 100 ms to 30 s. */
  readonly backoff?: BackoffPolicy;
}

class SharedInformer<T extends KubeObject> implements Informer<T>, ReflectorSink<T> {
  readonly resource: ResourceRef<T>;
  readonly #log: Logger;
  readonly #slim: ((object: T) => T) | undefined;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #first = Promise.withResolvers<void>();
  synced = false;
  started = false;

  constructor(resource: ResourceRef<T>, scope: InformerScope, log: Logger) {
    this.resource = resource;
    this.#log = log;
    // Whoever names the resource names the type of its objects.
    this.#slim = scope.slim as ((object: T) => T) | undefined;
  }

  get(key: ObjectKey): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    this.#cache.addIndex(name, values);
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#cache.list()) this.#tell(handler, (to) => to.added?.(object));
  }

  whenSynced(signal: AbortSignal): Promise<void> {
    return untilAborted(this.#first.promise, signal);
  }

  replace(objects: readonly T[]): void {
    const gone = new Set(this.#cache.keys());
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
    this.synced = true;
    this.#first.resolve();
  }

  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (type === 'DELETED') this.#remove(keyOf(object), object);
    else this.#put(object);
  }

  #put(whole: T): void {
    const old = this.#cache.get(whole.metadata);
    if (old && old.metadata.resourceVersion === whole.metadata.resourceVersion) return;
    const object = this.#slim ? this.#slim(whole) : whole;
    this.#cache.set(object);
    if (!old) this.#tellAll((to) => to.added?.(object));
    else if (old.metadata.uid === object.metadata.uid) this.#tellAll((to) => to.updated?.(old, object));
    else {
      // Deleted and made anew while nobody watched: two objects, not one that changed.
      this.#tellAll((to) => to.deleted?.(old));
      this.#tellAll((to) => to.added?.(object));
    }
  }

  #remove(key: string, last?: T): void {
    const old = this.#cache.delete(key);
    if (old) this.#tellAll((to) => to.deleted?.(last ?? old));
  }

  #tellAll(tell: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.#handlers) this.#tell(handler, tell);
  }

  #tell(handler: InformerHandler<T>, tell: (handler: InformerHandler<T>) => void): void {
    try {
      tell(handler);
    } catch (err) {
      this.#log.error('informer handler threw', { resource: this.resource.plural, err });
    }
  }
}

interface Held {
  readonly informer: SharedInformer<KubeObject>;
  readonly scope: InformerScope;
  readonly abort: AbortController;
}

export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  const { client, clock, random, log, group, backoff } = options;
  const held = new Map<string, Held>();

  const startOne = ({ informer, scope, abort }: Held): void => {
    if (informer.started) return;
    informer.started = true;
    const { resource } = informer;
    group.spawn(`informer ${resource.plural}`, (ctx) => {
      const reflector = new Reflector({ client, resource, scope, sink: informer, clock, random, log, ...(backoff && { backoff }) });
      return reflector.run(AbortSignal.any([ctx.signal, abort.signal])).catch((error: unknown) => {
        if (!abort.signal.aborted) throw error;
      });
    });
  };

  return {
    informer: <T extends KubeObject>(resource: ResourceRef<T>, scope: InformerScope = {}): Informer<T> => {
      const whole = held.get(scopeKey(resource, { ...scope, metadataOnly: false }));
      const key = scopeKey(resource, scope);
      const found = whole ?? held.get(key);
      // The key names the resource, and the resource names the type.
      if (found) return found.informer as unknown as Informer<T>;
      const informer = new SharedInformer<T>(resource, scope, log);
      held.set(key, { informer: informer as unknown as SharedInformer<KubeObject>, scope, abort: new AbortController() });
      return informer;
    },
    start: () => {
      for (const each of held.values()) startOne(each);
    },
    whenSynced: async (signal) => {
      await Promise.all([...held.values()].map(({ informer }) => informer.whenSynced(signal)));
    },
    stop: (informer) => {
      const entry = [...held].find(([, each]) => (each.informer as Informer<KubeObject>) === informer);
      assert(entry, `no informer of ${informer.resource.plural} was handed out`);
      held.delete(entry[0]);
      entry[1].abort.abort();
    },
  };
}

function scopeKey({ group, version, plural }: ResourceRef, scope: InformerScope): string {
  const { namespace = '', labelSelector = '', fieldSelector = '', metadataOnly = false } = scope;
  return JSON.stringify([group, version, plural, namespace, labelSelector, fieldSelector, metadataOnly]);
}
