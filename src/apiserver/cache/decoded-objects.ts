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
  /** Of its text. */
  readonly byteLength: number;
  forgetDecoded(): void;
}

/** How much is kept decoded at most. */
export interface DecodedLimits {
  readonly objects: number;
  /** Of their texts; a single object may be larger. */
  readonly bytes: number;
}

export class DecodedObjects {
  readonly #limits: DecodedLimits;
  readonly #places: (Decoded | undefined)[] = [];
  readonly #free: number[] = [];
  #hand = 0;
  #bytes = 0;

  constructor(limits: DecodedLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  hold(decoded: Decoded): void {
    const known = decoded.decodedPlace;
    if (known >= 0 && this.#places[known] === decoded) return;
    const { objects, bytes } = this.#limits;
    this.#bytes += decoded.byteLength;
    while (this.size > 0 && (this.size >= objects || this.#bytes > bytes)) this.#evictOne();
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = decoded;
    decoded.decodedPlace = place;
  }

  release(decoded: Decoded): void {
    const place = decoded.decodedPlace;
    if (place < 0 || this.#places[place] !== decoded) return;
    this.#vacate(place, decoded);
  }

  /** Only while something is held. */
  #evictOne(): void {
    for (;;) {
      const place = this.#hand;
      this.#hand = place + 1 === this.#places.length ? 0 : place + 1;
      const oldest = this.#places[place];
      if (!oldest) continue;
      if (oldest.recentlyRead) {
        oldest.recentlyRead = false;
        continue;
      }
      this.#vacate(place, oldest);
      oldest.forgetDecoded();
      return;
    }
  }

  #vacate(place: number, decoded: Decoded): void {
    this.#places[place] = undefined;
    this.#free.push(place);
    this.#bytes -= decoded.byteLength;
    decoded.decodedPlace = -1;
  }
}
