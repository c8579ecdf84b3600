/**
 * When the change happened that endpoints are written for: the time from which the delay of the network is measured.
 * @source k8s.io/endpointslice trigger_time_tracker.go
 */
import { type corev1, podReadyCondition } from '../../api/index.ts';
import { keyOf } from '../../client/index.ts';

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Seen {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The earliest change since the last call for this Service; undefined when it cannot be told. */
  next(service: corev1.Service, pods: readonly corev1.Pod[]): string | undefined {
    const key = keyOf(service);
    const before = this.#seen.get(key);
    const times = new Map(
      pods.map((pod) => [pod.metadata.uid, podReadyCondition(pod)?.lastTransitionTime ?? pod.metadata.creationTimestamp]),
    );
    this.#seen.set(key, { service: service.metadata.creationTimestamp, pods: times });
    // A Service seen for the first time was made, or we were: the time of its making is the change.
    if (!before) return earliest([service.metadata.creationTimestamp, ...times.values()]);
    const changed = [...times].filter(([uid, time]) => time > (before.pods.get(uid) ?? ''));
    return earliest(changed.map(([, time]) => time));
  }

  /** The pods that the Service had at the last call. */
  sizeOf(key: string): number {
    return this.#seen.get(key)?.pods.size ?? 0;
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

function earliest(times: readonly string[]): string | undefined {
  return times.length === 0 ? undefined : times.reduce((first, time) => (time < first ? time : first));
}
