/**
 * Changes in the cluster that can make a waiting pod fit: which resource, and what happened to it. A plugin names those that can lift its
 * rejections, and may look closer by a hint.
 * @source kube-scheduler v1.35 framework/types.go (EventResource, ActionType)
 */
import type { corev1, storagev1 } from '../../api/index.ts';

/** What happened, as bits that can be joined by `|`. */
export const Action = {
  Add: 1,
  Delete: 1 << 1,
  UpdateNodeAllocatable: 1 << 2,
  UpdateNodeLabel: 1 << 3,
  /** Taints or `spec.unschedulable`. */
  UpdateNodeTaint: 1 << 4,
  UpdateNodeCondition: 1 << 5,
  UpdateNodeAnnotation: 1 << 6,
  UpdateNodeDeclaredFeature: 1 << 7,
  UpdatePodLabel: 1 << 8,
  /** Some request became smaller. */
  UpdatePodScaleDown: 1 << 9,
  UpdatePodToleration: 1 << 10,
  /** The last gate was lifted. */
  UpdatePodSchedulingGatesEliminated: 1 << 11,
  UpdatePodGeneratedResourceClaim: 1 << 12,
  /** Every update, of any resource. */
  Update: 0b1_1111_1111_1100,
  All: 0b1_1111_1111_1111,
} as const;

/** The object that an event of each resource is about. */
export interface EventObjects {
  /** A pod with a node, or the waiting pod itself. */
  Pod: corev1.Pod;
  Node: corev1.Node;
  PersistentVolume: corev1.PersistentVolume;
  PersistentVolumeClaim: corev1.PersistentVolumeClaim;
  'storage.k8s.io/CSINode': storagev1.CSINode;
  'storage.k8s.io/CSIDriver': storagev1.CSIDriver;
  'storage.k8s.io/VolumeAttachment': storagev1.VolumeAttachment;
  'storage.k8s.io/CSIStorageCapacity': storagev1.CSIStorageCapacity;
  'storage.k8s.io/StorageClass': storagev1.StorageClass;
  /** Everything. */
  '*': unknown;
}

export type EventResource = keyof EventObjects;

export interface ClusterEvent {
  readonly resource: EventResource;
  /** Bits of `Action`. */
  readonly actions: number;
  /** Instead of resource and action, in logs and metrics. */
  readonly label?: string;
}

interface Registration<R extends EventResource> {
  readonly resource: R;
  /** Bits of `Action`. */
  readonly actions: number;
  /**
   * Whether the event may make this waiting pod fit; default: yes. `old` is missing when the object is new, `current` when it is gone.
   * What it throws counts as yes.
   */
  readonly hint?: (pod: corev1.Pod, old: EventObjects[R] | undefined, current: EventObjects[R] | undefined) => boolean;
}

/** What a plugin wants to hear of. */
export type EventRegistration = { [R in EventResource]: Registration<R> }[EventResource];

/** Whether a registration for `wanted` hears of `happened`. */
export function eventMatches(wanted: ClusterEvent, happened: ClusterEvent): boolean {
  const sameResource = wanted.resource === '*' || happened.resource === '*' || wanted.resource === happened.resource;
  return sameResource && (wanted.actions & happened.actions) !== 0;
}
