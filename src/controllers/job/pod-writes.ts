/**
 * Carries out what was planned for a Job's pods, and takes their finalizers off. Every expectation is set before its write; what could
 * not be written is returned, not thrown, so that the status tells of the rest.
 * @source pkg/controller/job/job_controller.go, v1.35
 */
import { type batchv1, type corev1, corev1Resources, isApiError, isPodReady } from '../../api/index.ts';
import { ConnectionError, type ControllerContext, type Expectations, keyOf } from '../../client/index.ts';
import { createPod, deletePod, isNamespaceTerminating } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import type { Findings } from './assess.ts';
import type { PodsOutcome } from './conclude.ts';
import type { FinalizerExpectations } from './finalizer-expectations.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';
import { podOf } from './pod-template.ts';
import type { PodsPlan } from './plan.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;

export interface PodWriterOptions {
  readonly context: ControllerContext;
  /** Of pods that come and go. */
  readonly expectations: Expectations;
  readonly finalizers: FinalizerExpectations;
}

export interface Applied extends PodsOutcome {
  /** Pods that could not be made. */
  readonly notCreated: number;
  /** The first failure. */
  readonly error?: unknown;
}

const nothing: Applied = { created: 0, notCreated: 0, removed: 0, removedReady: 0 };

export class PodWriter {
  readonly #context: ControllerContext;
  readonly #expectations: Expectations;
  readonly #finalizers: FinalizerExpectations;

  constructor({ context, expectations, finalizers }: PodWriterOptions) {
    this.#context = context;
    this.#expectations = expectations;
    this.#finalizers = finalizers;
  }

  async apply(
    plan: PodsPlan,
    job: Job,
    { findings, signal }: { readonly findings: Findings; readonly signal: AbortSignal },
  ): Promise<Applied> {
    if (plan.type === 'create') return this.#create(plan, job, findings, signal);
    if (plan.type === 'end') return this.#removeAll(plan.remove, (pod) => this.#delete(pod, job, signal));
    if (plan.type !== 'remove' || plan.remove.length === 0) return nothing;
    const key = keyOf(job);
    this.#expectations.expectDeletions(
      key,
      plan.remove.map(({ metadata }) => metadata.uid),
    );
    return this.#removeAll(plan.remove, async (pod) => {
      try {
        // One too many only as it was seen: had it ended since, it would be gone without having been counted.
        if (await this.#takeFinalizerOff(pod, signal, { asSeen: true })) await this.#delete(pod, job, signal);
      } catch (error) {
        this.#expectations.deletionObserved(key, pod.metadata.uid);
        throw error;
      }
    });
  }

  /** @returns the uids of pods that have no tracking finalizer any more, and the first failure */
  async release(
    key: string,
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<{ readonly uids: ReadonlySet<string>; readonly error?: unknown }> {
    this.#finalizers.expectRemoved(
      key,
      pods.map(({ metadata }) => metadata.uid),
    );
    const uids = new Set<string>();
    const results = await Promise.allSettled(
      pods.map(async (pod) => {
        try {
          // Also of a pod that is gone: while the cache still shows it, it must not be counted again.
          await this.#takeFinalizerOff(pod, signal);
          uids.add(pod.metadata.uid);
        } catch (error) {
          this.#finalizers.observed(key, pod.metadata.uid);
          throw error;
        }
      }),
    );
    return { uids, error: results.find((result) => result.status === 'rejected')?.reason };
  }

  /** Of a pod that has lost its Job. */
  async releaseOrphan(pod: Pod, signal: AbortSignal): Promise<void> {
    await this.#takeFinalizerOff(pod, signal);
  }

  /**
   * False when the pod is gone.
   * @throws ApiError Conflict when it is to be as it was seen and has changed
   */
  async #takeFinalizerOff(pod: Pod, signal: AbortSignal, { asSeen = false } = {}): Promise<boolean> {
    if (!isTracked(pod)) return true;
    const { uid, resourceVersion } = pod.metadata;
    const body = { metadata: { uid, ...(asSeen && { resourceVersion }), '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
    try {
      const patch = { type: 'application/strategic-merge-patch+json', body } as const;
      await this.#context.client.patch(corev1Resources.pods, pod.metadata, patch, { signal });
      return true;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false;
      throw error;
    }
  }

  async #create(plan: PodsPlan & { readonly type: 'create' }, job: Job, findings: Findings, signal: AbortSignal): Promise<Applied> {
    const key = keyOf(job);
    const indexes = plan.indexes?.values();
    this.#expectations.expectCreations(key, plan.count);
    let unsure = 0;
    const { successes, error } = await slowStart(plan.count, async () => {
      const index = indexes?.next().value;
      const replaced = index === undefined ? undefined : findings.indexes?.toReplace.get(index);
      try {
        await createPod(this.#context, podOf(job, index, replaced), job, signal);
      } catch (cause) {
        if (isNamespaceTerminating(cause)) return;
        if (cause instanceof ConnectionError && cause.sent) unsure++;
        throw cause;
      }
    });
    for (let i = successes + unsure; i < plan.count; i++) this.#expectations.creationObserved(key);
    if (unsure > 0) this.#expectations.creationUnsure(key);
    return { ...nothing, created: successes, notCreated: plan.count - successes, error };
  }

  async #delete(pod: Pod, job: Job, signal: AbortSignal): Promise<void> {
    try {
      await deletePod(this.#context, pod, job, signal);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  }

  async #removeAll(pods: readonly Pod[], remove: (pod: Pod) => Promise<void>): Promise<Applied> {
    const results = await Promise.allSettled(pods.map(remove));
    const removed = pods.filter((_, i) => results[i]!.status === 'fulfilled');
    const error = results.find((result) => result.status === 'rejected')?.reason;
    return { ...nothing, removed: removed.length, removedReady: removed.filter(isPodReady).length, error };
  }
}
