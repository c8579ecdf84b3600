/**
 * The pods of a DaemonSet: each is made for one node, which its affinity names, and tolerates what befalls nodes. Pure.
 * @source pkg/controller/daemon/util/daemonset_util.go, v1.35
 */
import type { appsv1, corev1, Unsaved } from '../../api/index.ts';
import { podFromTemplate } from '../workload/pod-control.ts';

type DaemonSet = appsv1.DaemonSet;
type Pod = corev1.Pod;

export const podHashLabel = 'controller-revision-hash';
const podGenerationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';
const nodeNameField = 'metadata.name';

const exists = (name: string, effect: NonNullable<corev1.Toleration['effect']>): corev1.Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect,
});
/** A node that is troubled keeps its daemons. */
const addedTolerations = [
  exists('not-ready', 'NoExecute'),
  exists('unreachable', 'NoExecute'),
  exists('disk-pressure', 'NoSchedule'),
  exists('memory-pressure', 'NoSchedule'),
  exists('pid-pressure', 'NoSchedule'),
  exists('unschedulable', 'NoSchedule'),
];
/** A daemon on the host's network may be what sets up the network. */
const hostNetworkToleration = exists('network-unavailable', 'NoSchedule');

/** What the set's pods tolerate. */
export function daemonTolerations(spec: Pick<corev1.PodSpec, 'tolerations' | 'hostNetwork'>): corev1.Toleration[] {
  const tolerations = [...(spec.tolerations ?? [])];
  for (const added of spec.hostNetwork ? [...addedTolerations, hostNetworkToleration] : addedTolerations) {
    const same = tolerations.findIndex((one) => isSameToleration(one, added));
    if (same < 0) tolerations.push(added);
    else tolerations[same] = added;
  }
  return tolerations;
}

function isSameToleration(a: corev1.Toleration, b: corev1.Toleration): boolean {
  return a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '');
}

/** How often the template changed, as the API server counts it. */
export function templateGeneration({ metadata }: DaemonSet): string | undefined {
  const text = metadata.annotations?.[generationAnnotation];
  return text !== undefined && /^-?[0-9]+$/.test(text) ? text : undefined;
}

/** The template as pods are made of it. @param hash of the revision */
export function daemonTemplate(daemonSet: DaemonSet, hash: string): corev1.PodTemplateSpec {
  const { template } = daemonSet.spec;
  const generation = templateGeneration(daemonSet);
  return {
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        ...(generation !== undefined && { [podGenerationLabel]: generation }),
        [podHashLabel]: hash,
      },
    },
    // Validation has seen to it that a template has a spec.
    spec: { ...template.spec!, tolerations: daemonTolerations(template.spec!) },
  };
}

/** @param template as `daemonTemplate` returns it: the same for all nodes */
export function podForNode(daemonSet: DaemonSet, template: corev1.PodTemplateSpec, node: string): Unsaved<Pod> {
  const pod = podFromTemplate(template, daemonSet);
  const { affinity } = pod.spec;
  // Terms of the template were asked already, when the node was chosen.
  const requiredDuringSchedulingIgnoredDuringExecution = {
    nodeSelectorTerms: [{ matchFields: [{ key: nodeNameField, operator: 'In' as const, values: [node] }] }],
  };
  const nodeAffinity = { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution };
  return { ...pod, spec: { ...pod.spec, affinity: { ...affinity, nodeAffinity } } };
}

/** The node that the pod runs on or was made for; undefined for a pod that names none. */
export function targetNode({ spec }: Pick<Pod, 'spec'>): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  for (const { matchFields = [] } of spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []) {
    const field = matchFields.find(({ key, operator }) => key === nodeNameField && operator === 'In');
    if (field) return field.values?.length === 1 ? field.values[0] : undefined;
  }
  return undefined;
}

/** Whether the pod is of the newest template. */
export function isUpdated(daemonSet: DaemonSet, { metadata }: Pick<Pod, 'metadata'>, hash: string): boolean {
  const generation = templateGeneration(daemonSet);
  const labels = metadata.labels ?? {};
  return labels[podHashLabel] === hash || (generation !== undefined && labels[podGenerationLabel] === generation);
}

/** Those with a node first, then the oldest. */
export function inAgeOrder(pods: readonly Pod[]): Pod[] {
  if (pods.length < 2) return [...pods];
  const age = ({ metadata }: Pod): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return [...pods].sort((a, b) => Number(!a.spec.nodeName) - Number(!b.spec.nodeName) || (age(a) < age(b) ? -1 : 1));
}
