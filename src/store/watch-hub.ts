/**
 * Tells watches what was committed. Invariants: a watch hears every event under its prefix from its first revision on, once, in
 * revision order; it is either replaying (history, page by page, while new commits wait in the table) or live, and turns live in
 * the same step that finds nothing left to replay, so no commit falls between. An event costs one map look-up for each distinct
 * prefix length among the live watches, whatever their number.
 */
import { CompactedError } from './errors.ts';
import type { StoreEvent, Watch, WatchOptions } from './store.ts';
import type { Version, VersionTable } from './version-table.ts';

/** Most versions that one replay looks at before other work gets a turn. */
const replayPage = 1000;

interface Subscription {
  readonly options: WatchOptions;
  /** The next revision to replay; meaningless once live. */
  nextRevision: number;
  closed: boolean;
  /** Events of the commit that is being told, then handed over at once. */
  batch: StoreEvent[];
}

export class WatchHub {
  readonly #table: VersionTable;
  readonly #yield: () => Promise<void>;
  /** Live watches by prefix. */
  readonly #live = new Map<string, Set<Subscription>>();
  /** Number of prefixes in `#live` of each length. */
  readonly #lengths = new Map<number, number>();
  readonly #replaying = new Set<Subscription>();
  #revision: number;

  /** @param options.yield lets other work run between two pages of a replay */
  constructor(table: VersionTable, options: { readonly yield: () => Promise<void> }) {
    this.#table = table;
    this.#yield = options.yield;
    this.#revision = table.revision;
  }

  /** How many watches are open. */
  get size(): number {
    let size = this.#replaying.size;
    for (const group of this.#live.values()) size += group.size;
    return size;
  }

  /** Opens a watch; history is told later, from a microtask on. The caller has checked `fromRevision` against compaction. */
  open(options: WatchOptions): Watch {
    const nextRevision = options.fromRevision ?? this.#revision + 1;
    const subscription: Subscription = { options, nextRevision, closed: false, batch: [] };
    if (nextRevision > this.#revision) this.#goLive(subscription);
    else {
      this.#replaying.add(subscription);
      void this.#replay(subscription);
    }
    return { close: () => this.#remove(subscription) };
  }

  /** Tells every live watch of the versions of one commit, which are in revision order and in the table by now. */
  publish(versions: readonly Version[]): void {
    const touched: Subscription[] = [];
    for (const version of versions) this.#collect(version, touched);
    this.#revision = versions.at(-1)?.kv.modRevision ?? this.#revision;
    // A callback may open and close watches: what it opens starts after this commit, what it closes is not called any more.
    const revision = this.#revision;
    for (const subscription of touched) {
      const events = subscription.batch;
      subscription.batch = [];
      if (!subscription.closed) subscription.options.onEvents(events, revision);
    }
  }

  #collect(version: Version, touched: Subscription[]): void {
    const { key, modRevision } = version.kv;
    let event: StoreEvent | undefined;
    for (const length of this.#lengths.keys()) {
      if (key.length < length) continue;
      const group = this.#live.get(key.slice(0, length));
      if (!group) continue;
      event ??= eventOf(version);
      for (const subscription of group) {
        if (modRevision < subscription.nextRevision) continue;
        if (subscription.batch.length === 0) touched.push(subscription);
        subscription.batch.push(event);
      }
    }
  }

  /** Ends every watch with `error`. */
  fail(error: Error): void {
    const all = [...this.#replaying, ...[...this.#live.values()].flatMap((group) => [...group])];
    for (const subscription of all) this.#end(subscription, error);
  }

  async #replay(subscription: Subscription): Promise<void> {
    // The first page waits too, so that whoever opens the watch has it in hand when events come.
    await Promise.resolve();
    const { prefix, onEvents } = subscription.options;
    while (!subscription.closed && subscription.nextRevision <= this.#revision) {
      const fromRevision = subscription.nextRevision;
      if (fromRevision <= this.#table.compactedRevision) {
        this.#end(subscription, new CompactedError(fromRevision, this.#table.compactedRevision));
        return;
      }
      const toRevision = Math.min(this.#revision, fromRevision + replayPage - 1);
      const events = this.#table.history(prefix, fromRevision, toRevision, replayPage).map(eventOf);
      subscription.nextRevision = toRevision + 1;
      if (events.length > 0) onEvents(events, toRevision);
      if (toRevision < this.#revision) await this.#yield();
    }
    if (subscription.closed) return;
    this.#replaying.delete(subscription);
    this.#goLive(subscription);
  }

  #goLive(subscription: Subscription): void {
    const { prefix } = subscription.options;
    const group = this.#live.get(prefix);
    if (group) group.add(subscription);
    else {
      this.#live.set(prefix, new Set([subscription]));
      this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    }
  }

  #remove(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    if (this.#replaying.delete(subscription)) return;
    const { prefix } = subscription.options;
    const group = this.#live.get(prefix);
    if (!group?.delete(subscription) || group.size > 0) return;
    this.#live.delete(prefix);
    const left = this.#lengths.get(prefix.length)! - 1;
    if (left === 0) this.#lengths.delete(prefix.length);
    else this.#lengths.set(prefix.length, left);
  }

  #end(subscription: Subscription, error: Error): void {
    if (subscription.closed) return;
    this.#remove(subscription);
    subscription.options.onError(error);
  }
}

function eventOf({ kv, deleted }: Version): StoreEvent {
  return deleted ? { type: 'delete', key: kv.key, modRevision: kv.modRevision } : { type: 'put', kv };
}
