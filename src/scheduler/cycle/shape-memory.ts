/**
 * What was found for pods of one shape, node by node: the verdict of the filters that look at nothing but the node, and the scores of such
 * plugins. An entry counts as long as the node's generation is the one it was made of, and what was found beside nominated pods as long as
 * those are the same, too.
 */
import type { PodInfo, PodShape, Status } from '../framework/index.ts';

/** What was found on a node when the pods nominated for it are counted. */
export interface VerdictBesideNominated {
  readonly generation: number;
  /** As the nominator has them: it makes another array for every change. */
  readonly nominated: readonly PodInfo[];
  readonly status: Status | undefined;
  readonly rejector: string;
}

export class ShapeMemory {
  readonly capacity: number;
  readonly filteredAt: Float64Array;
  /** Undefined: the node passed. */
  readonly verdicts: (Status | undefined)[];
  readonly rejectors: (string | undefined)[];
  /** By `NodeInfo.index`; few nodes have nominated pods. */
  readonly besideNominated = new Map<number, VerdictBesideNominated>();
  readonly scoredAt: Float64Array;
  /** Sum of the weighted scores of plugins that do not normalize. */
  readonly sums: Float64Array;
  /** Raw scores of plugins that do, by the plugin's place among them. */
  readonly raw: Float64Array[] = [];
  /** Which plugins took part: another set makes everything worthless. */
  readonly filters: string;
  scores = '';

  constructor(capacity: number, filters: string) {
    this.capacity = capacity;
    this.filters = filters;
    this.filteredAt = new Float64Array(capacity);
    this.verdicts = Array.from({ length: capacity });
    this.rejectors = Array.from({ length: capacity });
    this.scoredAt = new Float64Array(capacity);
    this.sums = new Float64Array(capacity);
  }

  /** Makes room for the raw scores of `count` plugins and forgets all scores. */
  resetScores(scores: string, count: number): void {
    this.scores = scores;
    this.scoredAt.fill(0);
    this.raw.length = 0;
    for (let i = 0; i < count; i++) this.raw.push(new Float64Array(this.capacity));
  }
}

/** Node slots that all memories of a profile hold together, about 40 bytes each. */
const maxSlots = 2_000_000;
/** A shape is worth a memory when it comes again within so many pods: later, most of what was known would be stale. */
const soon = 64;

/** The memories of one profile; those unused for longest go first. */
export class ShapeMemories {
  readonly #memories = new Map<PodShape, ShapeMemory>();
  /** The shapes of the latest pods without a memory, and the count of pods at which each came. */
  readonly #lately = new Map<PodShape, number>();
  #pods = 0;
  #slots = 0;

  /** Undefined for a shape that is rare. */
  of(shape: PodShape, capacity: number, filters: string): ShapeMemory | undefined {
    const known = this.#memories.get(shape);
    if (known) this.#forget(shape, known);
    else if (!this.#comesAgain(shape)) return undefined;
    // Room to grow, so that every node that is added does not cost everything known.
    const fits = known && known.capacity >= capacity && known.filters === filters;
    const memory = fits ? known : new ShapeMemory(Math.ceil(capacity * 1.25), filters);
    this.#memories.set(shape, memory);
    this.#slots += memory.capacity;
    for (const [oldest, its] of this.#memories) {
      if (this.#slots <= maxSlots || its === memory) break;
      this.#forget(oldest, its);
    }
    return memory;
  }

  #comesAgain(shape: PodShape): boolean {
    this.#pods++;
    const again = this.#lately.delete(shape);
    this.#lately.set(shape, this.#pods);
    for (const [oldest, at] of this.#lately) {
      if (this.#pods - at < soon) break;
      this.#lately.delete(oldest);
    }
    return again;
  }

  #forget(shape: PodShape, memory: ShapeMemory): void {
    this.#memories.delete(shape);
    this.#slots -= memory.capacity;
  }
}
