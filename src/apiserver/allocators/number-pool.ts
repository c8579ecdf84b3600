/**
 * A range of integers from which single ones are taken: addresses and ports are both that. A number is reserved while a write is
 * under way and held while a stored object names it. Invariants: a number is handed out only when nobody reserves or holds it;
 * taking one is a single step that no other request can come between; an operation that is abandoned leaves no trace.
 *
 * The range is cut in two: what nobody asked for by name comes from the upper part first, so that numbers chosen by hand (mostly
 * low ones) rarely collide with it.
 * @source KEP-3070 (reserved ranges for dynamic and static allocation), KEP-3668 (the same for node ports)
 */
import { assert, type Random } from '../../base/index.ts';

export interface NumberPoolOptions {
  readonly first: number;
  readonly last: number;
  /** How many of the lowest numbers are left for those who ask by name; 0 when the range is too small to be cut. */
  readonly reservedForStatic: number;
  readonly random: Random;
}

/** A part of a pool to take from, cut in two like the pool itself. */
export interface PoolPart {
  readonly first: number;
  readonly firstDynamic: number;
  readonly last: number;
}

export class NumberPool {
  readonly first: number;
  readonly last: number;
  readonly firstDynamic: number;
  readonly #random: Random;
  readonly #reserved = new Set<number>();
  /** Who names a number; more than one when stored objects clash. */
  readonly #holders = new Map<number, Set<string>>();

  constructor({ first, last, reservedForStatic, random }: NumberPoolOptions) {
    assert(first <= last, 'a pool holds at least one number');
    this.first = first;
    this.last = last;
    this.firstDynamic = first + reservedForStatic;
    this.#random = random;
  }

  /** Numbers that stored objects hold. */
  get used(): number {
    return this.#holders.size;
  }

  get free(): number {
    return this.last - this.first + 1 - this.#holders.size;
  }

  contains(number: number): boolean {
    return number >= this.first && number <= this.last;
  }

  isFree(number: number): boolean {
    return !this.#reserved.has(number) && !this.#holders.has(number);
  }

  holders(number: number): ReadonlySet<string> {
    return this.#holders.get(number) ?? new Set();
  }

  /** Every number that is held, with its holders. */
  held(): Iterable<readonly [number, ReadonlySet<string>]> {
    return this.#holders;
  }

  /** Notes that a stored object names a number; harmless to repeat. Numbers outside the range are none of the pool's business. */
  hold(number: number, holder: string): void {
    if (!this.contains(number)) return;
    const holders = this.#holders.get(number);
    if (holders) holders.add(holder);
    else this.#holders.set(number, new Set([holder]));
  }

  /** Notes that an object no longer names a number; harmless to repeat. */
  unhold(number: number, holder: string): void {
    const holders = this.#holders.get(number);
    if (holders?.delete(holder) === true && holders.size === 0) this.#holders.delete(number);
  }

  begin(options: { readonly dryRun: boolean }): PoolOperation {
    return new PoolOperation(this, this.#reserved, options.dryRun);
  }

  /**
   * A number that is free and that `accept` takes: upwards from a random place of the dynamic part, then of the static part.
   * @param part where to look; default: the whole pool
   */
  findFree(accept: (number: number) => boolean, part: PoolPart = this): number | undefined {
    return this.#search(part.firstDynamic, part.last, accept) ?? this.#search(part.first, part.firstDynamic - 1, accept);
  }

  #search(from: number, to: number, accept: (number: number) => boolean): number | undefined {
    const size = to - from + 1;
    if (size <= 0) return undefined;
    const offset = Math.floor(this.#random.next() * size);
    for (let i = 0; i < size; i++) {
      const number = from + ((offset + i) % size);
      if (this.isFree(number) && accept(number)) return number;
    }
    return undefined;
  }
}

/** The numbers that one write takes. A dry run sees what is free and takes nothing. */
export class PoolOperation {
  readonly #pool: NumberPool;
  readonly #reserved: Set<number>;
  readonly #dryRun: boolean;
  readonly #mine = new Set<number>();

  /** @param reserved the pool's own set of reserved numbers */
  constructor(pool: NumberPool, reserved: Set<number>, dryRun: boolean) {
    this.#pool = pool;
    this.#reserved = reserved;
    this.#dryRun = dryRun;
  }

  /** Takes a number of the range; false when it is taken. */
  take(number: number): boolean {
    assert(this.#pool.contains(number), 'the number is in the range');
    if (!this.#pool.isFree(number) || this.#mine.has(number)) return false;
    this.#reserve(number);
    return true;
  }

  /** Takes any free number, of a part of the pool if one is given; undefined when there is none. */
  takeNext(part?: PoolPart): number | undefined {
    const number = this.#pool.findFree((candidate) => !this.#mine.has(candidate), part);
    if (number !== undefined) this.#reserve(number);
    return number;
  }

  /** The object of `holder` is stored: what it took is held by it from now on. */
  commit(holder: string): void {
    if (this.#dryRun) return;
    for (const number of this.#mine) this.#pool.hold(number, holder);
    this.abandon();
  }

  /** The write failed: what it took is free again. */
  abandon(): void {
    for (const number of this.#mine) this.#reserved.delete(number);
    this.#mine.clear();
  }

  #reserve(number: number): void {
    this.#mine.add(number);
    if (!this.#dryRun) this.#reserved.add(number);
  }
}

/** How many numbers a range of `size` keeps for those who ask by name: `size / step`, at least `min` and at most `max`; none below `min`. */
export function staticShare(
  size: number,
  { min, max, step }: { readonly min: number; readonly max: number; readonly step: number },
): number {
  if (size < min) return 0;
  return Math.min(Math.max(Math.floor(size / step), min), max);
}
