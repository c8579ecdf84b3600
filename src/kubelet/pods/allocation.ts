/**
 * The resources that a pod's containers were given, beside those that its spec asks for: a resize that does not fit leaves them as they
 * are. Pure; after a restart of the kubelet they are read back from the status.
 * @source KEP-1287; pkg/kubelet/allocation, v1.35
 */
import { containerStatusOf, type corev1 } from '../../api/index.ts';
import { sameJson } from '../status/status-patch.ts';

/** Why the resources that the spec asks for are not given. */
export interface ResizePending {
  readonly reason: 'Infeasible' | 'Deferred';
  readonly message: string;
}

export interface Allocation {
  /** The pod as it is run: the newest object, with the resources that were given. */
  readonly pod: corev1.Pod;
  readonly pending: ResizePending | undefined;
}

/**
 * @param given the pod as it was run so far; undefined for one that is new to this kubelet
 * @param refuse why the pod, with the resources that it asks for, does not fit
 */
export function allocate(
  pod: corev1.Pod,
  given: corev1.Pod | undefined,
  refuse: (pod: corev1.Pod) => ResizePending | undefined,
): Allocation {
  const before = given ? resourcesOf(given) : statusResources(pod);
  const kept = withResources(pod, before);
  if (sameJson(kept.spec, pod.spec)) return { pod, pending: undefined };
  const pending = refuse(pod);
  return pending ? { pod: kept, pending } : { pod, pending: undefined };
}

type ResourcesByName = ReadonlyMap<string, corev1.ResourceRequirements | undefined>;

function resourcesOf({ spec }: corev1.Pod): ResourcesByName {
  return new Map([...(spec.initContainers ?? []), ...spec.containers].map(({ name, resources }) => [name, resources]));
}

/** Only containers that run were given anything that has to be kept. */
function statusResources({ spec, status }: corev1.Pod): ResourcesByName {
  const found = new Map<string, corev1.ResourceRequirements | undefined>();
  for (const { name, resources } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const known = containerStatusOf(status.containerStatuses, name) ?? containerStatusOf(status.initContainerStatuses, name);
    found.set(name, known?.state?.running && known.resources ? known.resources : resources);
  }
  return found;
}

function withResources(pod: corev1.Pod, resources: ResourcesByName): corev1.Pod {
  const keep = (container: corev1.Container): corev1.Container => {
    const given = resources.get(container.name);
    return given && !sameJson(given, container.resources) ? { ...container, resources: given } : container;
  };
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    spec: { ...pod.spec, containers: containers.map(keep), ...(initContainers && { initContainers: initContainers.map(keep) }) },
  };
}
