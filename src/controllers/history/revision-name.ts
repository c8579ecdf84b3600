/**
 * Names of revisions: the owner's name and a hash of what the revision holds, so that the same content has the same name on every run.
 * @source pkg/controller/history/controller_history.go, apimachinery pkg/util/rand SafeEncodeString, v1.35
 */
import type { JsonObject } from '../../api/index.ts';
import { goJson } from './go-json.ts';

/** Letters that form no words and look like no others. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';
/** What a name may have before the dash and the hash. */
const longestPrefix = 223;

/** @param collisionCount how often a name made of this hash was taken by other content */
export function revisionHash(data: JsonObject, collisionCount: number): string {
  const sum = fnv1(new TextEncoder().encode(`${goJson(data)}${collisionCount}`));
  return String(sum).replace(/[0-9]/g, (digit) => letters[digit.charCodeAt(0) % letters.length]!);
}

export function revisionName(owner: string, hash: string): string {
  return `${owner.slice(0, longestPrefix)}-${hash}`;
}

/** The 32-bit FNV-1 sum. */
function fnv1(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum, 0x01000193) ^ byte;
  return sum >>> 0;
}
