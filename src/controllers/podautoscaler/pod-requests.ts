/** What pods ask for of a resource, which utilization is a part of. Pure. @source replica_calculator.go calculateRequests, v1.35 */
import { type corev1, isPodLevelResource, isSidecar, parseQuantity, podRequests } from '../../api/index.ts';
import { AutoscalingError } from './autoscaling-error.ts';

/**
 * In thousandths, by the pod's name.
 * @param options.container only this one's
 * @throws AutoscalingError when one asks for nothing
 */
export function requestsOf(
  pods: readonly corev1.Pod[],
  { resource, container }: { readonly resource: string; readonly container: string | undefined },
): ReadonlyMap<string, number> {
  return new Map(
    pods.map((pod) => {
      const ofPod = container === undefined && hasOwnRequests(pod);
      return [pod.metadata.name, ofPod ? ownRequest(pod, resource) : containersRequest(pod, resource, container)];
    }),
  );
}

/** Asks for something as a whole. */
function hasOwnRequests({ spec }: corev1.Pod): boolean {
  return Object.keys(spec.resources?.requests ?? {}).some(isPodLevelResource);
}

function ownRequest(pod: corev1.Pod, resource: string): number {
  const request = podRequests(pod).get(resource);
  if (!request) throw new AutoscalingError(`missing pod-level request for ${resource} in Pod ${pod.metadata.name}`);
  return request.milliValue();
}

function containersRequest({ metadata, spec }: corev1.Pod, resource: string, wanted: string | undefined): number {
  let sum = 0;
  for (const { name, resources } of [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)]) {
    if (wanted !== undefined && wanted !== name) continue;
    const request = resources?.requests?.[resource];
    if (request === undefined) throw new AutoscalingError(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    sum += parseQuantity(request).milliValue();
    if (wanted !== undefined) return sum;
  }
  if (wanted !== undefined) throw new AutoscalingError(`container ${wanted} not found in Pod ${metadata.name}`);
  return sum;
}
