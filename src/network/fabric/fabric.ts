/**
 * Keeps the kernel's entries true to what is wanted of the peers. Invariants: what stands is remembered and read only at the start and when
 * somebody may have changed it; a change costs the keys it touches; what was refused is tried again by the next call.
 */
import type { Ctx } from '../../base/index.ts';
import { type Entry, keyOf } from './entry.ts';
import { type Difference, isEmpty, type Plan, planChanges } from './entry-plan.ts';
import type { Kernel, RefusedCommand } from './kernel.ts';

/** Who an entry is for; its own entries replace its own. */
export type Owner = string;

export class Fabric {
  readonly #kernel: Kernel;
  readonly #stands = new Map<string, Entry>();
  readonly #wanted = new Map<string, Entry>();
  readonly #keys = new Map<Owner, readonly string[]>();
  readonly #dirty = new Set<string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** What is wanted of an owner from now on; none: it has gone. Keys of different owners must differ. */
  want(owner: Owner, entries: readonly Entry[]): void {
    for (const key of this.#keys.get(owner) ?? []) {
      this.#wanted.delete(key);
      this.#dirty.add(key);
    }
    for (const entry of entries) {
      const key = keyOf(entry);
      this.#wanted.set(key, entry);
      this.#dirty.add(key);
    }
    if (entries.length > 0) this.#keys.set(owner, entries.map(keyOf));
    else this.#keys.delete(owner);
  }

  /** Nothing is wanted of anybody any more. */
  clear(): void {
    for (const key of this.#wanted.keys()) this.#dirty.add(key);
    this.#wanted.clear();
    this.#keys.clear();
  }

  /** What was found to stand, all of it. */
  found(entries: readonly Entry[]): void {
    for (const key of this.#stands.keys()) this.#dirty.add(key);
    this.#stands.clear();
    for (const entry of entries) {
      this.#stands.set(keyOf(entry), entry);
      this.#dirty.add(keyOf(entry));
    }
    for (const key of this.#wanted.keys()) this.#dirty.add(key);
  }

  /** What the next `apply` would run. */
  plan(): Plan {
    return planChanges(
      Iterator.from(this.#dirty).map((key): Difference => ({ key, stands: this.#stands.get(key), wanted: this.#wanted.get(key) })),
    );
  }

  /** Brings the kernel to what is wanted. @returns what it refused */
  async apply(ctx: Pick<Ctx, 'signal'>): Promise<readonly RefusedCommand[]> {
    const plan = this.plan();
    const tried = new Set(this.#dirty);
    this.#dirty.clear();
    if (isEmpty(plan)) return [];
    let refused: readonly RefusedCommand[] = [];
    try {
      refused = await this.#kernel.apply(plan, ctx);
    } catch (error) {
      for (const key of tried) this.#dirty.add(key);
      throw error;
    }
    const failed = new Set(refused.map(({ command }) => command));
    for (const command of [...plan.bridge, ...plan.ip]) {
      if (failed.has(command)) this.#dirty.add(command.key);
      else if (command.outcome) this.#stands.set(command.key, command.outcome);
      else this.#stands.delete(command.key);
    }
    return refused;
  }
}
