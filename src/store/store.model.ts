/**
 * The store contract as the simplest thing that keeps it: a list of changes, replayed for every question. Tests compare a backend
 * with it; it shares no code with any.
 */
import type { KeyValue, StoreEvent } from './store.ts';

/** Byte order, spelled out. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class StoreModel {
  readonly #events: StoreEvent[] = [];
  compactedRevision = 0;

  get revision(): number {
    return this.#events.length;
  }

  /** Everything that lives at `revision`, by key. */
  at(revision: number): Map<string, KeyValue> {
    const live = new Map<string, KeyValue>();
    for (const event of this.#events.slice(0, revision)) {
      if (event.type === 'put') live.set(event.kv.key, event.kv);
      else live.delete(event.key);
    }
    return live;
  }

  current(key: string): KeyValue | undefined {
    return this.at(this.revision).get(key);
  }

  put(key: string, value: Uint8Array, lease = 0): number {
    const prev = this.current(key);
    const modRevision = this.revision + 1;
    const kv = { key, value, createRevision: prev?.createRevision ?? modRevision, modRevision, version: (prev?.version ?? 0) + 1, lease };
    this.#events.push({ type: 'put', kv });
    return modRevision;
  }

  delete(key: string): number {
    const modRevision = this.revision + 1;
    this.#events.push({ type: 'delete', key, modRevision });
    return modRevision;
  }

  range(
    prefix: string,
    options: { readonly revision: number; readonly after: string; readonly limit: number },
  ): { kvs: KeyValue[]; count: number } {
    const all = [...this.at(options.revision).values()]
      .filter(({ key }) => key.startsWith(prefix) && byBytes(key, options.after) > 0)
      .sort((a, b) => byBytes(a.key, b.key));
    return { kvs: all.slice(0, options.limit), count: all.length };
  }

  history(prefix: string, fromRevision: number): StoreEvent[] {
    return this.#events.slice(fromRevision - 1).filter((event) => (event.type === 'put' ? event.kv.key : event.key).startsWith(prefix));
  }
}
