/**
 * How claims and volumes find each other: the annotations that both sides write, and which volume serves a claim. Controllers and
 * scheduler decide by the same rules, from caches of their own. Pure.
 * @source component-helpers storage/volume, v1.35
 */
import type { Node, ObjectReference, PersistentVolume, PersistentVolumeClaim } from './gen/core-v1.ts';
import type { ObjectMeta } from './gen/meta-v1.ts';
import type { StorageClass } from './gen/storage-v1.ts';
import { labelSelectorMatcher } from './label-selector.ts';
import { matchesNodeSelector } from './node-selector.ts';
import { parseQuantity, type Quantity, zeroQuantity } from './quantity.ts';

/** The annotation that named a class before the field did. */
export const betaStorageClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** Annotations by which binder, scheduler and provisioners talk to each other. */
export const volumeAnnotations = {
  /** On a claim: the binding is whole. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On either: the binding is the controller's and may be undone by it. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  /** On a volume: who provisioned it and deletes it. */
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  /** On a claim: the node that the scheduler chose for its first pod; the provisioner may begin. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  /** On a claim: who is to provision it. */
  storageProvisioner: 'volume.kubernetes.io/storage-provisioner',
  betaStorageProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
  /** On a volume that grew before its file system did. */
  preResizeCapacity: 'volume.alpha.kubernetes.io/pre-resize-capacity',
} as const;

/** What kube names the provisioner of classes whose volumes are made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

/** `namespace/name` of the claim that a volume is bound to or kept for. */
export function claimKeyOf({ spec }: PersistentVolume): string | undefined {
  return spec.claimRef && `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`;
}

/** The name of an object's StorageClass; empty: none. The annotation of old counts before the field. */
export function storageClassNameOf({
  metadata,
  spec,
}: {
  readonly metadata: Pick<ObjectMeta, 'annotations'>;
  readonly spec: { readonly storageClassName?: string };
}): string {
  return metadata.annotations?.[betaStorageClassAnnotation] ?? spec.storageClassName ?? '';
}

/** Whether a claim names a class at all; the empty name is a choice too. */
export function hasStorageClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[betaStorageClassAnnotation] !== undefined || spec.storageClassName !== undefined;
}

/** The class waits for the first pod before its claims are bound. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** The scheduler has chosen a node: the provisioner is to begin. */
export function isProvisioningWanted({ metadata }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[volumeAnnotations.selectedNode] !== undefined;
}

/** A claim is whole when its own side of the binding says so and the volume's is known to. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined;
}

/** A volume is bound to the claim, or kept for it: by name, and by uid once that is written. */
export function isBoundToClaim({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (!claimRef || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

export function haveSameVolumeMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem');
}

/** The volume offers every access mode that the claim asks for. */
export function offersAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode));
}

export function haveSameAttributesClass(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '');
}

/** Whether a node can reach the volume. */
export function isVolumeReachable({ spec }: PersistentVolume, node: Pick<Node, 'metadata'>): boolean {
  return !spec.nodeAffinity?.required || matchesNodeSelector(spec.nodeAffinity.required, node);
}

export function volumeCapacity({ spec }: PersistentVolume): Quantity {
  return storageOf(spec.capacity);
}

export function requestedStorage({ spec }: PersistentVolumeClaim): Quantity {
  return storageOf(spec.resources?.requests);
}

function storageOf(list: Readonly<Record<string, string>> | undefined): Quantity {
  const text = list?.['storage'];
  return text === undefined ? zeroQuantity : parseQuantity(text);
}

/**
 * Why a claim that names a volume cannot have it, in upstream's words; undefined when it can.
 * @source pkg/controller/volume/persistentvolume checkVolumeSatisfyClaim
 */
export function whyUnsuitable(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (volumeCapacity(volume).compare(requestedStorage(claim)) < 0) return 'requested PV is too small';
  if (storageClassNameOf(volume) !== storageClassNameOf(claim)) return 'storageClassName does not match';
  if (!haveSameAttributesClass(volume, claim)) return 'volumeAttributesClassName does not match';
  if (!haveSameVolumeMode(volume, claim)) return 'incompatible volumeMode';
  if (!offersAccessModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

export interface VolumeSearch {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: Iterable<PersistentVolume>;
  /** The scheduler's question: volumes that this node reaches. */
  readonly node?: Pick<Node, 'metadata'>;
  /** Names of volumes that somebody else is about to get. */
  readonly excluded?: ReadonlySet<string>;
  /** Without a node: only volumes that are kept for the claim, since the scheduler chooses among the others. */
  readonly onlyPrebound?: boolean;
}

/** The volume that is kept for the claim, or else the smallest available one that suits it. */
export function findMatchingVolume({ claim, volumes, node, excluded, onlyPrebound = false }: VolumeSearch): PersistentVolume | undefined {
  const requested = requestedStorage(claim);
  const className = storageClassNameOf(claim);
  const selector = claim.spec.selector && labelSelectorMatcher(claim.spec.selector);
  let best: PersistentVolume | undefined;
  let bestCapacity = zeroQuantity;
  for (const volume of volumes) {
    if (excluded?.has(volume.metadata.name) || volume.metadata.deletionTimestamp !== undefined) continue;
    const isPrebound = isBoundToClaim(volume, claim);
    if (volume.spec.claimRef && !isPrebound) continue;
    const capacity = volumeCapacity(volume);
    if (capacity.compare(requested) < 0 || !haveSameVolumeMode(volume, claim) || !haveSameAttributesClass(volume, claim)) continue;
    // The one that is kept for this claim: where the node does not reach it, no other will do.
    if (isPrebound) return !node || isVolumeReachable(volume, node) ? volume : undefined;
    if (!node && onlyPrebound) continue;
    if (volume.status.phase !== 'Available' || storageClassNameOf(volume) !== className) continue;
    if (selector && !selector.matches(volume.metadata.labels)) continue;
    if (node && (!isVolumeReachable(volume, node) || !offersAccessModes(volume, claim))) continue;
    if (best && bestCapacity.compare(capacity) <= 0) continue;
    best = volume;
    bestCapacity = capacity;
  }
  return best;
}

/**
 * The volume as it is when it belongs to the claim; itself when it does already.
 * @param reference of the claim
 */
export function volumeBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim, reference: ObjectReference): PersistentVolume {
  const wasKept = isBoundToClaim(volume, claim);
  if (wasKept && volume.spec.claimRef?.uid === claim.metadata.uid) return volume;
  const annotations = { ...volume.metadata.annotations, [volumeAnnotations.boundByController]: 'yes' };
  // A volume that was kept for the claim before is nobody's to take away again.
  const metadata = wasKept ? volume.metadata : { ...volume.metadata, annotations };
  return { ...volume, metadata, spec: { ...volume.spec, claimRef: reference } };
}
