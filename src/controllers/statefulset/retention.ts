/**
 * Whose end is a claim's end: `persistentVolumeClaimRetentionPolicy` as owner references of the claim, which the garbage collector acts
 * upon. A claim of a pod that the set wants belongs to the set, one of a pod that is scaled away to that pod. Pure.
 * @source pkg/controller/statefulset/stateful_set_utils.go (isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod), v1.35
 */
import { type appsv1, type corev1, type KubeObject, type metav1, newControllerRef } from '../../api/index.ts';
import { isInRange, ordinalOf } from './ordinals.ts';

type StatefulSet = appsv1.StatefulSet;
type Claim = corev1.PersistentVolumeClaim;
type Ref = metav1.OwnerReference;

export interface ClaimOwners {
  readonly ownerReferences: readonly Ref[];
}

/** The pod that a claim is of: one that exists, or a name that will be given. */
type PodOf = Pick<corev1.Pod, 'metadata'>;

/** The owners that the claim should have; undefined when it has them, or when they are not ours to change. */
export function wantedOwners(set: StatefulSet, pod: PodOf, claim: Claim): ClaimOwners | undefined {
  const refs = claim.metadata.ownerReferences ?? [];
  const isSet = (ref: Ref): boolean => matches(ref, set);
  const isPod = (ref: Ref): boolean => matches(ref, podAsOwner(pod));
  const ours = (ref: Ref): boolean => isSet(ref) || isPod(ref);
  // Of a set or a pod that went before: the garbage collector deals with the claim.
  if (refs.some((ref) => isSet(ref) && ref.uid !== set.metadata.uid) || hasStaleOwner(pod, claim)) return undefined;
  const others = refs.filter((ref) => !ours(ref));
  if (isConflicting(set, pod, claim)) return refs.some(ours) ? { ownerReferences: others } : undefined;
  const owner = ownerOf(set, pod);
  const isRight = refs.every((ref) => !ours(ref) || (owner !== undefined && ref.uid === owner.metadata.uid && ref.controller === true));
  if (isRight && (!owner || refs.some((ref) => ref.uid === owner.metadata.uid))) return undefined;
  return { ownerReferences: owner ? [...others, newControllerRef(owner)] : others };
}

/** Whether somebody else manages the claim: then the policy does not hold for it. */
export function isConflicting(set: StatefulSet, pod: PodOf, claim: Claim): boolean {
  const { whenScaled, whenDeleted } = retentionOf(set);
  if (whenScaled !== 'Delete' && whenDeleted !== 'Delete') return false;
  const refs = claim.metadata.ownerReferences ?? [];
  return refs.some((ref) => ref.controller === true && !matches(ref, set) && !matches(ref, podAsOwner(pod)));
}

/** Whether the claim is about to go with a pod that went before: a new pod of the name must wait until it is gone. */
export function isStale(set: StatefulSet, pod: PodOf, claim: Claim): boolean {
  return retentionOf(set).whenScaled === 'Delete' && hasStaleOwner(pod, claim);
}

function hasStaleOwner(pod: PodOf, claim: Claim): boolean {
  return (claim.metadata.ownerReferences ?? []).some((ref) => matches(ref, podAsOwner(pod)) && ref.uid !== pod.metadata.uid);
}

function ownerOf(set: StatefulSet, pod: PodOf): KubeObject | undefined {
  const { whenScaled, whenDeleted } = retentionOf(set);
  const ordinal = ordinalOf(set, pod);
  const isScaledAway = ordinal === undefined || !isInRange(set, ordinal);
  if (whenScaled === 'Delete' && isScaledAway) return podAsOwner(pod);
  return whenDeleted === 'Delete' ? set : undefined;
}

function retentionOf({ spec }: StatefulSet): appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy {
  return spec.persistentVolumeClaimRetentionPolicy ?? { whenDeleted: 'Retain', whenScaled: 'Retain' };
}

function podAsOwner({ metadata }: PodOf): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata };
}

/** By name and kind, whatever the uid. */
function matches(ref: Ref, owner: KubeObject): boolean {
  return ref.apiVersion === owner.apiVersion && ref.kind === owner.kind && ref.name === owner.metadata.name;
}
