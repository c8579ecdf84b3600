/** A claim grows only when it has a volume, and its class allows it. @source kubernetes plugin/pkg/admission/storage/persistentvolume/resize */
import {
  type corev1,
  corev1Resources,
  type Draft,
  type Quantity,
  storageClassNameOf,
  storagev1Resources,
  tryParseQuantity,
  zeroQuantity,
} from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import type { Registry } from '../storage.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

type Claim = corev1.PersistentVolumeClaim;

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.persistentvolumeclaims) && operation === 'UPDATE' && subresource === '',
  validate: (request, { registry }) => {
    // The resource says so.
    const claim = request.object as Draft<Claim>;
    const old = request.oldObject as Claim;
    if (sizeOf(claim).compare(sizeOf(old)) <= 0) return;
    if (old.status.phase !== 'Bound') throw refusal(request, 'Only bound persistent volume claims can be expanded');
    if (!mayGrow(claim, old, registry)) {
      throw refusal(
        request,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    }
  },
};

function sizeOf({ spec }: Claim | Draft<Claim>): Quantity {
  return tryParseQuantity(spec.resources?.requests?.['storage'] ?? '0') ?? zeroQuantity;
}

function mayGrow(claim: Claim | Draft<Claim>, old: Claim, registry: Registry): boolean {
  const name = storageClassNameOf(claim);
  if (name === '' || name !== storageClassNameOf(old)) return false;
  return registry.cached(storagev1Resources.storageclasses, { namespace: '', name })?.allowVolumeExpansion === true;
}
