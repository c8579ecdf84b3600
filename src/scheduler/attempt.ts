/** One try to place a pod, and how it can fail. */
import { causeOf } from './cycle/plugin-error.ts';
import { isRejection, type PodInfo, type Status } from './framework/index.ts';
import type { QueueEntry } from './queue/queue-entry.ts';
import type { ActiveProfile } from './scheduler-parts.ts';

export interface Attempt {
  readonly entry: QueueEntry;
  /** The pod as it was judged. */
  readonly pod: PodInfo;
  readonly active: ActiveProfile;
  /** By the monotonic clock. */
  readonly startedMs: number;
}

export interface Failure {
  /** `Unschedulable`: the pod fits nowhere; `SchedulerError`: something broke, and it is tried again after an error's back-off. */
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  readonly rejectedBy: ReadonlySet<string>;
  readonly pendingBy: ReadonlySet<string>;
  /** `''` takes a nomination back; undefined leaves it. */
  readonly nominatedNode?: string | undefined;
}

const nobody: ReadonlySet<string> = new Set<string>();

export function errorFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return { reason: 'SchedulerError', message, rejectedBy: nobody, pendingBy: nobody, nominatedNode: '' };
}

/** A plugin said no to the one node that was chosen. `where`: as in `running Reserve plugin "X"`, for what was no rejection. */
export function failureOnNode(plugin: string, status: Status, where: string): Failure {
  if (!isRejection(status)) {
    const cause = causeOf(status);
    return errorFailure(new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`));
  }
  const counts = new Map<string, number>();
  for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return {
    reason: 'Unschedulable',
    message: parts.length > 0 ? `0/1 nodes are available: ${parts.join(', ')}.` : '0/1 nodes are available:',
    rejectedBy: new Set([plugin]),
    pendingBy: status.code === 'Pending' ? new Set([plugin]) : nobody,
    nominatedNode: '',
  };
}
