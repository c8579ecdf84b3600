/**
 * What a dry run found on a node, for the next pod of the same shape: true as long as neither the node nor a budget changed, nor who is
 * nominated for the node. Only for filters that look at the node alone, and for pods that are not nominated for it themselves.
 */
import type { NodeInfo, PodInfo, PodShape } from '../framework/index.ts';
import type { DryRunResult } from './dry-run.ts';

/** What a dry run hangs on beside shape and node. */
export interface DryRunConditions {
  /** Version of all budgets. */
  readonly budgets: number;
  /** As the nominator has them: it makes another array for every change. */
  readonly nominated: readonly PodInfo[];
}

interface Remembered extends DryRunConditions {
  readonly generation: number;
  readonly result: DryRunResult;
}

export class DryRunMemory {
  /** By shape (which holds the priority), by `NodeInfo.index`. */
  readonly #byShape = new WeakMap<PodShape, (Remembered | undefined)[]>();

  read(shape: PodShape, node: NodeInfo, { budgets, nominated }: DryRunConditions): DryRunResult | undefined {
    const remembered = this.#byShape.get(shape)?.[node.index];
    if (remembered?.generation !== node.generation) return undefined;
    return remembered.budgets === budgets && remembered.nominated === nominated ? remembered.result : undefined;
  }

  write(shape: PodShape, node: NodeInfo, conditions: DryRunConditions, result: DryRunResult): void {
    let byNode = this.#byShape.get(shape);
    if (!byNode) {
      byNode = [];
      this.#byShape.set(shape, byNode);
    }
    byNode[node.index] = { generation: node.generation, ...conditions, result };
  }
}
