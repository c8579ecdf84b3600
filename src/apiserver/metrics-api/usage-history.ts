/** The last two looks at each node, and what they say of nodes and pods. Two are all there is: no graphs are drawn here. */
import type { NodeSample } from './kubelet-text.ts';
import { usageBetween, type UsageWindow } from './usage-window.ts';

interface Looks {
  readonly before: NodeSample | undefined;
  readonly now: NodeSample;
}

export class UsageHistory {
  readonly #periodMs: number;
  readonly #looks = new Map<string, Looks>();

  /** @param periodMs between two looks at a node */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  add(nodeName: string, sample: NodeSample): void {
    const last = this.#looks.get(nodeName)?.now;
    const isNewer = !last?.node || !sample.node || sample.node.timeMs > last.node.timeMs;
    if (isNewer) this.#looks.set(nodeName, { before: last, now: sample });
  }

  /** Forgets nodes that there are not any more. */
  keep(nodeNames: ReadonlySet<string>): void {
    for (const name of this.#looks.keys()) if (!nodeNames.has(name)) this.#looks.delete(name);
  }

  /** Whether a node was looked at twice: nothing can be said before. */
  isKnown(nodeName: string): boolean {
    return this.#looks.get(nodeName)?.before !== undefined;
  }

  node(nodeName: string): UsageWindow | undefined {
    const looks = this.#looks.get(nodeName);
    return looks?.now.node && usageBetween(looks.before?.node, looks.now.node, { periodMs: this.#periodMs });
  }

  /** By container; undefined when one of the pod's containers cannot be told of: a part would be taken for the whole. */
  pod(nodeName: string, key: string): ReadonlyMap<string, UsageWindow> | undefined {
    const looks = this.#looks.get(nodeName);
    const containers = looks?.now.pods.get(key);
    if (!looks || !containers || containers.size === 0) return undefined;
    const windows = new Map<string, UsageWindow>();
    for (const [name, point] of containers) {
      const window = usageBetween(looks.before?.pods.get(key)?.get(name), point, { periodMs: this.#periodMs });
      if (!window) return undefined;
      windows.set(name, window);
    }
    return windows;
  }
}
