/**
 * What a plugin answers. No answer (undefined) is success, so that the way of a pod that fits allocates nothing; a rejection that a filter
 * gives for many nodes should be one constant.
 * @source kube-scheduler v1.35, staging k8s.io/kube-scheduler/framework
 */

/**
 * - `Error`: something that should work did not; the pod is tried again after the errors' own back-off.
 * - `Unschedulable`: not here now; evicting other pods could help.
 * - `UnschedulableAndUnresolvable`: not here, and no eviction helps.
 * - `Wait`: permit only; the pod is held until somebody allows it, or its time is over.
 * - `Skip`: preFilter, preScore: the plugin's filter or score has nothing to do for this pod; bind: another binds; preBindPreFlight: nothing
 *   to do before binding.
 * - `Pending`: the pod waits for something outside the scheduler that an event will tell of; it does not pay with back-off.
 */
export type StatusCode = 'Error' | 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Wait' | 'Skip' | 'Pending';

export interface Status {
  readonly code: StatusCode;
  /** As `kubectl describe pod` counts them by node, such as `Insufficient cpu`. */
  readonly reasons: readonly string[];
  /** Of an `Error`: what was thrown. */
  readonly cause?: unknown;
  /** Of a `Wait`: how long at most. */
  readonly timeoutMs?: number;
}

export const skip: Status = { code: 'Skip', reasons: [] };

export function unschedulable(...reasons: readonly string[]): Status {
  return { code: 'Unschedulable', reasons };
}

export function unresolvable(...reasons: readonly string[]): Status {
  return { code: 'UnschedulableAndUnresolvable', reasons };
}

export function pending(...reasons: readonly string[]): Status {
  return { code: 'Pending', reasons };
}

export function waitFor(timeoutMs: number): Status {
  return { code: 'Wait', reasons: [], timeoutMs };
}

export function errorStatus(cause: unknown): Status {
  return { code: 'Error', reasons: [cause instanceof Error ? cause.message : String(cause)], cause };
}

/** Whether the status keeps the pod off (a node), rather than saying that something broke. */
export function isRejection({ code }: Status): boolean {
  return code === 'Unschedulable' || code === 'UnschedulableAndUnresolvable' || code === 'Pending';
}
