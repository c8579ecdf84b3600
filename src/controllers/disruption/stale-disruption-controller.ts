/**
 * Takes back what a pod says about a disruption that did not happen: two minutes after somebody marked it and did not delete it, the
 * mark goes to False.
 * @source pkg/controller/disruption/disruption.go syncStalePodDisruption, v1.35
 */
import { type corev1, corev1Resources, getCondition, isPodPhaseTerminal, setCondition } from '../../api/index.ts';
import { type Ctx, formatTime } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';

const staleMs = 2 * 60_000;
const type = 'DisruptionTarget';

export function createStaleDisruptionController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const pods = informers.informer(corev1Resources.pods);

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    const watch = (pod: corev1.Pod): void => {
      const waitMs = untilStaleMs(pod, clock.now());
      if (waitMs !== undefined) enqueue(keyOf(pod), waitMs);
    };
    pods.addHandler({ added: watch, updated: (_, pod) => watch(pod) });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const pod = pods.get(splitKey(key));
    const waitMs = pod && untilStaleMs(pod, clock.now());
    if (!pod || waitMs === undefined) return done;
    if (waitMs > 0) return { type: 'retryAfter', delayMs: waitMs };
    const { generation } = pod.metadata;
    const conditions = setCondition<corev1.PodCondition>(pod.status.conditions, {
      type,
      ...(generation !== undefined && { observedGeneration: generation }),
      status: 'False',
      lastTransitionTime: formatTime(clock.now()),
    });
    await client.updateStatus(corev1Resources.pods, { ...pod, status: { ...pod.status, conditions } }, { signal });
    return done;
  };

  return { name: 'stale-pod-disruption', reconcile, setup, workers: 1 };
}

/**
 * Milliseconds until the mark is stale, 0 when it is; undefined when there is none to take back. What the kubelet ends may take as long as it
 * takes, and what has ended stays as it is.
 */
function untilStaleMs({ metadata, status }: corev1.Pod, nowMs: number): number | undefined {
  const mark = getCondition(status?.conditions, type);
  if (metadata.deletionTimestamp !== undefined || mark?.status !== 'True' || mark.reason === 'TerminationByKubelet') return undefined;
  if (isPodPhaseTerminal(status.phase)) return undefined;
  return Math.max(0, Date.parse(mark.lastTransitionTime ?? '') + staleMs - nowMs || 0);
}
