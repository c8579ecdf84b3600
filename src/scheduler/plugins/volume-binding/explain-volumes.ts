/** Says of claims why a pod that uses them cannot go to a node, and what would change that. For people; no cycle asks it. */
import {
  type corev1,
  isVolumeReachable,
  noProvisioner,
  storageClassNameOf,
  type storagev1,
  volumeAnnotations,
} from '../../../api/index.ts';
import type { Lister } from '../../../client/index.ts';
import { conflicts, findVolumes, isStatus, type VolumeReaders } from './find-volumes.ts';
import type { PodClaims } from './pod-claims.ts';

type Claim = corev1.PersistentVolumeClaim;

/** Each claim that is in the way by itself, and what the node would need. */
export function explainVolumes({ bound, unbound }: PodClaims, node: corev1.Node, readers: VolumeReaders): readonly string[] {
  const alone = unbound.flatMap((claim) => {
    const found = findVolumes({ bound: [], unbound: [claim], waiting: [] }, node, readers);
    return isStatus(found) ? [unboundAdvice(claim, found === conflicts.space, node, readers)] : [];
  });
  const advice = [...bound.flatMap((claim) => boundAdvice(claim, node, readers)), ...alone];
  const together = advice.length === 0 && isStatus(findVolumes({ bound, unbound, waiting: [] }, node, readers));
  // Each would find a volume, but there are not enough for all of them.
  return together ? [`offer more volumes that node ${node.metadata.name} reaches, one for each of its claims`] : advice;
}

/** Claims that must be bound before the pod is looked at. */
export function explainWaiting(waiting: readonly Claim[], classes: Lister<storagev1.StorageClass>): readonly string[] {
  return waiting.map((claim) => {
    const { volumeName } = claim.spec;
    if (volumeName) return `wait until volume ${volumeName} is bound to claim ${nameOf(claim)}`;
    const className = storageClassNameOf(claim);
    const storageClass = classes.get({ name: className });
    if (className === '') return `bind claim ${nameOf(claim)}: create a volume without a class that it can have`;
    if (!storageClass) return `create storage class ${className}, or a volume of it, for claim ${nameOf(claim)}`;
    return storageClass.provisioner === noProvisioner
      ? `bind claim ${nameOf(claim)}: create a volume of class ${className}`
      : `bind claim ${nameOf(claim)}: ${storageClass.provisioner} has not made its volume`;
  });
}

function boundAdvice(claim: Claim, node: corev1.Node, { volumes }: VolumeReaders): readonly string[] {
  const { volumeName = '' } = claim.spec;
  const volume = volumes.get({ name: volumeName });
  if (!volume) return [`restore volume ${volumeName} of claim ${nameOf(claim)}`];
  return isVolumeReachable(volume, node)
    ? []
    : [`use a node that reaches volume ${volumeName} of claim ${nameOf(claim)}: ${placeOf(volume)}`];
}

function unboundAdvice(claim: Claim, isFull: boolean, node: corev1.Node, { classes }: VolumeReaders): string {
  const className = storageClassNameOf(claim);
  const selected = claim.metadata.annotations?.[volumeAnnotations.selectedNode];
  if (selected !== undefined && selected !== node.metadata.name)
    return `use node ${selected}, where the volume of claim ${nameOf(claim)} is being made`;
  if (isFull) return `free storage of class ${className} for claim ${nameOf(claim)} where node ${node.metadata.name} reaches it`;
  const storageClass = classes.get({ name: className });
  const makes = storageClass && storageClass.provisioner !== noProvisioner;
  return makes
    ? `use a node that the allowedTopologies of class ${className} name, for claim ${nameOf(claim)}`
    : `create a volume of class ${className} for claim ${nameOf(claim)} that node ${node.metadata.name} reaches`;
}

/** Of several terms one is enough. */
function placeOf({ spec }: corev1.PersistentVolume): string {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const text = ({ key, operator, values = [] }: corev1.NodeSelectorRequirement): string =>
    values.length === 0 ? `${key} ${operator}` : `${key} ${operator} (${values.join(', ')})`;
  return terms
    .map(({ matchExpressions = [], matchFields = [] }) => [...matchExpressions, ...matchFields].map(text).join(' and '))
    .join(', or ');
}

function nameOf({ metadata }: Claim): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
