/**
 * Finds the selectors that may match some labels without asking all of them: each is filed under one label that it requires. What is found
 * must still be asked. Pure.
 */
import type { LabelMatcher } from '../../api/index.ts';

export class SelectorIndex<T> {
  readonly #filed = new Map<string, Set<T>>();
  readonly #others = new Set<T>();

  add(matcher: LabelMatcher, value: T): void {
    const label = requiredLabel(matcher);
    if (label === undefined) {
      this.#others.add(value);
      return;
    }
    const drawer = this.#filed.get(label);
    if (drawer) drawer.add(value);
    else this.#filed.set(label, new Set([value]));
  }

  delete(matcher: LabelMatcher, value: T): void {
    const label = requiredLabel(matcher);
    if (label === undefined) {
      this.#others.delete(value);
      return;
    }
    const drawer = this.#filed.get(label);
    drawer?.delete(value);
    if (drawer?.size === 0) this.#filed.delete(label);
  }

  *candidates(labels: Readonly<Record<string, string>>): Generator<T> {
    yield* this.#others;
    for (const [key, value] of Object.entries(labels)) yield* this.#filed.get(`${key}=${value}`) ?? [];
  }
}

/** `key=value` of one label that everything it selects has; undefined when there is none. */
export function requiredLabel({ requirements }: LabelMatcher): string | undefined {
  for (const { key, operator, values } of requirements)
    if (values.length === 1 && (operator === '=' || operator === '==' || operator === 'in')) return `${key}=${values[0]}`;
  return undefined;
}
