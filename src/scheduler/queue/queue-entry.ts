/** One pod on its way through the queue; it keeps what the queue and the cycles have learnt of it until it is placed or gone. */
import type { PodInfo } from '../cluster/pod-info.ts';
import type { QueuedPod } from '../framework/index.ts';

/** Where a pod stands; nowhere while it is being tried. */
export type Place = 'active' | 'backoff' | 'errorBackoff' | 'unschedulable' | 'none';

const nobody: ReadonlySet<string> = new Set<string>();

export class QueueEntry implements QueuedPod {
  info: PodInfo;
  place: Place = 'none';
  queuedMs: number;
  firstAttemptMs: number | undefined;
  attempts = 0;
  /** Attempts that ended with the pod fitting nowhere: its back-off grows with them. */
  unschedulableCount = 0;
  /** Errors since the last other outcome: they have a back-off of their own, which protects the API server. */
  consecutiveErrors = 0;
  /** 0: not computed since the last attempt. */
  backoffEndMs = 0;
  rejectedBy: ReadonlySet<string> = nobody;
  /** Plugins that wait for something outside; their event lets the pod skip its back-off. */
  pendingBy: ReadonlySet<string> = nobody;
  /** The plugin whose preEnqueue keeps the pod out. */
  gatedBy: string | undefined;

  constructor(info: PodInfo, nowMs: number) {
    this.info = info;
    this.queuedMs = nowMs;
  }

  get uid(): string {
    return this.info.uid;
  }

  /** Everyone whose event may help. */
  *rejectors(): IterableIterator<string> {
    yield* this.rejectedBy;
    for (const plugin of this.pendingBy) if (!this.rejectedBy.has(plugin)) yield plugin;
  }

  forgetRejections(): void {
    this.rejectedBy = nobody;
    this.pendingBy = nobody;
  }
}
