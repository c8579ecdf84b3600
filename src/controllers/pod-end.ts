/** How a controller ends a pod that nobody else will end: it says why in the pod's status, then deletes it. */
import { type corev1, corev1Resources, isApiError, isPodTerminal, setCondition } from '../api/index.ts';
import { type Clock, formatTime } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import { semanticEqual } from './semantic-equal.ts';

export interface EndPodOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly pod: corev1.Pod;
  /** Why, as the `DisruptionTarget` condition says it. */
  readonly why?: { readonly reason: string; readonly message: string };
  /** Its containers cannot be running any more: it has failed. */
  readonly markFailed?: boolean;
  /** At once, without the grace that the pod asks for. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
}

/** A pod that is gone already is as it should be. */
export async function endPod({ client, clock, pod, why, markFailed, force, signal }: EndPodOptions): Promise<void> {
  const { uid, generation } = pod.metadata;
  const now = formatTime(clock.now());
  const condition = why && {
    type: 'DisruptionTarget',
    status: 'True',
    ...why,
    lastTransitionTime: now,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
  const conditions = condition ? setCondition<corev1.PodCondition>(pod.status.conditions, condition) : pod.status.conditions;
  const phase = markFailed && !isPodTerminal(pod) ? ('Failed' as const) : pod.status.phase;
  try {
    if (phase !== pod.status.phase || !semanticEqual(conditions, pod.status.conditions)) {
      const body = { metadata: { uid }, status: { ...(phase && { phase }), ...(condition && { conditions: [condition] }) } };
      const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
      await client.patch(corev1Resources.pods, pod.metadata, patch, { signal });
    }
    const body = { preconditions: { uid }, ...(force && { gracePeriodSeconds: 0 }) };
    await client.delete(corev1Resources.pods, pod.metadata, { signal, body });
  } catch (error) {
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
  }
}
