/**
 * From a pod's volume to the PersistentVolume behind its claim. The answer for a pod does not change once it was found, so it is asked for
 * once; until then the pod waits and is told why in upstream's words.
 * @source pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { VolumeError } from '../seams.ts';

/** The claim of a volume cannot be used (yet); the message says which and why. */
export class ClaimError extends VolumeError {}

export interface ClaimedVolume {
  readonly volume: corev1.PersistentVolume;
  /** The pod asked for it without the right to write. */
  readonly readOnly: boolean;
}

/** Name of the claim behind a pod's volume; undefined for volumes of other kinds. */
export function claimNameOf(pod: corev1.Pod, { name, persistentVolumeClaim, ephemeral }: corev1.Volume): string | undefined {
  if (persistentVolumeClaim) return persistentVolumeClaim.claimName;
  return ephemeral && `${pod.metadata.name}-${name}`;
}

/** @throws ClaimError */
export async function claimedVolume(
  pod: corev1.Pod,
  source: corev1.Volume,
  { client, signal }: { readonly client: Client; readonly signal: AbortSignal },
): Promise<ClaimedVolume> {
  const { namespace } = pod.metadata;
  const name = claimNameOf(pod, source) ?? '';
  const refuse = (why: string): ClaimError => new ClaimError(`error processing PVC ${namespace}/${name}: ${why}`);
  const fetched = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      throw refuse(`failed to fetch ${what} from API server: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const claim = await fetched('PVC', client.get(corev1Resources.persistentvolumeclaims, { namespace, name }, { signal }));
  if (source.ephemeral && !isOwnedBy(claim, pod)) {
    throw refuse(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
  }
  if (claim.metadata.deletionTimestamp !== undefined) throw refuse('PVC is being deleted');
  const { volumeName } = claim.spec;
  if (claim.status.phase !== 'Bound' || !volumeName) throw refuse('PVC is not bound');
  const volume = await fetched(`PV ${volumeName}`, client.get(corev1Resources.persistentvolumes, { name: volumeName }, { signal }));
  const { claimRef } = volume.spec;
  if (!claimRef) throw refuse(`found PV object ${volumeName} with nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`);
  if (claimRef.uid !== claim.metadata.uid) {
    throw refuse(
      `found PV object ${volumeName} with a pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} that does not point to claim.UID ${claim.metadata.uid}`,
    );
  }
  return { volume, readOnly: source.persistentVolumeClaim?.readOnly ?? false };
}

function isOwnedBy(claim: corev1.PersistentVolumeClaim, { metadata }: corev1.Pod): boolean {
  return (claim.metadata.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === metadata.uid);
}
