/**
 * LimitRanger: what pods and claims of a namespace ask for stays within its LimitRanges, and comes from them where nothing is said.
 * In a namespace without a LimitRange it costs one look into a map.
 * @source kubernetes plugin/pkg/admission/limitranger, v1.35
 */
import { type corev1, corev1Resources, type Draft } from '../../../api/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission.ts';
import type { ApiServerHost } from '../../extension.ts';
import { NamespaceIndex } from '../namespace-index.ts';
import { refusal } from '../refusal.ts';
import { isResource } from '../resource-match.ts';
import { claimFaults, podFaults } from './constraints.ts';
import { applyLimitDefaults } from './defaults.ts';

const { pods, persistentvolumeclaims, limitranges } = corev1Resources;

export function limitRangerPlugin(host: Pick<ApiServerHost, 'registry' | 'signal'>): AdmissionPlugin {
  const index = new NamespaceIndex(limitranges);
  /** None for what is on its way out. */
  const rangesFor = ({ namespace, oldObject }: AdmissionRequest): readonly corev1.LimitRange[] =>
    oldObject?.metadata.deletionTimestamp === undefined ? (index.of(namespace) ?? []) : [];
  return {
    name: 'LimitRanger',
    handles: (resource, operation, subresource) => {
      // Containers of a pod are what they were created as, but for their resources.
      if (isResource(resource, pods))
        return subresource === '' ? operation === 'CREATE' : subresource === 'resize' && operation === 'UPDATE';
      return isResource(resource, persistentvolumeclaims) && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE');
    },
    mutate: (request) => {
      if (!isResource(request.resource, pods)) return;
      // The resource says so; so below.
      for (const range of rangesFor(request)) applyLimitDefaults(request.object as Draft<corev1.Pod>, range);
    },
    validate: (request) => {
      const isPod = isResource(request.resource, pods);
      const { object } = request as { readonly object?: unknown };
      for (const range of rangesFor(request)) {
        const faults = isPod ? podFaults(object as corev1.Pod, range) : claimFaults(object as corev1.PersistentVolumeClaim, range);
        const different = [...new Set(faults)];
        if (different.length > 0) throw refusal(request, different.length === 1 ? different[0]! : `[${different.join(', ')}]`);
      }
    },
    start: () => index.start(host),
  };
}
