/** Wakes the Services that a change concerns: their own, or one of a pod that they select. */
import { type corev1, labelsMatcher } from '../../api/index.ts';
import { type Informer, keyOf } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { endpointSignature } from './pod-endpoints.ts';

export interface ServiceWatchOptions {
  readonly services: Informer<corev1.Service>;
  readonly pods: Informer<corev1.Pod>;
  readonly enqueue: (key: string, delayMs?: number) => void;
  /** Changes of pods within this time are taken together; default 0. */
  readonly batchMs?: number;
  /** How many pods the Service of that key had when it was last looked at. */
  readonly sizeOf: (key: string) => number;
}

export function watchServices({ services, pods, enqueue, batchMs = 0, sizeOf }: ServiceWatchOptions): void {
  const wake = (service: corev1.Service): void => enqueue(keyOf(service));
  services.addHandler({ added: wake, updated: (_, service) => wake(service), deleted: wake });
  const wakeFor = (...states: readonly corev1.Pod[]): void => {
    for (const service of services.list(states[0]!.metadata.namespace)) {
      if (!states.some((pod) => selects(service, pod))) continue;
      const key = keyOf(service);
      enqueue(key, Math.max(batchMs, settleMs(sizeOf(key))));
    }
  };
  pods.addHandler({
    added: (pod) => wakeFor(pod),
    updated: (old, pod) => {
      const relabelled = !semanticEqual(old.metadata.labels, pod.metadata.labels);
      if (relabelled || endpointSignature(old) !== endpointSignature(pod)) wakeFor(old, pod);
    },
    deleted: (pod) => wakeFor(pod),
  });
}

/** Services without a selector select nothing; those of type ExternalName have no endpoints. */
export function hasSelector({ spec }: corev1.Service): boolean {
  return spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0;
}

function selects(service: corev1.Service, pod: corev1.Pod): boolean {
  return hasSelector(service) && labelsMatcher(service.spec.selector!).matches(pod.metadata.labels);
}
