/** Why each node was out of the question, for postFilter and for the pod's message. */
import type { NodeInfo } from '../cluster/node-info.ts';
import type { Status, StatusCode } from './status.ts';

export class NodeStatuses {
  readonly #nodes: NodeInfo[] = [];
  readonly #statuses: Status[] = [];
  /** Node → place in the two lists; made when somebody asks, since most cycles end without a question. */
  #places: Map<NodeInfo, number> | undefined;
  #lastPlugin = '';
  /** Names of the plugins that rejected some node, or the pod as such. */
  readonly plugins: Set<string> = new Set<string>();
  /** Those whose answer was `Pending`. */
  readonly pendingPlugins: Set<string> = new Set<string>();
  /** Of every node that was not looked at: preFilter left it out. */
  absent: Status | undefined;

  /** @param plugin who says so; must not be told twice of one node */
  set(node: NodeInfo, status: Status, plugin: string): void {
    this.#nodes.push(node);
    this.#statuses.push(status);
    this.#places = undefined;
    if (plugin !== this.#lastPlugin || status.code === 'Pending') this.reject(plugin, status.code);
  }

  /** A plugin said no, to a node or to the pod as such. */
  reject(plugin: string, code: StatusCode): void {
    this.#lastPlugin = plugin;
    if (code === 'Pending') this.pendingPlugins.add(plugin);
    else this.plugins.add(plugin);
  }

  of(node: NodeInfo): Status | undefined {
    this.#places ??= new Map(this.#nodes.map((each, place) => [each, place]));
    const place = this.#places.get(node);
    return place === undefined ? this.absent : this.#statuses[place];
  }

  /** Nodes with a status of their own. */
  get nodes(): readonly NodeInfo[] {
    return this.#nodes;
  }

  /** Those with a status of their own whose status has the code; what is `absent` is not among them. */
  nodesWith(code: StatusCode): NodeInfo[] {
    return this.#nodes.filter((_, place) => this.#statuses[place]!.code === code);
  }

  /** How many nodes gave each reason; a node counts once for each of its reasons. */
  countReasons(): Map<string, number> {
    const byStatus = new Map<Status, number>();
    for (const status of this.#statuses) byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    const counts = new Map<string, number>();
    for (const [status, count] of byStatus) for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + count);
    return counts;
  }
}
