/**
 * Keys as the store orders them: by their UTF-8 bytes, which is not how JavaScript compares strings once a key leaves the basic
 * plane. Kubernetes' keys are ASCII, so the fast path is the only one taken in practice.
 */
import { InvalidKeyError } from './errors.ts';

/** Longest key in bytes of UTF-8; the longest that the API can make (group, resource, namespace, name) has about 650. */
export const maxKeyBytes = 1024;

/** Compares as `memcmp` on UTF-8 would: negative, zero or positive. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return utf8Rank(left) - utf8Rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other UTF-16 unit, so they rank last. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** @throws InvalidKeyError when `key` cannot be stored */
export function checkKey(key: string): void {
  if (key === '') throw new InvalidKeyError('key is empty');
  // Three bytes a unit is UTF-8's worst case: most keys never need the exact count.
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
    throw new InvalidKeyError(`key is longer than ${maxKeyBytes} bytes: ${key.slice(0, 64)}…`);
  }
  if (!key.isWellFormed() || key.includes('\0')) throw new InvalidKeyError(`key is not plain text: ${JSON.stringify(key.slice(0, 64))}`);
}
