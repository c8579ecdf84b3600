/**
 * A cache with what the scheduler has decided but nobody has seen yet laid over it. An assumption holds until the cache shows something
 * newer than what it was made of, or until it is taken back.
 */
import type { KubeObject } from '../../../api/index.ts';
import { keyOf, type Lister } from '../../../client/index.ts';

export class Assumed<T extends KubeObject> {
  readonly #lister: Lister<T>;
  readonly #assumed = new Map<string, T>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: { readonly namespace?: string | undefined; readonly name: string }): T | undefined {
    const shown = this.#lister.get(key);
    return shown && this.of(shown);
  }

  /** What is assumed of an object that the cache shows. */
  of(shown: T): T {
    if (this.#assumed.size === 0) return shown;
    const key = keyOf(shown);
    const assumed = this.#assumed.get(key);
    if (!assumed) return shown;
    const isOlder = BigInt(shown.metadata.resourceVersion) <= BigInt(assumed.metadata.resourceVersion);
    if (isOlder && shown.metadata.uid === assumed.metadata.uid) return assumed;
    this.#assumed.delete(key);
    return shown;
  }

  /** @param object a changed copy of what `get` answered, with its resourceVersion */
  assume(object: T): void {
    this.#assumed.set(keyOf(object), object);
  }

  restore(object: T): void {
    this.#assumed.delete(keyOf(object));
  }
}
