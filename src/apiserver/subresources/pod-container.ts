/** Which container of a pod a request means. @source kubernetes pkg/registry/core/pod/strategy.go validateContainer */
import { badRequest, type corev1, corev1Resources, notFound } from '../../api/index.ts';
import type { Registry } from '../storage.ts';

/** @throws ApiError NotFound */
export function findPod(registry: Registry, key: { readonly namespace: string; readonly name: string }): corev1.Pod {
  const pod = registry.cached(corev1Resources.pods, key);
  if (!pod) throw notFound({ group: '', resource: 'pods', name: key.name });
  return pod;
}

/**
 * The container that is asked for, or the only one.
 * @param asked empty when the request names none
 * @throws ApiError BadRequest
 */
export function containerOf(pod: corev1.Pod, asked: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const { name } = pod.metadata;
  const all = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name);
  if (asked !== '') {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
  if (containers.length > 1) throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(' ')}]`);
  return containers[0]!.name;
}

/** @throws ApiError BadRequest when the pod is not on a node yet */
export function nodeOf(pod: corev1.Pod): string {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  return pod.spec.nodeName;
}
