/** What the plugins of one scheduling cycle remember from one point to the next. */

/** Names a value in the cycle's state, with its type. Made once, when a plugin's module loads. */
export interface StateKey<T> {
  readonly name: string;
  readonly slot: number;
  /** Carries the type to the compiler; never set. */
  readonly value?: T;
}

let slots = 0;

export function stateKey<T>(name: string): StateKey<T> {
  return { name, slot: slots++ };
}

/** Reads cost an array access: filters may read it for every node. */
export class CycleState {
  readonly #values: unknown[] = [];
  /** Names of the plugins whose preFilter, or preScore, answered `skip`; kept by the framework. */
  readonly skippedFilters: Set<string> = new Set<string>();
  readonly skippedScores: Set<string> = new Set<string>();

  read<T>(key: StateKey<T>): T | undefined {
    return this.#values[key.slot] as T | undefined;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#values[key.slot] = value;
  }

  delete(key: StateKey<unknown>): void {
    this.#values[key.slot] = undefined;
  }
}
