/**
 * Whether a driver has room for a volume where a node can reach it, as far as its CSIStorageCapacity objects tell. Pure but for the caches.
 * @source kube-scheduler v1.35 plugins/volumebinding/binder.go (hasEnoughCapacity), component-helpers MatchTopologySelectorTerms
 */
import { type corev1, labelSelectorMatcher, parseQuantity, requestedStorage, type storagev1 } from '../../../api/index.ts';
import type { Lister } from '../../../client/index.ts';

export const capacityByClass = 'storage class';

export interface CapacityReaders {
  readonly drivers: Lister<storagev1.CSIDriver>;
  /** With the index `capacityByClass`. */
  readonly capacities: Lister<storagev1.CSIStorageCapacity>;
}

export function hasRoomFor(
  claim: corev1.PersistentVolumeClaim,
  storageClass: storagev1.StorageClass,
  node: Pick<corev1.Node, 'metadata'>,
  { drivers, capacities }: CapacityReaders,
): boolean {
  const requested = requestedStorage(claim);
  if (requested.value() === 0) return true;
  // A driver that does not say how much it has is taken at its word when it is asked for a volume.
  if (drivers.get({ name: storageClass.provisioner })?.spec.storageCapacity !== true) return true;
  return capacities.byIndex(capacityByClass, storageClass.metadata.name).some(({ capacity, maximumVolumeSize, nodeTopology }) => {
    const limit = maximumVolumeSize ?? capacity;
    if (limit === undefined || parseQuantity(limit).compare(requested) < 0) return false;
    return nodeTopology !== undefined && labelSelectorMatcher(nodeTopology).matches(node.metadata.labels);
  });
}

/** Whether the class makes volumes where the node is. */
export function isTopologyAllowed({ allowedTopologies }: storagev1.StorageClass, { metadata }: Pick<corev1.Node, 'metadata'>): boolean {
  if (!allowedTopologies?.length) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => {
      const value = metadata.labels?.[key];
      return value !== undefined && values.includes(value);
    }),
  );
}
