/**
 * A pod keeps others away from its node at most, not from a zone. @source kubernetes plugin/pkg/admission/antiaffinity, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

const hostnameLabel = 'kubernetes.io/hostname';

export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.pods) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  validate: (request) => {
    // The resource says so.
    const { affinity } = (request.object as unknown as corev1.Pod).spec;
    const terms = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== hostnameLabel);
    if (!wide) return;
    const why = `has TopologyKey ${wide.topologyKey} but only key ${hostnameLabel} is allowed`;
    throw refusal(request, `affinity.PodAntiAffinity.RequiredDuringScheduling ${why}`);
  },
};
