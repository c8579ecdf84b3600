/**
 * A range of whole numbers to hand out from, cut in two: what nobody asked for by name comes from the upper part first, so that
 * numbers chosen by hand (mostly low ones) rarely collide with it. Walks a range of any size without keeping anything of it. Pure.
 * @source KEP-3070 (reserved ranges for dynamic and static allocation), KEP-3668 (the same for node ports)
 */
import type { Random } from '../../base/index.ts';

/** Both ends belong to the range. */
export interface NumberRange {
  readonly first: bigint;
  /** Where the upper part begins; `first` when the range is too small to be cut. */
  readonly firstDynamic: bigint;
  readonly last: bigint;
}

/** Every number of a range once: upwards from a random place of the upper part and around, then the same in the lower part. */
export function* numbersOf({ first, firstDynamic, last }: NumberRange, random: Random): Generator<bigint> {
  yield* around(firstDynamic, last, random);
  yield* around(first, firstDynamic - 1n, random);
}

function* around(from: bigint, to: bigint, random: Random): Generator<bigint> {
  const size = to - from + 1n;
  if (size <= 0n) return;
  const start = randomBelow(size, random);
  for (let i = start; i < size; i++) yield from + i;
  for (let i = 0n; i < start; i++) yield from + i;
}

/** Any number from 0 to `size` - 1; even enough for ranges of up to 2^106. */
function randomBelow(size: bigint, random: Random): bigint {
  const bits = 2 ** 53;
  const drawn = (BigInt(Math.floor(random.next() * bits)) << 53n) | BigInt(Math.floor(random.next() * bits));
  return (drawn * size) >> 106n;
}

/** How many numbers a range of `size` keeps for those who ask by name: `size / step`, at least `min` and at most `max`; none below `min`. */
export function staticShare(
  size: bigint,
  { min, max, step }: { readonly min: bigint; readonly max: bigint; readonly step: bigint },
): bigint {
  if (size < min) return 0n;
  const share = size / step;
  return share < min ? min : share > max ? max : share;
}
