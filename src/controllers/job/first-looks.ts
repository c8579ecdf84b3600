/**
 * The first look of this process at a Job that another has counted for. Its cache of pods may be older than the status: what it shows as
 * waiting to be counted may have been counted, and has lost its finalizer since. So the server is asked, once a Job; afterwards nobody
 * else counts.
 */
import { type batchv1, type corev1, corev1Resources, formatLabelSelector, isPodTerminal, isPodTerminating } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { isTracked } from './job-pods.ts';

type Pod = corev1.Pod;

export class FirstLooks {
  readonly #client: Client;
  /** Uids of Jobs that were looked at. */
  readonly #met = new Set<string>();

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * @param pods as the cache shows them
   * @returns uids of those that have no finalizer any more, though the cache shows it
   */
  async releasedBefore(job: batchv1.Job, pods: readonly Pod[], signal: AbortSignal): Promise<readonly string[]> {
    const { uid, namespace } = job.metadata;
    if (this.#met.has(uid)) return [];
    const uncounted = new Set([
      ...(job.status.uncountedTerminatedPods?.succeeded ?? []),
      ...(job.status.uncountedTerminatedPods?.failed ?? []),
    ]);
    const waiting = pods.filter(
      (pod) => isTracked(pod) && !uncounted.has(pod.metadata.uid) && (isPodTerminal(pod) || isPodTerminating(pod)),
    );
    let released: readonly string[] = [];
    if (job.status.startTime !== undefined && waiting.length > 0) {
      const labelSelector = formatLabelSelector(job.spec.selector);
      const { items } = await this.#client.list(corev1Resources.pods, { namespace, labelSelector, signal });
      const tracked = new Set(items.filter(isTracked).map(({ metadata }) => metadata.uid));
      released = waiting.map(({ metadata }) => metadata.uid).filter((pod) => !tracked.has(pod));
    }
    this.#met.add(uid);
    return released;
  }

  forget(job: batchv1.Job): void {
    this.#met.delete(job.metadata.uid);
  }
}
