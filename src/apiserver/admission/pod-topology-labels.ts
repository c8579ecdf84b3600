/**
 * A pod carries the zone and the region of its node as labels, so that programs in it can read them through the downward API.
 * @source KEP-4742; kubernetes plugin/pkg/admission/podtopologylabels
 */
import { type corev1, corev1Resources, type Draft, type Labels } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import type { Registry } from '../storage.ts';
import { isResource } from './resource-match.ts';

const copied = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const;

export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.pods) && operation === 'CREATE' && (subresource === '' || subresource === 'binding'),
  mutate: ({ object, subresource }, { registry }) => {
    // The two kinds that the plugin handles.
    const { metadata, ...body } = object as Draft<corev1.Binding> | Draft<corev1.Pod>;
    const nodeName = subresource === 'binding' ? nodeOfBinding(body as Draft<corev1.Binding>) : (body as Draft<corev1.Pod>).spec.nodeName;
    const labels = nodeName ? topologyOf(registry, nodeName) : {};
    // What the pod says of itself stays. A Binding's labels become its pod's.
    if (Object.keys(labels).length > 0) metadata.labels = { ...labels, ...metadata.labels };
  },
};

function nodeOfBinding({ target }: Pick<Draft<corev1.Binding>, 'target'>): string | undefined {
  return target?.kind === 'Node' ? target.name : undefined;
}

function topologyOf(registry: Registry, name: string): Labels {
  const labels = registry.cached(corev1Resources.nodes, { namespace: '', name })?.metadata.labels ?? {};
  return Object.fromEntries(copied.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}
