/**
 * Pods that fit nowhere, and gated ones, filed by the plugins that keep them out: an event concerns only the pods of the plugins that
 * asked for it, so ten thousand stuck pods cost an unrelated event nothing.
 */
import type { QueueEntry } from './queue-entry.ts';

export class UnschedulablePods {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #byPlugin = new Map<string, Set<QueueEntry>>();
  #gated = 0;

  /** Without the gated ones. */
  get size(): number {
    return this.#entries.size - this.#gated;
  }

  get gated(): number {
    return this.#gated;
  }

  get(uid: string): QueueEntry | undefined {
    return this.#entries.get(uid);
  }

  /** Nothing that says where it is filed may change while the entry is in. */
  add(entry: QueueEntry): void {
    entry.place = 'unschedulable';
    this.#entries.set(entry.uid, entry);
    if (entry.gatedBy !== undefined) this.#gated++;
    for (const plugin of filedUnder(entry)) {
      const pods = this.#byPlugin.get(plugin);
      if (pods) pods.add(entry);
      else this.#byPlugin.set(plugin, new Set([entry]));
    }
  }

  delete(uid: string): QueueEntry | undefined {
    const entry = this.#entries.get(uid);
    if (!entry) return undefined;
    this.#entries.delete(uid);
    if (entry.gatedBy !== undefined) this.#gated--;
    for (const plugin of filedUnder(entry)) this.#byPlugin.get(plugin)?.delete(entry);
    return entry;
  }

  /** Pods that some of the plugins keep out, each once. */
  keptOutBy(plugins: Iterable<string>): Set<QueueEntry> {
    const found = new Set<QueueEntry>();
    for (const plugin of plugins) for (const entry of this.#byPlugin.get(plugin) ?? []) found.add(entry);
    return found;
  }

  entries(): QueueEntry[] {
    return [...this.#entries.values()];
  }
}

function* filedUnder(entry: QueueEntry): IterableIterator<string> {
  yield* entry.rejectors();
  if (entry.gatedBy !== undefined) yield entry.gatedBy;
}
