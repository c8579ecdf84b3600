/**
 * Volumes, claims and classes of attributes are not removed while they are used: each gets a finalizer, which a controller takes away
 * when nobody uses it any more.
 * @source kubernetes plugin/pkg/admission/storage/storageobjectinuseprotection
 */
import { corev1Resources, inUseFinalizers, type ResourceDefinition, storagev1Resources } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

const { persistentvolumeclaims, persistentvolumes } = corev1Resources;

function finalizerOf(resource: ResourceDefinition): string | undefined {
  if (isResource(resource, persistentvolumeclaims)) return inUseFinalizers.claim;
  if (isResource(resource, persistentvolumes)) return inUseFinalizers.volume;
  return isResource(resource, storagev1Resources.volumeattributesclasses) ? inUseFinalizers.attributesClass : undefined;
}

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (resource, operation, subresource) => finalizerOf(resource) !== undefined && operation === 'CREATE' && subresource === '',
  mutate: ({ object, resource }) => {
    const finalizer = finalizerOf(resource);
    if (!object || finalizer === undefined) return;
    const finalizers = object.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
  },
};
