/**
 * The order of a list after a strategic merge: what the patch orders comes in its order, what only the server has keeps its place
 * relative to what it stood beside.
 * @source apimachinery util/strategicpatch normalizeElementOrder, mergeSortedSlice
 */
import type { JsonValue } from '../object.ts';

export interface Ordering {
  /** The merged items, in any order. */
  readonly items: readonly JsonValue[];
  /** The order that the patch wants; items that it does not name are the server's own. */
  readonly wanted: readonly JsonValue[];
  /** The order that the server had. */
  readonly before: readonly JsonValue[];
  /** What tells one item from another. */
  readonly identity: (item: JsonValue) => JsonValue | undefined;
}

export function orderList({ items, wanted, before, identity }: Ordering): JsonValue[] {
  const wantedAt = placesOf(wanted, identity);
  const beforeAt = placesOf(before, identity);
  const place = (places: ReadonlyMap<unknown, number>, item: JsonValue): number => places.get(identity(item)) ?? -1;
  const patched = items.filter((item) => wantedAt.has(identity(item))).toSorted((a, b) => place(wantedAt, a) - place(wantedAt, b));
  const own = items.filter((item) => !wantedAt.has(identity(item))).toSorted((a, b) => place(beforeAt, a) - place(beforeAt, b));
  const standsBefore = (a: JsonValue, b: JsonValue): boolean => place(beforeAt, a) >= 0 && place(beforeAt, a) < place(beforeAt, b);
  const result: JsonValue[] = [];
  let next = 0;
  for (const item of patched) {
    // Both stood in the old list: what stood before stays before.
    while (next < own.length && standsBefore(own[next]!, item)) result.push(own[next++]!);
    result.push(item);
  }
  return [...result, ...own.slice(next)];
}

function placesOf(list: readonly JsonValue[], identity: Ordering['identity']): ReadonlyMap<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [index, item] of list.entries()) {
    const id = identity(item);
    if (!places.has(id)) places.set(id, index);
  }
  return places;
}
