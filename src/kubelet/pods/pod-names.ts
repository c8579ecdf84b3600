/** How pods, containers and their parts are written in messages, paths and events. */
import type { corev1 } from '../../api/index.ts';
import type { AnyContainer } from '../seams.ts';

/** `name_namespace(uid)`, as upstream writes a pod in messages. */
export function formatPod(pod: corev1.Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`;
}

/** The field path of a container in events, such as `spec.containers{web}`. */
export function containerFieldPath(pod: corev1.Pod, containerName: string): string | undefined {
  if (pod.spec.containers.some(({ name }) => name === containerName)) return `spec.containers{${containerName}}`;
  if (pod.spec.initContainers?.some(({ name }) => name === containerName)) return `spec.initContainers{${containerName}}`;
  if (pod.spec.ephemeralContainers?.some(({ name }) => name === containerName)) return `spec.ephemeralContainers{${containerName}}`;
  return undefined;
}

/** A container of any list of the pod. */
export function findContainer(pod: corev1.Pod, name: string): AnyContainer | undefined {
  return (
    pod.spec.containers.find((container) => container.name === name) ??
    pod.spec.initContainers?.find((container) => container.name === name) ??
    pod.spec.ephemeralContainers?.find((container) => container.name === name)
  );
}

export function allContainers(pod: corev1.Pod): readonly AnyContainer[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])];
}

/** The directory of a pod's logs below the logs' root: `namespace_name_uid`. */
export function podLogDirectory(logsRoot: string, pod: corev1.Pod): string {
  return `${logsRoot}/${pod.metadata.namespace ?? ''}_${pod.metadata.name}_${pod.metadata.uid}`;
}

/** A container's log relative to the pod's log directory: `name/attempt.log`. */
export function containerLogPath(containerName: string, restartCount: number): string {
  return `${containerName}/${restartCount}.log`;
}

/** True when the pod comes from a manifest on the node and only its mirror is in the API. */
export function isStaticPod(pod: corev1.Pod): boolean {
  const source = pod.metadata.annotations?.['kubernetes.io/config.source'];
  return source !== undefined && source !== 'api';
}

export function isMirrorPod(pod: corev1.Pod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

const systemCriticalPriority = 2_000_000_000;

/** Static, mirror and system-critical pods are evicted last and admitted by making room. */
export function isCriticalPod(pod: corev1.Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= systemCriticalPriority;
}
