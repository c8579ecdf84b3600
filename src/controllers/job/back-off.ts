/**
 * How long a Job waits before it makes a pod in place of one that failed: ten seconds, doubling to ten minutes, from the last failure
 * on; a success ends it. Pure.
 * @source pkg/controller/job/backoff_utils.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { backoffMs } from '../../base/index.ts';
import { endedAtMs, failuresBefore, ignoredFailuresBefore } from './job-pods.ts';

/** What is remembered of a Job between two looks. Forgotten with the process: then the next pod comes without a wait. */
export interface BackOff {
  readonly failures: number;
  readonly lastFailureMs: number;
}

const policy = { initialMs: 10_000, maxMs: 600_000 };

/** The record after pods that ended since it was made. */
export function nextBackOff(
  record: BackOff | undefined,
  ended: { readonly succeeded: readonly corev1.Pod[]; readonly failed: readonly corev1.Pod[] },
): BackOff | undefined {
  const failures = ended.failed.map(endedAtMs);
  if (ended.succeeded.length === 0) {
    if (failures.length === 0) return record;
    return { failures: (record?.failures ?? 0) + failures.length, lastFailureMs: Math.max(...failures) };
  }
  const lastSuccessMs = Math.max(...ended.succeeded.map(endedAtMs));
  const since = failures.filter((failureMs) => failureMs > lastSuccessMs);
  return since.length === 0 ? undefined : { failures: since.length, lastFailureMs: Math.max(...since) };
}

/** Milliseconds that are left to wait; 0 when a pod can be made now. */
export function backOffLeftMs(record: BackOff | undefined, nowMs: number): number {
  if (!record || record.failures === 0) return 0;
  return Math.max(0, record.lastFailureMs + backoffMs(policy, record.failures - 1) - nowMs);
}

/** The same for one index, by the last pod that failed in it. */
export function indexBackOffLeftMs(failed: corev1.Pod | undefined, nowMs: number): number {
  if (!failed) return 0;
  const failures = failuresBefore(failed) + ignoredFailuresBefore(failed) + 1;
  return backOffLeftMs({ failures, lastFailureMs: endedAtMs(failed) }, nowMs);
}
