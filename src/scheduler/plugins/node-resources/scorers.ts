/**
 * From what would be requested and what there is, resource by resource, to a score of 0…100. Pure arithmetic in whole numbers.
 * @source kube-scheduler v1.35 plugins/noderesources: least_allocated.go, most_allocated.go, requested_to_capacity_ratio.go, balanced_allocation.go
 */
import { maxNodeScore } from '../../framework/index.ts';
import type { ScoringStrategy, ShapePoint } from './args.ts';

/** Sees only resources that the node has (`capacity` > 0) and the pod is judged by. */
export interface ResourceScorer {
  /** Begins a node. */
  start(): void;
  add(requested: number, capacity: number, weight: number): void;
  finish(): number;
}

export function scorerOf({ type, requestedToCapacityRatio }: ScoringStrategy): ResourceScorer {
  if (type === 'LeastAllocated') {
    return new WeightedMean((requested, capacity) => (requested > capacity ? 0 : share(capacity - requested, capacity)), false);
  }
  // Beyond the capacity only by the assumed requests of best-effort containers.
  if (type === 'MostAllocated') return new WeightedMean((requested, capacity) => share(Math.min(requested, capacity), capacity), false);
  const curve = brokenLine(requestedToCapacityRatio?.shape ?? []);
  const used = (requested: number, capacity: number): number => (requested > capacity ? 100 : Math.trunc((requested * 100) / capacity));
  return new WeightedMean((requested, capacity) => curve(used(requested, capacity)), true);
}

class WeightedMean implements ResourceScorer {
  readonly #scoreOf: (requested: number, capacity: number) => number;
  /** Of the ratio strategy: resources that score zero do not count, and the mean is rounded. */
  readonly #leavesOutZero: boolean;
  #sum = 0;
  #weights = 0;

  constructor(scoreOf: (requested: number, capacity: number) => number, leavesOutZero: boolean) {
    this.#scoreOf = scoreOf;
    this.#leavesOutZero = leavesOutZero;
  }

  start(): void {
    this.#sum = 0;
    this.#weights = 0;
  }

  add(requested: number, capacity: number, weight: number): void {
    const score = this.#scoreOf(requested, capacity);
    if (this.#leavesOutZero && score <= 0) return;
    this.#sum += score * weight;
    this.#weights += weight;
  }

  finish(): number {
    if (this.#weights === 0) return 0;
    const mean = this.#sum / this.#weights;
    return this.#leavesOutZero ? Math.round(mean) : Math.floor(mean);
  }
}

/** The closer the used fractions are to each other, the better: 100 minus their standard deviation. */
export class BalanceScorer implements ResourceScorer {
  readonly #fractions: number[] = [];

  start(): void {
    this.#fractions.length = 0;
  }

  add(requested: number, capacity: number): void {
    this.#fractions.push(Math.min(requested / capacity, 1));
  }

  finish(): number {
    return Math.trunc((1 - deviation(this.#fractions)) * maxNodeScore);
  }
}

function deviation(fractions: readonly number[]): number {
  const [a, b] = fractions;
  if (a === undefined || b === undefined) return 0;
  if (fractions.length === 2) return Math.abs((a - b) / 2);
  const mean = fractions.reduce((sum, each) => sum + each, 0) / fractions.length;
  return Math.sqrt(fractions.reduce((sum, each) => sum + (each - mean) ** 2, 0) / fractions.length);
}

function share(part: number, whole: number): number {
  return Math.floor((part * maxNodeScore) / whole);
}

/** Linear between the points, constant outside. Scores of 0…10 in the configuration are 0…100 here. */
function brokenLine(points: readonly ShapePoint[]): (utilization: number) => number {
  const shape = points.map(({ utilization, score }) => ({ utilization, score: (score * maxNodeScore) / 10 }));
  return (utilization) => {
    for (const [i, point] of shape.entries()) {
      if (utilization > point.utilization) continue;
      const before = shape[i - 1];
      if (!before) return point.score;
      const rise = (point.score - before.score) * (utilization - before.utilization);
      return before.score + Math.trunc(rise / (point.utilization - before.utilization));
    }
    return shape.at(-1)?.score ?? 0;
  };
}
