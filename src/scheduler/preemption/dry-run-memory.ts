/**
 * What a dry run found on a node, for the next pod of the same shape: true as long as neither the node nor a budget changed. Only for
 * filters that look at the node alone, and where nobody is nominated.
 */
import type { NodeInfo, PodShape } from '../framework/index.ts';
import type { DryRunResult } from './dry-run.ts';

interface Remembered {
  readonly generation: number;
  readonly budgets: number;
  readonly result: DryRunResult;
}

export class DryRunMemory {
  /** By shape (which holds the priority), by `NodeInfo.index`. */
  readonly #byShape = new WeakMap<PodShape, (Remembered | undefined)[]>();

  read(shape: PodShape, node: NodeInfo, budgets: number): DryRunResult | undefined {
    const remembered = this.#byShape.get(shape)?.[node.index];
    return remembered?.generation === node.generation && remembered.budgets === budgets ? remembered.result : undefined;
  }

  write(shape: PodShape, node: NodeInfo, budgets: number, result: DryRunResult): void {
    let byNode = this.#byShape.get(shape);
    if (!byNode) {
      byNode = [];
      this.#byShape.set(shape, byNode);
    }
    byNode[node.index] = { generation: node.generation, budgets, result };
  }
}
