/** Randomness as a dependency, so that a seeded run repeats itself. */
import { randomFillSync } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** Random words that `next` has yet to use, two a number: asking the system costs more than a hundred of them. */
const words = new Uint32Array(512);
let used = words.length;

/** The operating system's cryptographic source. */
export const systemRandom: Random = {
  next: () => {
    if (used === words.length) {
      randomFillSync(words);
      used = 0;
    }
    const high = words[used++]! >>> 5;
    const low = words[used++]! >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  },
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

/** A repeatable source (SplitMix32) for simulations; never for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return {
    next: () => next32() / 2 ** 32,
    bytes: (length) => Uint8Array.from({ length }, () => next32() & 0xff),
  };
}

/** The letters that Kubernetes uses in generated names: no vowels, nothing that looks like something else. @source apimachinery util/rand */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` letters for a generated name's suffix (five upstream). */
export function randomSuffix(random: Random, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) text += nameLetters[Math.floor(random.next() * nameLetters.length)];
  return text;
}

/** A version 4 UUID. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toHex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
