/**
 * Forgets old versions of objects, so that the store does not grow with every write for ever. Every interval, what was past at the
 * last one goes; readers of old versions and continue tokens have between one and two intervals.
 * @source kube-apiserver --etcd-compaction-interval; apiserver storage/etcd3/compact.go
 */
import { type Clock, isAbort, type Logger } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';

export interface CompactionOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0: never. */
  readonly intervalMs: number;
  /** Told of each revision before which nothing can be read any more. */
  readonly onCompacted: (revision: number) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. A store that cannot now is asked again an interval later. */
export async function keepCompacting({ store, clock, log, intervalMs, onCompacted, signal }: CompactionOptions): Promise<void> {
  if (intervalMs === 0) return;
  let past = 0;
  try {
    for (;;) {
      await clock.sleep(intervalMs, signal);
      try {
        if (past > 0) {
          await store.compact(past);
          onCompacted(past);
        }
        past = await store.revision();
      } catch (err) {
        signal.throwIfAborted();
        log.warn('the history could not be compacted', { err });
      }
    }
  } catch (error) {
    if (!isAbort(error, signal)) log.error('compaction ended', { err: error });
  }
}
