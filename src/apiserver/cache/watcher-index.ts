/**
 * Finds the watchers that a change may concern without asking each one: by name, by the indexed field (a kubelet's
 * `spec.nodeName`), by namespace, or all. Five thousand kubelets watching their own pods cost one look-up an event.
 */
import type { EventForms, Watcher } from './watcher.ts';
import type { StoredObject } from './stored-object.ts';

export class WatcherIndex {
  readonly #all = new Set<Watcher>();
  readonly #everything = new Set<Watcher>();
  readonly #byNamespace = new Map<string, Set<Watcher>>();
  readonly #byName = new Map<string, Set<Watcher>>();
  readonly #byIndexed = new Map<string, Set<Watcher>>();
  readonly #indexedOf: ((object: StoredObject) => string) | undefined;

  /** @param indexedOf reads the indexed field, when the collection has one */
  constructor(indexedOf: ((object: StoredObject) => string) | undefined) {
    this.#indexedOf = indexedOf;
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<Watcher> {
    return this.#all[Symbol.iterator]();
  }

  add(watcher: Watcher): void {
    this.#all.add(watcher);
    const [map, key] = this.#place(watcher);
    if (!map) {
      this.#everything.add(watcher);
      return;
    }
    const set = map.get(key);
    if (set) set.add(watcher);
    else map.set(key, new Set([watcher]));
  }

  remove(watcher: Watcher): void {
    this.#all.delete(watcher);
    const [map, key] = this.#place(watcher);
    if (!map) {
      this.#everything.delete(watcher);
      return;
    }
    const set = map.get(key);
    set?.delete(watcher);
    if (set?.size === 0) map.delete(key);
  }

  tell(forms: EventForms): void {
    const { current, previous } = forms.change;
    const object = current ?? previous!;
    for (const watcher of this.#everything) watcher.tell(forms);
    tellAll(this.#byNamespace.get(object.namespace), forms);
    if (this.#byName.size > 0) tellAll(this.#byName.get(object.name), forms);
    if (this.#byIndexed.size > 0 && this.#indexedOf) {
      const now = current && this.#indexedOf(current);
      const before = previous && this.#indexedOf(previous);
      if (now !== undefined) tellAll(this.#byIndexed.get(now), forms);
      if (before !== undefined && before !== now) tellAll(this.#byIndexed.get(before), forms);
    }
  }

  #place(watcher: Watcher): [Map<string, Set<Watcher>> | undefined, string] {
    const { name, indexed, namespace } = watcher.scope;
    if (name !== '') return [this.#byName, name];
    if (indexed !== '' && this.#indexedOf) return [this.#byIndexed, indexed];
    if (namespace !== '') return [this.#byNamespace, namespace];
    return [undefined, ''];
  }
}

function tellAll(watchers: Set<Watcher> | undefined, forms: EventForms): void {
  if (watchers) for (const watcher of watchers) watcher.tell(forms);
}
