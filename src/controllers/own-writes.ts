/**
 * The newer of what a cache shows and what its controller wrote last. A controller that decides about one object while it deals with
 * others reads through this, so that it does not decide twice from a state that it has changed already.
 */
import type { KubeObject } from '../api/index.ts';
import { keyOf, type Lister } from '../client/index.ts';

/** For objects that the controller updates; those that it creates or deletes are the cache's to show. */
export class OwnWrites<T extends KubeObject> {
  readonly #lister: Lister<T>;
  readonly #written = new Map<string, T>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: { readonly namespace?: string | undefined; readonly name: string }): T | undefined {
    const shown = this.#lister.get(key);
    return this.#newest(key.namespace ? `${key.namespace}/${key.name}` : key.name, shown);
  }

  /** The newer state of an object that the cache gave. */
  newest(shown: T): T {
    return this.#newest(keyOf(shown), shown) ?? shown;
  }

  /** Notes what an update returned. */
  wrote(object: T): T {
    this.#written.set(keyOf(object), object);
    return object;
  }

  #newest(key: string, shown: T | undefined): T | undefined {
    const written = this.#written.get(key);
    if (!written) return shown;
    const isBehind =
      shown?.metadata.uid === written.metadata.uid && BigInt(shown.metadata.resourceVersion) < BigInt(written.metadata.resourceVersion);
    if (isBehind) return written;
    // Caught up, or gone: the cache alone counts again.
    this.#written.delete(key);
    return shown;
  }
}
