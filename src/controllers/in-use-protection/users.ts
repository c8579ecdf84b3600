/** Who uses a claim or a class of attributes. Pure. @source pkg/controller/volume/pvcprotection/pvc_protection_controller.go, v1.35 */
import type { corev1 } from '../../api/index.ts';

/** Keys of the claims that a pod names, its own ones for ephemeral volumes too. */
export function claimsOf({ metadata, spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`];
  });
}

/** A pod without a node uses nothing: no node begins a pod whose claim is going. */
export function usesClaim(pod: corev1.Pod, claim: corev1.PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName) return false;
  return (pod.spec.volumes ?? []).some(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return persistentVolumeClaim.claimName === claim.metadata.name;
    if (!ephemeral || claim.metadata.name !== `${pod.metadata.name}-${name}`) return false;
    return (claim.metadata.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === pod.metadata.uid);
  });
}

/** Classes of attributes that a claim asks for, has, or is being moved to. */
export function classesOfClaim({ spec, status }: corev1.PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.flatMap((name) => name || []))];
}
