/**
 * Sets of fields that many objects have in common, kept once: a thousand pods of one Deployment are managed alike, and a write mostly leaves
 * its manager with the very set that it had. Equal sets are then the same object, already in the order in which they are written.
 * Bounded: what was made first goes first, and a set that is no longer kept here is only a set that is not shared.
 */
import type { JsonObject } from '../object.ts';
import { type FieldSet, inOrder } from './field-set.ts';

/** Characters of JSON text of all the sets that are kept, and of the longest of them: a long one is seldom had in common. */
const maxChars = 1 << 20;
const maxCharsOfOne = 4096;

class InternedSets {
  readonly #byText = new Map<string, FieldSet>();
  readonly #known = new WeakSet<object>();
  #chars = 0;

  /** Whether it is the one that all others like it are replaced with. */
  has(set: object): boolean {
    return this.#known.has(set);
  }

  get(text: string): FieldSet | undefined {
    return this.#byText.get(text);
  }

  /** @param set in order, with that very text */
  add(text: string, set: FieldSet): void {
    if (text.length > maxCharsOfOne) return;
    this.#byText.set(text, set);
    this.#known.add(set);
    this.#chars += text.length;
    for (const [oldest] of this.#byText) {
      if (this.#chars <= maxChars) return;
      this.#byText.delete(oldest);
      this.#chars -= oldest.length;
    }
  }
}

const sets = new InternedSets();

/** The set in the order in which it is written: the one that others have too, where there is one. */
export function intern(set: FieldSet): FieldSet {
  if (sets.has(set)) return set;
  const ordered = inOrder(set);
  const text = JSON.stringify(ordered);
  const known = sets.get(text);
  if (known) return known;
  sets.add(text, ordered);
  return ordered;
}

/** The interned set that a tree says, so that it need not be checked; undefined when there is none. */
export function internedTree(tree: JsonObject): FieldSet | undefined {
  // Only sets were interned.
  if (sets.has(tree)) return tree as unknown as FieldSet;
  return sets.get(JSON.stringify(tree));
}
