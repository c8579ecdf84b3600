/** Deletes the pods that nobody else deletes, every now and then. @source pkg/controller/podgc, v1.35 */
import { type corev1, corev1Resources, isApiError, isPodTerminal } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, type Outcome } from '../../client/index.ts';
import { endPod } from '../pod-end.ts';
import { podGcMetrics, type PodGcReason } from './metrics.ts';
import { planPodGc } from './plan.ts';

export interface PodGcOptions {
  /** Default 20 s. */
  readonly periodMs?: number;
  /** How long a node must be missing before its pods go; default 40 s. */
  readonly quarantineMs?: number;
  /** Ended pods that may stay; default 12,500; 0: all. */
  readonly terminatedThreshold?: number;
}

const everything = 'all';
const orphanReason = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };

export function createPodGcController(context: ControllerContext, options: PodGcOptions = {}): Controller {
  const { client, informers, clock } = context;
  const pods = informers.informer(corev1Resources.pods);
  const nodes = informers.informer(corev1Resources.nodes);
  /** Nodes that pods name and the cache does not have, with the time they were first missed. */
  const missed = new Map<string, number>();

  const metrics = podGcMetrics(context.registry);

  const reconcile = async (_: string, { signal, log }: Ctx): Promise<Outcome> => {
    const all = pods.list();
    const missingNodes = await missingFor(all, options.quarantineMs ?? 40_000, { signal, log });
    const terminatedThreshold = options.terminatedThreshold ?? 12_500;
    const plan = planPodGc({ pods: all, nodes: nodes.list(), terminatedThreshold, missingNodes });
    let failure: unknown;
    const end = async (pods: readonly corev1.Pod[], reason: PodGcReason): Promise<void> => {
      for (const pod of pods) {
        const { namespace = '' } = pod.metadata;
        // What has ended already was not disrupted.
        const why = reason === 'orphaned' && !isPodTerminal(pod) ? orphanReason : undefined;
        metrics.tried(namespace, reason);
        try {
          await endPod({ client, clock, pod, markFailed: true, force: true, signal, ...(why && { why }) });
        } catch (error) {
          metrics.failed(namespace, reason);
          failure = error;
        }
      }
    };
    await end(plan.terminated, 'terminated');
    await end(plan.outOfService, 'out-of-service');
    await end(plan.orphaned, 'orphaned');
    await end(plan.unscheduled, 'unscheduled');
    // One pod that cannot go does not keep the others.
    if (failure) throw failure as Error;
    return { type: 'retryAfter', delayMs: options.periodMs ?? 20_000 };
  };

  const missingFor = async (all: readonly corev1.Pod[], quarantineMs: number, { signal, log }: Ctx): Promise<Set<string>> => {
    const nowMs = clock.monotonic();
    const named = new Set(all.flatMap(({ spec }) => (spec.nodeName && !nodes.get({ name: spec.nodeName }) ? [spec.nodeName] : [])));
    for (const name of missed.keys()) if (!named.has(name)) missed.delete(name);
    for (const name of named) if (!missed.has(name)) missed.set(name, nowMs);
    const gone = new Set<string>();
    for (const [name, sinceMs] of missed) {
      if (nowMs - sinceMs < quarantineMs) continue;
      // A node that cannot be asked about does not keep the others; the next look asks again.
      const there = await exists(name, signal).catch((err: unknown) => {
        signal.throwIfAborted();
        log.error('Error while getting node', { node: name, err });
        return true;
      });
      if (!there) gone.add(name);
    }
    return gone;
  };

  /** Asked of the server itself: what the cache says may be old, and a pod is lost for good. */
  const exists = async (name: string, signal: AbortSignal): Promise<boolean> => {
    try {
      await client.get(corev1Resources.nodes, { name }, { signal });
      return true;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false;
      throw error;
    }
  };

  return { name: 'pod-garbage-collector-controller', reconcile, setup: (enqueue) => enqueue(everything), workers: 1 };
}
