/**
 * The claims of a pod, sorted by what is still to be done for them: nothing, a volume on the node that is chosen, or waiting for the
 * binder. Pure but for the caches that it reads.
 * @source kube-scheduler v1.35 plugins/volumebinding (podHasPVCs, GetPodVolumeClaims)
 */
import { type corev1, isFullyBound, storageClassNameOf, type storagev1, waitsForConsumer } from '../../../api/index.ts';
import type { Lister } from '../../../client/index.ts';
import type { Assumed } from './assumed.ts';

type Claim = corev1.PersistentVolumeClaim;

export interface PodClaims {
  readonly bound: readonly Claim[];
  /** Of classes that wait for their first pod. */
  readonly unbound: readonly Claim[];
  /** Somebody else binds them, and has not done so. */
  readonly waiting: readonly Claim[];
}

export interface ClaimReaders {
  readonly claims: Assumed<Claim>;
  readonly classes: Lister<storagev1.StorageClass>;
}

/** Whether a pod has anything to do with claims. */
export function usesClaims({ spec }: corev1.Pod): boolean {
  return (spec.volumes ?? []).some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral);
}

/** The text says why the pod cannot run at all now. */
export function podClaims(pod: corev1.Pod, { claims, classes }: ClaimReaders): PodClaims | string {
  const { namespace } = pod.metadata;
  const bound: Claim[] = [];
  const unbound: Claim[] = [];
  const waiting: Claim[] = [];
  for (const { name: volume, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    const name = persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name}-${volume}`);
    if (name === undefined) continue;
    const claim = claims.get({ namespace, name });
    const fault = claimFault(pod, claim, { name, ephemeral: ephemeral !== undefined });
    if (fault !== undefined || !claim) return fault ?? '';
    if (isFullyBound(claim)) bound.push(claim);
    else if (!claim.spec.volumeName && waitsForConsumer(classes.get({ name: storageClassNameOf(claim) }))) unbound.push(claim);
    else waiting.push(claim);
  }
  return { bound, unbound, waiting };
}

function claimFault(
  pod: corev1.Pod,
  claim: Claim | undefined,
  { name, ephemeral }: { readonly name: string; readonly ephemeral: boolean },
): string | undefined {
  if (!claim) {
    if (ephemeral) return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
    return `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.status.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`;
  }
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  const isPodsOwn = (claim.metadata.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === pod.metadata.uid);
  if (!ephemeral || isPodsOwn) return undefined;
  const { namespace } = pod.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
}
