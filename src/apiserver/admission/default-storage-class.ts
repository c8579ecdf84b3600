/** A claim that names no class gets the one marked as default, if there is one. @source kubernetes plugin/pkg/admission/storage/storageclass/setdefault */
import {
  betaStorageClassAnnotation,
  type corev1,
  corev1Resources,
  defaultClassOf,
  defaultStorageClassMarks,
  type Draft,
  storagev1Resources,
} from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.persistentvolumeclaims) && operation === 'CREATE' && subresource === '',
  mutate: ({ object }, { registry }) => {
    // The resource says so.
    const { metadata, spec } = object as Draft<corev1.PersistentVolumeClaim>;
    // An empty name is a choice: no class at all.
    if (spec.storageClassName !== undefined || metadata.annotations?.[betaStorageClassAnnotation] !== undefined) return;
    const found = defaultClassOf(registry.cachedList(storagev1Resources.storageclasses), defaultStorageClassMarks);
    if (found) spec.storageClassName = found.metadata.name;
  },
};
