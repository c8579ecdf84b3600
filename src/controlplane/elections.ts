/**
 * The elections of components that share a process and its caches: controllers and scheduler of a control plane. Each has a Lease of its own,
 * as upstream's processes have, so that one of them may be led from elsewhere.
 * Invariants: a part runs only while it leads; those that begin to lead together share one term and its caches; a term ends for all its
 * parts when one of them stops leading, and they are elected anew.
 */
import { aborted, type Clock, type Ctx, type Logger, type Random, TaskGroup } from '../base/index.ts';
import type { Client, Fence } from '../client/index.ts';
import type { ComponentFlagValues, ElectionTimes } from './component/component-flags.ts';
import { runElected } from './component/election.ts';
import { ComponentError } from './component/errors.ts';

export interface ElectedPart {
  readonly name: string;
  readonly leaseName: string;
  readonly client: Client;
  readonly flags: ComponentFlagValues;
}

/** What a part writes under; undefined: it is not elected. */
export type Fences = ReadonlyMap<string, Fence | undefined>;

export interface ElectionsOptions {
  readonly parts: readonly ElectedPart[];
  readonly identity: string;
  readonly times: ElectionTimes;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly group: TaskGroup;
  /** Starts the parts that lead, in the group of their term. */
  readonly start: (fences: Fences, term: TaskGroup) => void;
}

/** How long a part that leads waits to hear how the others' first try ended. */
const firstTryMs = 1_000;

export class Elections {
  readonly #options: ElectionsOptions;
  readonly #leading = new Map<string, Fence | undefined>();
  readonly #terms = new Map<string, TaskGroup>();
  /** Parts whose first try has ended. */
  readonly #tried = new Set<string>();
  readonly #allTried = Promise.withResolvers<void>();

  constructor(options: ElectionsOptions) {
    this.#options = options;
    for (const part of options.parts) options.group.spawn(`${part.name} election`, (ctx) => this.#stand(part, ctx));
  }

  /** Names of what runs in the terms. */
  get running(): readonly string[] {
    return [...new Set(this.#terms.values())].flatMap((term) => term.running);
  }

  async #stand({ name, leaseName, client, flags }: ElectedPart, { signal, log }: Ctx): Promise<void> {
    const { clock, random, identity, times } = this.#options;
    for (;;) {
      try {
        await runElected({
          flags,
          leaseName,
          client,
          identity,
          times,
          clock,
          random,
          log,
          signal,
          onNewLeader: (leader) => leader !== identity && this.#hasTried(name),
          lead: (ctx, fence) => this.#lead(name, ctx, fence),
        });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ComponentError)) throw error;
        log.warn('leaderelection lost', { lease: leaseName });
      }
    }
  }

  async #lead(name: string, { signal, log }: Ctx, fence: Fence | undefined): Promise<void> {
    this.#leading.set(name, fence);
    this.#hasTried(name);
    const { clock } = this.#options;
    using _timer = clock.setTimer(firstTryMs, () => this.#allTried.resolve());
    try {
      await this.#allTried.promise;
      if (signal.aborted) return;
      const term = this.#terms.get(name) ?? this.#begin(log);
      await aborted(AbortSignal.any([signal, term.signal]));
      await term.close();
    } finally {
      this.#leading.delete(name);
      this.#terms.delete(name);
    }
  }

  /** A term of all who lead and have none. */
  #begin(log: Logger): TaskGroup {
    const term = new TaskGroup({ log, signal: this.#options.group.signal });
    const fences = new Map([...this.#leading].filter(([name]) => !this.#terms.has(name)));
    for (const name of fences.keys()) this.#terms.set(name, term);
    this.#options.start(fences, term);
    return term;
  }

  #hasTried(name: string): void {
    this.#tried.add(name);
    if (this.#tried.size === this.#options.parts.length) this.#allTried.resolve();
  }
}
