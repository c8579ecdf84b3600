/**
 * What is to be done about a claim: bind it, wait, have a volume provisioned, or say that its volume is lost. Pure: what is known goes in,
 * one step comes out.
 * @source pkg/controller/volume/persistentvolume/pv_controller.go (syncClaim), v1.35
 */
import {
  type corev1,
  findMatchingVolume,
  hasStorageClass,
  isBoundToClaim,
  isProvisioningWanted,
  offersAccessModes,
  storageClassNameOf,
  type storagev1,
  volumeAnnotations,
  waitsForConsumer,
  whyUnsuitable,
} from '../../api/index.ts';
import type { RecordedEvent } from '../../client/index.ts';

export interface ClaimWorld {
  readonly claim: corev1.PersistentVolumeClaim;
  /** The volume that the claim names. */
  readonly named: corev1.PersistentVolume | undefined;
  /** Volumes that are kept for the claim, and free ones of its class. */
  readonly candidates: readonly corev1.PersistentVolume[];
  /** Names of volumes that another claim is being bound to. */
  readonly taken: ReadonlySet<string>;
  /** The class that the claim names, if there is such a class. */
  readonly storageClass: storagev1.StorageClass | undefined;
  /** The class of claims that name none. */
  readonly defaultClass: string | undefined;
  /** Names of pods without a node that use the claim. */
  readonly waitingPods: readonly string[];
}

export type ClaimPlan =
  | { readonly type: 'bind'; readonly volume: corev1.PersistentVolume }
  | { readonly type: 'setClass'; readonly className: string }
  /** The class's provisioner is asked to make a volume. */
  | { readonly type: 'provision'; readonly provisioner: string }
  /** The claim stays, or becomes, Pending. */
  | { readonly type: 'wait'; readonly event?: RecordedEvent }
  /** Only said: nothing of the claim is touched. */
  | { readonly type: 'tell'; readonly event: RecordedEvent }
  | { readonly type: 'lose'; readonly event: RecordedEvent };

export function planClaim(world: ClaimWorld): ClaimPlan {
  const { claim } = world;
  if (claim.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined) return planBound(world);
  return claim.spec.volumeName ? planNamed(world) : planUnbound(world);
}

function planUnbound(world: ClaimWorld): ClaimPlan {
  const { claim, storageClass, defaultClass, taken } = world;
  const onlyPrebound = waitsForConsumer(storageClass);
  for (const volumes of byAccessModes(world.candidates, claim)) {
    const volume = findMatchingVolume({ claim, volumes, excluded: taken, onlyPrebound });
    if (volume) return { type: 'bind', volume };
  }
  if (!hasStorageClass(claim) && defaultClass !== undefined) return { type: 'setClass', className: defaultClass };
  if (onlyPrebound && !isProvisioningWanted(claim)) return { type: 'wait', event: waitingFor(world.waitingPods) };
  const className = storageClassNameOf(claim);
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { type: 'wait', event: { type: 'Normal', reason: 'FailedBinding', message } };
  }
  return planProvisioning(className, storageClass);
}

/** Candidates with the access modes of the claim, those with the fewest other ones first. */
function byAccessModes(candidates: readonly corev1.PersistentVolume[], claim: corev1.PersistentVolumeClaim): corev1.PersistentVolume[][] {
  const groups = new Map<string, corev1.PersistentVolume[]>();
  for (const volume of candidates) {
    if (!offersAccessModes(volume, claim)) continue;
    const key = [...(volume.spec.accessModes ?? [])].sort().join();
    const group = groups.get(key);
    if (group) group.push(volume);
    else groups.set(key, [volume]);
  }
  const modeCount = (group: readonly corev1.PersistentVolume[]): number => group[0]?.spec.accessModes?.length ?? 0;
  return [...groups.values()].sort((a, b) => modeCount(a) - modeCount(b));
}

function planProvisioning(className: string, storageClass: storagev1.StorageClass | undefined): ClaimPlan {
  const failed = (message: string): ClaimPlan => ({ type: 'tell', event: { type: 'Warning', reason: 'ProvisioningFailed', message } });
  if (!storageClass) return failed(`storageclass.storage.k8s.io "${className}" not found`);
  const { provisioner } = storageClass;
  // Nobody outside may take a name of the project's own; inside there is no provisioner left.
  if (provisioner.startsWith('kubernetes.io/')) return failed(`no volume plugin matched name: ${provisioner}`);
  return { type: 'provision', provisioner };
}

function waitingFor(pods: readonly string[]): RecordedEvent {
  if (pods.length === 0) {
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' };
  }
  return {
    type: 'Normal',
    reason: 'WaitForPodScheduled',
    message: `waiting for ${pods.length > 1 ? 'pods' : 'pod'} ${pods.join(',')} to be scheduled`,
  };
}

/** The user, or the scheduler, has chosen the volume. */
function planNamed({ claim, named }: ClaimWorld): ClaimPlan {
  if (!named) return { type: 'wait' };
  const { name } = named.metadata;
  if (!named.spec.claimRef) {
    const why = whyUnsuitable(named, claim);
    if (why === undefined) return { type: 'bind', volume: named };
    const message = `Cannot bind to requested volume "${name}": ${why}`;
    return { type: 'wait', event: { type: 'Warning', reason: 'VolumeMismatch', message } };
  }
  if (isBoundToClaim(named, claim)) return { type: 'bind', volume: named };
  const event: RecordedEvent = {
    type: 'Warning',
    reason: 'FailedBinding',
    message: `volume "${name}" already bound to a different claim.`,
  };
  return claim.metadata.annotations?.[volumeAnnotations.boundByController] === undefined
    ? { type: 'wait', event }
    : { type: 'tell', event };
}

function planBound({ claim, named }: ClaimWorld): ClaimPlan {
  const lost = (reason: string, message: string): ClaimPlan => ({ type: 'lose', event: { type: 'Warning', reason, message } });
  if (!claim.spec.volumeName) {
    return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  }
  if (!named) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const { claimRef } = named.spec;
  if (!claimRef || claimRef.uid === claim.metadata.uid) return { type: 'bind', volume: named };
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}
