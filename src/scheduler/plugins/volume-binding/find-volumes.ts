/**
 * Which volumes a pod's claims would get on one node: those they have, free ones that suit, or ones still to be made. Nothing is changed.
 * @source kube-scheduler v1.35 plugins/volumebinding/binder.go (FindPodVolumes)
 */
import {
  type corev1,
  findMatchingVolume,
  isVolumeReachable,
  noProvisioner,
  requestedStorage,
  storageClassNameOf,
  type storagev1,
  volumeAnnotations,
} from '../../../api/index.ts';
import type { Lister } from '../../../client/index.ts';
import { type Status, unresolvable } from '../../framework/index.ts';
import type { Assumed } from './assumed.ts';
import type { FreeVolumes } from './free-volumes.ts';
import type { PodClaims } from './pod-claims.ts';
import { type CapacityReaders, hasRoomFor, isTopologyAllowed } from './storage-capacity.ts';

type Volume = corev1.PersistentVolume;
type Claim = corev1.PersistentVolumeClaim;

export interface VolumeReaders extends CapacityReaders {
  readonly volumes: Assumed<Volume>;
  readonly free: FreeVolumes;
  readonly classes: Lister<storagev1.StorageClass>;
}

/** What is to be done when the pod goes to the node. */
export interface PodVolumes {
  readonly bindings: readonly { readonly claim: Claim; readonly volume: Volume }[];
  readonly provisions: readonly Claim[];
}

export const conflicts = {
  node: unresolvable("node(s) didn't match PersistentVolume's node affinity"),
  bind: unresolvable("node(s) didn't find available persistent volumes to bind"),
  space: unresolvable('node(s) did not have enough free storage'),
  missing: unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'),
  nodeAndBind: unresolvable(
    "node(s) didn't match PersistentVolume's node affinity",
    "node(s) didn't find available persistent volumes to bind",
  ),
  nodeAndSpace: unresolvable("node(s) didn't match PersistentVolume's node affinity", 'node(s) did not have enough free storage'),
} as const;

const nothing: PodVolumes = { bindings: [], provisions: [] };

export function findVolumes(claims: PodClaims, node: corev1.Node, readers: VolumeReaders): PodVolumes | Status {
  const fault = boundFault(claims.bound, node, readers);
  if (claims.unbound.length === 0) return fault ?? nothing;
  const found = findUnbound(claims.unbound, node, readers);
  if (!fault) return found;
  if (found === conflicts.bind && fault === conflicts.node) return conflicts.nodeAndBind;
  return found === conflicts.space && fault === conflicts.node ? conflicts.nodeAndSpace : fault;
}

export function isStatus(answer: PodVolumes | Status): answer is Status {
  return 'code' in answer;
}

function boundFault(bound: readonly Claim[], node: corev1.Node, { volumes }: VolumeReaders): Status | undefined {
  for (const { spec } of bound) {
    const volume = volumes.get({ name: spec.volumeName ?? '' });
    if (!volume) return conflicts.missing;
    if (!isVolumeReachable(volume, node)) return conflicts.node;
  }
  return undefined;
}

function findUnbound(unbound: readonly Claim[], node: corev1.Node, readers: VolumeReaders): PodVolumes | Status {
  const provisions: Claim[] = [];
  const unmatched: Claim[] = [];
  for (const claim of unbound) {
    const selected = claim.metadata.annotations?.[volumeAnnotations.selectedNode];
    // Somebody makes its volume for another node already.
    if (selected !== undefined && selected !== node.metadata.name) return conflicts.bind;
    (selected === undefined ? unmatched : provisions).push(claim);
  }
  const bindings: { claim: Claim; volume: Volume }[] = [];
  const excluded = new Set<string>();
  for (const claim of unmatched.sort((a, b) => requestedStorage(a).compare(requestedStorage(b)))) {
    const volumes = readers.free.of(storageClassNameOf(claim), node).map((volume) => readers.volumes.of(volume));
    const volume = findMatchingVolume({ claim, volumes, node, excluded });
    if (!volume) {
      provisions.push(claim);
      continue;
    }
    excluded.add(volume.metadata.name);
    bindings.push({ claim, volume });
  }
  return provisionFault(provisions, node, readers) ?? { bindings, provisions };
}

function provisionFault(provisions: readonly Claim[], node: corev1.Node, readers: VolumeReaders): Status | undefined {
  for (const claim of provisions) {
    const storageClass = readers.classes.get({ name: storageClassNameOf(claim) });
    if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return conflicts.bind;
    if (!isTopologyAllowed(storageClass, node)) return conflicts.bind;
    if (!hasRoomFor(claim, storageClass, node, readers)) return conflicts.space;
  }
  return undefined;
}
