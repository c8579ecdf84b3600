/**
 * The bounded set of objects that are kept decoded beside their bytes. Everything else is parsed again when it is needed, so the
 * V8 heap does not grow with the cluster. Eviction is second chance: a hand goes round, and an object that was read since it last
 * came by stays.
 */

/** Something that can forget its decoded form. */
export interface Decoded {
  /** Set on each read, cleared by a round of eviction. */
  recentlyRead: boolean;
  /** Where it is held; this set's own to say, -1 before. */
  decodedPlace: number;
  forgetDecoded(): void;
}

export class DecodedObjects {
  readonly #limit: number;
  readonly #places: (Decoded | undefined)[] = [];
  readonly #free: number[] = [];
  #hand = 0;

  /** @param limit most objects kept decoded */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  hold(decoded: Decoded): void {
    const known = decoded.decodedPlace;
    if (known >= 0 && this.#places[known] === decoded) return;
    const place = this.#free.pop() ?? (this.#places.length < this.#limit ? this.#places.length : this.#evictOne());
    this.#places[place] = decoded;
    decoded.decodedPlace = place;
  }

  release(decoded: Decoded): void {
    const place = decoded.decodedPlace;
    if (place < 0 || this.#places[place] !== decoded) return;
    this.#places[place] = undefined;
    this.#free.push(place);
    decoded.decodedPlace = -1;
  }

  /** Every place is taken. @returns the one that was freed */
  #evictOne(): number {
    for (;;) {
      const place = this.#hand;
      this.#hand = place + 1 === this.#places.length ? 0 : place + 1;
      const oldest = this.#places[place]!;
      if (oldest.recentlyRead) {
        oldest.recentlyRead = false;
        continue;
      }
      oldest.decodedPlace = -1;
      oldest.forgetDecoded();
      return place;
    }
  }
}
