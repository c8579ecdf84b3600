/**
 * Things that are handed out to one taker each: addresses and ports are both that. One is reserved while a write is under way and
 * held while a stored object names it. Invariants: nothing is handed out that somebody reserves or holds; taking is a single step
 * that no other request can come between; an operation that is abandoned leaves no trace. What there is to be had the pool does
 * not know, so it costs what is taken, however large the range: callers offer candidates.
 */

export class Pool<K> {
  readonly #reserved = new Set<K>();
  /** Who names one; more than one when stored objects clash. */
  readonly #holders = new Map<K, Set<string>>();

  /** How many stored objects hold. */
  get used(): number {
    return this.#holders.size;
  }

  isFree(one: K): boolean {
    return !this.#reserved.has(one) && !this.#holders.has(one);
  }

  /** In the order in which they came. */
  holders(one: K): ReadonlySet<string> {
    return this.#holders.get(one) ?? new Set();
  }

  /** All that is held, with its holders. */
  held(): Iterable<readonly [K, ReadonlySet<string>]> {
    return this.#holders;
  }

  /** Notes that a stored object names one; harmless to repeat. */
  hold(one: K, holder: string): void {
    const holders = this.#holders.get(one);
    if (holders) holders.add(holder);
    else this.#holders.set(one, new Set([holder]));
  }

  /** Notes that an object no longer names one; harmless to repeat. */
  unhold(one: K, holder: string): void {
    const holders = this.#holders.get(one);
    if (holders?.delete(holder) === true && holders.size === 0) this.#holders.delete(one);
  }

  begin(options: { readonly dryRun: boolean }): PoolOperation<K> {
    return new PoolOperation(this, this.#reserved, options.dryRun);
  }
}

/** What one write takes. A dry run sees what is free and takes nothing. */
export class PoolOperation<K> {
  readonly #pool: Pool<K>;
  readonly #reserved: Set<K>;
  readonly #dryRun: boolean;
  readonly #mine = new Set<K>();

  /** @param reserved the pool's own set of what is reserved */
  constructor(pool: Pool<K>, reserved: Set<K>, dryRun: boolean) {
    this.#pool = pool;
    this.#reserved = reserved;
    this.#dryRun = dryRun;
  }

  /** Takes this one; false when it is taken. */
  take(one: K): boolean {
    if (!this.#pool.isFree(one) || this.#mine.has(one)) return false;
    this.#mine.add(one);
    if (!this.#dryRun) this.#reserved.add(one);
    return true;
  }

  /** Takes the first of the candidates that is free; undefined when none is. */
  takeAny(candidates: Iterable<K>): K | undefined {
    for (const candidate of candidates) if (this.take(candidate)) return candidate;
    return undefined;
  }

  /** The object of `holder` is stored: what it took is held by it from now on. */
  commit(holder: string): void {
    if (this.#dryRun) return;
    for (const one of this.#mine) this.#pool.hold(one, holder);
    this.abandon();
  }

  /** The write failed: what it took is free again. */
  abandon(): void {
    if (!this.#dryRun) for (const one of this.#mine) this.#reserved.delete(one);
    this.#mine.clear();
  }
}
