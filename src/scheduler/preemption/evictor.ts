/**
 * Makes the room that preemption decided on: marks and deletes the victims in the background, while the next pods are decided. The pod
 * they make room for stays out of the queue until its victims are going.
 *
 * Invariants: a pod is in `#preempting` exactly while its evictions are under way; a victim is marked (DisruptionTarget) before it is deleted;
 * after a failure the pod is tried again at once.
 * @source kube-scheduler v1.35 framework/preemption/preemption.go (prepareCandidateAsync), KEP-4832
 */
import { corev1Resources, type corev1, getCondition, isApiError } from '../../api/index.ts';
import { type Ctx, formatTime, isAbort } from '../../base/index.ts';
import type { FrameworkHandle, PodInfo } from '../framework/index.ts';
import type { Candidate } from './candidate.ts';
import { preemptionMetrics } from './metrics.ts';

export class Evictor {
  readonly #plugin: string;
  readonly #handle: FrameworkHandle;
  /** Preemptor's uid → the victim whose deletion is awaited last, once it is the only one left. */
  readonly #preempting = new Map<string, PodInfo | undefined>();

  constructor(plugin: string, handle: FrameworkHandle) {
    this.#plugin = plugin;
    this.#handle = handle;
  }

  /** Whether evictions for the pod are still being asked for. */
  isPreempting(uid: string): boolean {
    if (!this.#preempting.has(uid)) return false;
    const last = this.#preempting.get(uid);
    if (!last) return true;
    // Its deletion may be known before the answer to ours is: then nothing is left to wait for.
    const { cluster } = this.#handle;
    const now = cluster.node(last.pod.spec.nodeName ?? '')?.pod(last.uid);
    return now !== undefined && now.pod.metadata.deletionTimestamp === undefined;
  }

  start({ nodeName, victims }: Candidate, preemptor: PodInfo): void {
    const { registry, group, clock, log } = this.#handle;
    const metrics = preemptionMetrics(registry);
    metrics.victims.series({}).observe(victims.pods.length);
    const toEvict = victims.pods.filter(({ pod }) => pod.metadata.deletionTimestamp === undefined);
    if (toEvict.length === 0) return;
    const { uid } = preemptor;
    this.#preempting.set(uid, undefined);
    group.spawn(`preempt for ${uid}`, async (ctx) => {
      const startedMs = clock.now();
      let result: 'success' | 'error' = 'success';
      try {
        await this.#evictAll(nodeName, toEvict, preemptor, ctx);
      } catch (error) {
        if (isAbort(error, ctx.signal)) throw error;
        result = 'error';
        log.error('preemption failed', { pod: `${preemptor.namespace}/${preemptor.pod.metadata.name}`, node: nodeName, err: error });
      } finally {
        this.#preempting.delete(uid);
        metrics.finished(result, (clock.now() - startedMs) / 1000);
      }
      if (result === 'error') this.#handle.activate([preemptor.pod]);
    });
  }

  async #evictAll(nodeName: string, victims: readonly PodInfo[], preemptor: PodInfo, ctx: Ctx): Promise<void> {
    await this.#clearNominations(nodeName, preemptor, ctx);
    const last = victims.at(-1)!;
    await Promise.all(victims.slice(0, -1).map((victim) => this.#evict(victim, nodeName, preemptor, ctx)));
    this.#preempting.set(preemptor.uid, last);
    await this.#evict(last, nodeName, preemptor, ctx);
  }

  /** Pods of lower priority that were promised room on the node may not fit any more: they look for another place. */
  async #clearNominations(nodeName: string, preemptor: PodInfo, { signal, log }: Ctx): Promise<void> {
    const { nominator, client } = this.#handle;
    for (const { pod, priority } of nominator.podsOn(nodeName)) {
      if (priority >= preemptor.priority || !pod.status.nominatedNodeName) continue;
      const { namespace, name, uid } = pod.metadata;
      const body = { metadata: { uid }, status: { nominatedNodeName: null } };
      const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
      try {
        await client.patch(corev1Resources.pods, { namespace, name }, patch, { signal });
      } catch (error) {
        if (!isApiError(error)) throw error;
        log.warn('cannot clear the nomination of a pod', { pod: `${namespace}/${name}`, node: nodeName, err: error });
      }
    }
  }

  /** @throws ApiError; a victim that is gone already is none */
  async #evict(victim: PodInfo, nodeName: string, preemptor: PodInfo, { signal }: Ctx): Promise<void> {
    const { waitingPods, client, recorder, clock } = this.#handle;
    const { namespace, name, uid } = victim.pod.metadata;
    if (!waitingPods.reject(uid, this.#plugin, 'preempted')) {
      const key = { namespace, name };
      try {
        const patch = markOf(victim.pod, preemptor.pod, clock.now());
        if (patch) {
          const change = { type: 'application/strategic-merge-patch+json', body: patch, subresource: 'status' } as const;
          await client.patch(corev1Resources.pods, key, change, { signal });
        }
        await client.delete(corev1Resources.pods, key, { signal, body: { preconditions: { uid } } });
      } catch (error) {
        if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return;
        throw error;
      }
    }
    const { metadata } = preemptor.pod;
    recorder.event(victim.pod, {
      type: 'Normal',
      reason: 'Preempted',
      message: `Preempted by pod ${preemptor.uid} on node ${nodeName}`,
      action: 'Preempting',
      related: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: metadata.name,
        uid: metadata.uid,
        ...(metadata.namespace && { namespace: metadata.namespace }),
      },
    });
  }
}

/** The patch that tells the victim why it goes; undefined when it says so already. */
function markOf(victim: corev1.Pod, preemptor: corev1.Pod, nowMs: number): object | undefined {
  const message = `${preemptor.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`;
  const before = getCondition(victim.status.conditions, 'DisruptionTarget');
  const reason = 'PreemptionByScheduler';
  if (before?.status === 'True' && before.reason === reason && before.message === message) return undefined;
  const observedGeneration = victim.metadata.generation;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastTransitionTime: (before?.status === 'True' ? before.lastTransitionTime : undefined) ?? formatTime(nowMs),
    reason,
    message,
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
  return { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } };
}
