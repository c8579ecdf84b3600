/** What a DaemonSet says of itself. Pure. @source pkg/controller/daemon/daemon_controller.go (updateDaemonSetStatus), v1.35 */
import { type appsv1, isPodAvailable, isPodReady } from '../../api/index.ts';
import { omitZero } from '../semantic-equal.ts';
import { inAgeOrder, isUpdated } from './daemon-pod.ts';
import type { DaemonView } from './plan.ts';

type Status = appsv1.DaemonSetStatus;

/**
 * @param options.observed whether what the spec asks for was acted upon: else its generation is not claimed to be
 */
export function daemonSetStatus(view: DaemonView, { observed }: { readonly observed: boolean }): Status {
  const { daemonSet, hash, nowMs } = view;
  const minReadySeconds = daemonSet.spec.minReadySeconds ?? 0;
  const count = { wanted: 0, scheduled: 0, misplaced: 0, ready: 0, available: 0, updated: 0 };
  for (const { name, placement } of view.nodes) {
    const pods = view.pods.get(name);
    if (placement !== 'run') {
      if (pods) count.misplaced++;
      continue;
    }
    count.wanted++;
    if (!pods) continue;
    count.scheduled++;
    const pod = inAgeOrder(pods)[0]!;
    if (isPodReady(pod)) {
      count.ready++;
      if (isPodAvailable(pod, { minReadySeconds, nowMs })) count.available++;
    }
    if (isUpdated(daemonSet, pod, hash)) count.updated++;
  }
  const { conditions, collisionCount, observedGeneration } = daemonSet.status;
  const generation = observed ? daemonSet.metadata.generation : observedGeneration;
  return {
    currentNumberScheduled: count.scheduled,
    numberMisscheduled: count.misplaced,
    desiredNumberScheduled: count.wanted,
    numberReady: count.ready,
    ...omitZero({
      observedGeneration: generation,
      updatedNumberScheduled: count.updated,
      numberAvailable: count.available,
      numberUnavailable: count.wanted - count.available,
    }),
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions && { conditions }),
  };
}
