/** Why each node was out of the question, for postFilter and for the pod's message. */
import type { NodeInfo } from '../cluster/node-info.ts';
import { type Status, type StatusCode } from './status.ts';

export class NodeStatuses {
  readonly #byIndex: (Status | undefined)[] = [];
  readonly #nodes: NodeInfo[] = [];
  /** Names of the plugins that rejected some node. */
  readonly plugins: Set<string> = new Set<string>();
  /** Of every node that was not looked at: preFilter left it out. */
  absent: Status | undefined;

  set(node: NodeInfo, status: Status, plugin: string): void {
    if (!this.#byIndex[node.index]) this.#nodes.push(node);
    this.#byIndex[node.index] = status;
    this.plugins.add(plugin);
  }

  of(node: NodeInfo): Status | undefined {
    return this.#byIndex[node.index] ?? this.absent;
  }

  /** Nodes with a status of their own. */
  get nodes(): readonly NodeInfo[] {
    return this.#nodes;
  }

  /** Those of `candidates` (default: with a status of their own) whose status has the code. */
  nodesWith(code: StatusCode, candidates: readonly NodeInfo[] = this.#nodes): NodeInfo[] {
    return candidates.filter((node) => this.of(node)?.code === code);
  }

  /** How many nodes gave each reason; a node counts once for each of its reasons. */
  countReasons(): Map<string, number> {
    const byStatus = new Map<Status, number>();
    for (const node of this.#nodes) {
      const status = this.#byIndex[node.index]!;
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    }
    const counts = new Map<string, number>();
    for (const [status, count] of byStatus) for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + count);
    return counts;
  }
}
