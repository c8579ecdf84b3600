/**
 * Who asks for a device tolerates the taint that keeps everybody else from its nodes.
 * @source kubernetes plugin/pkg/admission/extendedresourcetoleration, v1.35
 */
import { type corev1, corev1Resources, type Draft } from '../../api/index.ts';
import { isExtendedResource } from '../../api/kinds/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.pods) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  mutate: ({ object }) => {
    // The resource says so.
    const { spec } = object as Draft<corev1.Pod>;
    const requested = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      Object.keys(resources?.requests ?? {}),
    );
    for (const key of [...new Set(requested.filter(isExtendedResource))].sort()) {
      const tolerations = spec.tolerations ?? [];
      const isThere = tolerations.some((one) => one.key === key && one.operator === 'Exists' && one.effect === 'NoSchedule');
      if (!isThere) spec.tolerations = [...tolerations, { key, operator: 'Exists', effect: 'NoSchedule' }];
    }
  },
};
