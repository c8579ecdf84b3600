/**
 * The bounded set of objects that are kept decoded beside their bytes. Everything else is parsed again when it is needed, so the
 * V8 heap does not grow with the cluster. Eviction is second chance: an object that was read since the last round stays.
 */

/** Something that can forget its decoded form. */
export interface Decoded {
  /** Set on each read, cleared by a round of eviction. */
  recentlyRead: boolean;
  forgetDecoded(): void;
}

export class DecodedObjects {
  readonly #limit: number;
  readonly #held = new Set<Decoded>();

  /** @param limit most objects kept decoded */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(decoded: Decoded): void {
    this.#held.add(decoded);
    if (this.#held.size > this.#limit) this.#evictOne();
  }

  release(decoded: Decoded): void {
    this.#held.delete(decoded);
  }

  #evictOne(): void {
    for (const oldest of this.#held) {
      this.#held.delete(oldest);
      if (oldest.recentlyRead) {
        oldest.recentlyRead = false;
        this.#held.add(oldest);
      } else {
        oldest.forgetDecoded();
        return;
      }
    }
  }
}
