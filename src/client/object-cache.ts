/**
 * The memory of one informer: objects by key, by namespace and by index. It stores objects as they came and knows nothing of watches.
 */
import type { KubeObject } from '../api/index.ts';
import { assert } from '../base/index.ts';
import type { ObjectKey } from './client.ts';
import type { Lister } from './lister.ts';
import { keyOf } from './lister.ts';

interface Index<T> {
  readonly values: (object: T) => readonly string[];
  readonly filed: Map<string, Map<string, T>>;
}

export class ObjectCache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #namespaces = new Map<string, Map<string, T>>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  get({ namespace, name }: ObjectKey): T | undefined {
    return this.#objects.get(namespace ? `${namespace}/${name}` : name);
  }

  list(namespace?: string): readonly T[] {
    if (!namespace) return [...this.#objects.values()];
    return [...(this.#namespaces.get(namespace)?.values() ?? [])];
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    assert(index, `there is no index ${name}`);
    return [...(index.filed.get(value)?.values() ?? [])];
  }

  /** Files what is there and what comes. A name that is taken keeps its first function. */
  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { values, filed: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) for (const value of values(object)) file(index.filed, value, key, object);
  }

  /** Returns what stood there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    const { namespace } = object.metadata;
    if (namespace) file(this.#namespaces, namespace, key, object);
    for (const { values, filed } of this.#indexes.values()) {
      const current = values(object);
      if (old) for (const value of values(old)) if (!current.includes(value)) unfile(filed, value, key);
      for (const value of current) file(filed, value, key, object);
    }
    return old;
  }

  /** Returns what stood there. */
  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    const { namespace } = old.metadata;
    if (namespace) unfile(this.#namespaces, namespace, key);
    for (const { values, filed } of this.#indexes.values()) for (const value of values(old)) unfile(filed, value, key);
    return old;
  }
}

function file<T>(filed: Map<string, Map<string, T>>, value: string, key: string, object: T): void {
  const drawer = filed.get(value);
  if (drawer) drawer.set(key, object);
  else filed.set(value, new Map([[key, object]]));
}

function unfile<T>(filed: Map<string, Map<string, T>>, value: string, key: string): void {
  const drawer = filed.get(value);
  drawer?.delete(key);
  if (drawer?.size === 0) filed.delete(value);
}
