/**
 * What is to be done about a volume: its phase, taking a binding back, and what happens when its claim is gone. Pure.
 * @source pkg/controller/volume/persistentvolume/pv_controller.go (syncVolume, reclaimVolume), v1.35
 */
import { type corev1, haveSameVolumeMode, volumeAnnotations } from '../../api/index.ts';

export interface VolumeWorld {
  readonly volume: corev1.PersistentVolume;
  /** The claim of the name that the volume is bound to, whatever its uid. */
  readonly claim: corev1.PersistentVolumeClaim | undefined;
}

export type VolumePlan =
  | { readonly type: 'setPhase'; readonly phase: 'Available' | 'Bound' }
  /** The claim's own turn finishes the binding. */
  | { readonly type: 'leaveToClaim' }
  /** Bound to a claim that uses volumes in another way. */
  | { readonly type: 'mismatch'; readonly claim: corev1.PersistentVolumeClaim }
  | { readonly type: 'unbind' }
  /** Its claim is gone, or has another volume. */
  | { readonly type: 'release' };

export function planVolume({ volume, claim: named }: VolumeWorld): VolumePlan {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return { type: 'setPhase', phase: 'Available' };
  // Another claim of that name is not the one that the volume served.
  const claim = named?.metadata.uid === claimRef.uid ? named : undefined;
  if (!claim) return { type: 'release' };
  if (!claim.spec.volumeName) return haveSameVolumeMode(volume, claim) ? { type: 'leaveToClaim' } : { type: 'mismatch', claim };
  if (claim.spec.volumeName === volume.metadata.name) return { type: 'setPhase', phase: 'Bound' };
  const wasMadeForIt = volume.metadata.annotations?.[volumeAnnotations.provisionedBy] !== undefined;
  return wasMadeForIt && volume.spec.persistentVolumeReclaimPolicy === 'Delete' ? { type: 'release' } : { type: 'unbind' };
}

/** Whether nobody has a right to what is in the volume any more. */
export function isReleased(volume: corev1.PersistentVolume, claim: corev1.PersistentVolumeClaim | undefined): boolean {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return false;
  if (claim?.metadata.uid !== claimRef.uid) return true;
  return Boolean(claim.spec.volumeName) && claim.spec.volumeName !== volume.metadata.name;
}

export type ReclaimPlan =
  | { readonly type: 'keep' }
  /** Whoever provisioned it deletes it. */
  | { readonly type: 'leaveToProvisioner' }
  | { readonly type: 'fail'; readonly reason: string; readonly message: string };

/** What a released volume's policy asks for. */
export function planReclaim({ metadata, spec }: corev1.PersistentVolume): ReclaimPlan {
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return { type: 'keep' };
    case 'Recycle':
      return { type: 'fail', reason: 'VolumeFailedRecycle', message: recycleRefusal(spec) };
    case 'Delete':
      return planDeletion(metadata.name, metadata.annotations?.[volumeAnnotations.provisionedBy], spec);
    default:
      return { type: 'fail', reason: 'VolumeUnknownReclaimPolicy', message: 'Volume has unrecognized PersistentVolumeReclaimPolicy' };
  }
}

function recycleRefusal({ hostPath, nfs }: corev1.PersistentVolumeSpec): string {
  // GAP(volume-recycling): upstream runs a pod that empties the volume; nothing else of Kubernetes does so any more.
  return hostPath || nfs ? 'Recycle failed: recycling is not supported' : 'No recycler plugin found for the volume!';
}

function planDeletion(name: string, provisioner: string | undefined, spec: corev1.PersistentVolumeSpec): ReclaimPlan {
  const fail = (message: string): ReclaimPlan => ({ type: 'fail', reason: 'VolumeFailedDelete', message });
  if (provisioner) {
    return provisioner.startsWith('kubernetes.io/')
      ? fail(`no volume plugin matched name: ${provisioner}`)
      : { type: 'leaveToProvisioner' };
  }
  if (spec.csi) return { type: 'leaveToProvisioner' };
  if (spec.hostPath) {
    const { path } = spec.hostPath;
    // GAP(host-path-deleter): the controller's machine is no node's, and what stands in its /tmp is nobody's volume.
    if (path.startsWith('/tmp/')) return fail(`deleting the host path ${path} is not supported`);
    return fail(`host_path deleter only supports /tmp/.+ but received provided ${path}`);
  }
  return fail(`error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`);
}
