/**
 * Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer.
 * @source pkg/controller/tainteviction, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { endPod } from '../pod-end.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { taintEvictionMetrics } from './metrics.ts';
import { planEviction, type Scheduled } from './plan.ts';

const byNode = 'nodeName';
const why = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };

export function createTaintEvictionController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const nodes = informers.informer(corev1Resources.nodes);
  const pods = informers.informer(corev1Resources.pods);
  const metrics = taintEvictionMetrics(context.registry);
  /** By uid: what was decided for pods that are still there. */
  const scheduled = new Map<string, Scheduled>();

  const setup = (enqueue: (key: string) => void): void => {
    pods.addIndex(byNode, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
    const wakePods = ({ metadata }: corev1.Node): void => {
      for (const pod of pods.byIndex(byNode, metadata.name)) enqueue(keyOf(pod));
    };
    nodes.addHandler({
      added: (node) => (node.spec.taints ?? []).length > 0 && wakePods(node),
      updated: (old, node) => !semanticEqual(old.spec.taints, node.spec.taints) && wakePods(node),
    });
    pods.addHandler({
      added: (pod) => pod.spec.nodeName && enqueue(keyOf(pod)),
      updated: (old, pod) => {
        if (pod.spec.nodeName !== old.spec.nodeName || !semanticEqual(old.spec.tolerations, pod.spec.tolerations)) enqueue(keyOf(pod));
      },
      deleted: ({ metadata }) => scheduled.delete(metadata.uid),
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const pod = pods.get(splitKey(key));
    const node = pod?.spec.nodeName ? nodes.get({ name: pod.spec.nodeName }) : undefined;
    if (!pod || !node || pod.metadata.deletionTimestamp !== undefined) return done;
    const { uid } = pod.metadata;
    const nowMs = clock.now();
    const before = scheduled.get(uid);
    const plan = planEviction(pod, node.spec.taints ?? [], { nowMs, scheduled: before });
    if (plan.type === 'at') {
      scheduled.set(uid, plan.scheduled);
      return { type: 'retryAfter', delayMs: plan.scheduled.dueMs - nowMs };
    }
    const wasScheduled = scheduled.delete(uid);
    if (plan.type === 'stay') {
      if (wasScheduled) say(pod, `Cancelling deletion of Pod ${key}`);
      return done;
    }
    say(pod, `Marking for deletion Pod ${key}`);
    await endPod({ client, clock, pod, why, signal });
    metrics.deleted(clock.now() - Math.min(before?.dueMs ?? nowMs, nowMs));
    return done;
  };

  const say = ({ metadata: { namespace, name, uid } }: corev1.Pod, message: string): void => {
    const regarding = { apiVersion: 'v1', kind: 'Pod', name, uid, ...(namespace !== undefined && { namespace }) };
    recorder.event(regarding, { type: 'Normal', reason: 'TaintManagerEviction', message });
  };

  return { name: 'taint-eviction-controller', reconcile, setup, workers: 8 };
}
