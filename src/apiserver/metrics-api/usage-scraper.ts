/**
 * Looks at every node that is ready, again and again.
 * Invariants: never more than a named number of nodes at once, and none longer than its deadline; a node that does not answer costs the
 * others nothing and is asked ever less often.
 * @source metrics-server pkg/scraper/scraper.go, v0.8
 */
import { type corev1, isConditionTrue } from '../../api/index.ts';
import { type Clock, isAbort, KeyedBackoff, type Logger } from '../../base/index.ts';
import type { NodeSample } from './kubelet-text.ts';
import type { UsageHistory } from './usage-history.ts';

/** Tells what a node and its pods have used so far. */
export interface UsageSource {
  /** @throws whatever keeps it from being known */
  read(node: corev1.Node, signal: AbortSignal): Promise<NodeSample>;
}

export interface UsageScraperOptions {
  readonly source: UsageSource;
  readonly nodes: () => readonly corev1.Node[];
  readonly history: UsageHistory;
  readonly periodMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Until a node was looked at twice, nobody can say anything of it: the second look comes early. */
const firstPeriodMs = 6_000;
const deadlineMs = 10_000;
const maxAtOnce = 32;
/** A node that fails is passed over for as long as this, at first and at most. */
const backoff = { initialMs: 15_000, maxMs: 120_000 };

/** Runs until the signal aborts. */
export async function keepScraping({ source, nodes, history, periodMs, clock, log, signal }: UsageScraperOptions): Promise<void> {
  const waits = new KeyedBackoff<string>(backoff);
  const notBeforeMs = new Map<string, number>();

  const look = async (node: corev1.Node): Promise<void> => {
    const { name } = node.metadata;
    const deadline = new AbortController();
    using _limit = clock.setTimer(deadlineMs, () => deadline.abort());
    try {
      history.add(name, await source.read(node, AbortSignal.any([signal, deadline.signal])));
      waits.forget(name);
      notBeforeMs.delete(name);
    } catch (err) {
      if (signal.aborted) return;
      notBeforeMs.set(name, clock.monotonic() + waits.next(name));
      log.debug('a node does not tell what it uses', { node: name, err });
    }
  };

  try {
    for (;;) {
      const all = nodes();
      const names = new Set(all.map(({ metadata }) => metadata.name));
      history.keep(names);
      for (const name of notBeforeMs.keys()) {
        if (names.has(name)) continue;
        notBeforeMs.delete(name);
        waits.forget(name);
      }
      const ready = all.filter(
        ({ metadata, status }) =>
          isConditionTrue(status?.conditions, 'Ready') && (notBeforeMs.get(metadata.name) ?? 0) <= clock.monotonic(),
      );
      const left = ready.values();
      await Promise.all(
        Array.from({ length: Math.min(maxAtOnce, ready.length) }, async () => {
          for (const node of left) await look(node);
        }),
      );
      const isNew = names.size === 0 || ready.some(({ metadata }) => !history.isKnown(metadata.name));
      await clock.sleep(isNew ? Math.min(firstPeriodMs, periodMs) : periodMs, signal);
    }
  } catch (error) {
    if (!isAbort(error, signal)) log.error('looking at what nodes use has ended', { err: error });
  }
}
