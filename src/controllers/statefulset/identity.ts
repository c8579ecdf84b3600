/**
 * What makes a pod of a StatefulSet that very pod: its name, its labels, its host name and the claims that are its own. Pure.
 * @source pkg/controller/statefulset/stateful_set_utils.go, v1.35
 */
import type { appsv1, corev1, Unsaved } from '../../api/index.ts';
import { podFromTemplate } from '../workload/pod-control.ts';
import { claimName, podName } from './ordinals.ts';

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;
type Claim = corev1.PersistentVolumeClaim;

export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
export const podIndexLabel = 'apps.kubernetes.io/pod-index';
export const podRevisionLabel = 'controller-revision-hash';

/** One version of the pods: a revision's name and the template that it holds. */
export interface PodVersion {
  readonly name: string;
  readonly template: corev1.PodTemplateSpec;
}

export function revisionOf(pod: Pick<Pod, 'metadata'>): string | undefined {
  return pod.metadata.labels?.[podRevisionLabel];
}

/** The pod of one ordinal as it is made. */
export function newPod(
  set: StatefulSet,
  version: PodVersion,
  ordinal: number,
): Unsaved<Pod> & { readonly metadata: { readonly name: string } } {
  const pod = podFromTemplate(version.template, set);
  const name = podName(set, ordinal);
  const { serviceName } = set.spec;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: { ...pod.metadata.labels, ...identityLabels(name, ordinal), [podRevisionLabel]: version.name },
    },
    spec: {
      ...pod.spec,
      hostname: name,
      ...(serviceName && { subdomain: serviceName }),
      ...withClaims(set, pod.spec, ordinal),
    },
  };
}

/** The pod as it should be; the same object when it is so. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const labels = identityLabels(pod.metadata.name, ordinal);
  const labelled =
    pod.metadata.labels?.[podNameLabel] === pod.metadata.name
      ? pod
      : { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } };
  return hasItsClaims(set, pod, ordinal) ? labelled : { ...labelled, spec: { ...pod.spec, ...withClaims(set, pod.spec, ordinal) } };
}

/** The claims of one ordinal as they are made. */
export function claimsOf(set: StatefulSet, ordinal: number): (Unsaved<Claim> & { readonly metadata: { readonly name: string } })[] {
  const { namespace } = set.metadata;
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    metadata: {
      ...template.metadata,
      name: claimName(set, template.metadata.name, ordinal),
      ...(namespace !== undefined && { namespace }),
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }));
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

/** The volumes of the claims, and those of the template that no claim takes the place of. */
function withClaims(set: StatefulSet, spec: corev1.PodSpec, ordinal: number): Pick<corev1.PodSpec, 'volumes'> {
  const names = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
  if (names.length === 0) return {};
  const claimed = names.map((name) => ({ name, persistentVolumeClaim: { claimName: claimName(set, name, ordinal) } }));
  return { volumes: [...claimed, ...(spec.volumes ?? []).filter(({ name }) => !names.includes(name))] };
}

function hasItsClaims(set: StatefulSet, { spec }: Pod, ordinal: number): boolean {
  return (set.spec.volumeClaimTemplates ?? []).every(({ metadata: { name } }) => {
    const volume = spec.volumes?.find((each) => each.name === name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal);
  });
}
