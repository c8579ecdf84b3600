/**
 * The two sides of a binding as objects: what a volume and a claim look like once they are bound, and once it was taken back. Pure; each
 * answers the object itself when nothing has to change, so that a binding that was broken off anywhere is finished by doing it again.
 * @source pkg/controller/volume/persistentvolume/pv_controller.go (bind, unbindVolume), v1.35
 */
import { type corev1, parseQuantity, tryParseQuantity, volumeAnnotations, volumeCapacity } from '../../api/index.ts';
import { semanticEqual } from '../semantic-equal.ts';

type Volume = corev1.PersistentVolume;
type Claim = corev1.PersistentVolumeClaim;

const yes = 'yes';

/** Without its claim when the controller bound it; else kept for the name that somebody wrote there. */
export function volumeUnbound(volume: Volume): Volume {
  const { claimRef, ...spec } = volume.spec;
  const { [volumeAnnotations.boundByController]: byController, ...annotations } = volume.metadata.annotations ?? {};
  if (byController !== undefined) return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
  const { uid: _, ...kept } = claimRef ?? {};
  return { ...volume, spec: { ...spec, claimRef: kept } };
}

export function claimBoundTo(claim: Claim, volume: Volume): Claim {
  const { name } = volume.metadata;
  const { bindCompleted, boundByController } = volumeAnnotations;
  const isNamed = claim.spec.volumeName === name;
  if (isNamed && claim.metadata.annotations?.[bindCompleted] !== undefined) return claim;
  const metadata = annotated(claim.metadata, { ...(!isNamed && { [boundByController]: yes }), [bindCompleted]: yes });
  return { ...claim, metadata, spec: { ...claim.spec, volumeName: name } };
}

/** The status of a claim that has a volume. Its capacity is taken over once: later it follows the file system, not the device. */
export function statusWithVolume(claim: Claim, volume: Volume): Claim {
  const { phase, capacity, accessModes } = claim.status;
  const modes = volume.spec.accessModes;
  const classOfAttributes = volume.spec.volumeAttributesClassName;
  const becomesBound = phase !== 'Bound';
  const status: corev1.PersistentVolumeClaimStatus = {
    ...claim.status,
    phase: 'Bound',
    ...(!semanticEqual(accessModes, modes) && modes && { accessModes: modes }),
    ...(becomesBound && !semanticEqual(capacity?.['storage'], capacityShown(volume)) && { capacity: capacityOf(volume) }),
    ...(becomesBound && classOfAttributes && { currentVolumeAttributesClassName: classOfAttributes }),
  };
  return semanticEqual(status, claim.status) ? claim : { ...claim, status };
}

/** The status of a claim without a volume. */
export function statusWithoutVolume(claim: Claim, phase: 'Pending' | 'Lost'): Claim {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...rest } = claim.status;
  if (claim.status.phase === phase && !accessModes && !capacity && !currentVolumeAttributesClassName) return claim;
  return { ...claim, status: { ...rest, phase } };
}

/** The provisioner's name on a claim that waits for it. */
export function claimForProvisioner(claim: Claim, provisioner: string): Claim {
  const { storageProvisioner, betaStorageProvisioner } = volumeAnnotations;
  if (claim.metadata.annotations?.[storageProvisioner] === provisioner) return claim;
  return { ...claim, metadata: annotated(claim.metadata, { [betaStorageProvisioner]: provisioner, [storageProvisioner]: provisioner }) };
}

function capacityOf(volume: Volume): Readonly<Record<string, string>> {
  const before = volume.metadata.annotations?.[volumeAnnotations.preResizeCapacity];
  if (before !== undefined && tryParseQuantity(before)) return { storage: parseQuantity(before).toString() };
  return volume.spec.capacity ?? {};
}

function capacityShown(volume: Volume): string {
  return capacityOf(volume)['storage'] ?? volumeCapacity(volume).toString();
}

function annotated(metadata: Volume['metadata'], annotations: Readonly<Record<string, string>>): Volume['metadata'] {
  return { ...metadata, annotations: { ...metadata.annotations, ...annotations } };
}
