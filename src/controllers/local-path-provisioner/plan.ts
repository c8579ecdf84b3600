/**
 * What the local-path provisioner does about a claim: nothing, a volume on the node that the scheduler chose, or a refusal. Pure.
 * @source sig-storage-lib-external-provisioner (shouldProvision, provisionClaimOperation) and its names of volumes and events
 */
import { type corev1, localPath, storageClassNameOf, type storagev1, type Unsaved, volumeAnnotations } from '../../api/index.ts';
import { referenceTo } from '../../client/index.ts';

export interface ProvisioningWorld {
  readonly claim: corev1.PersistentVolumeClaim;
  readonly storageClass: storagev1.StorageClass | undefined;
  /** The node that the scheduler chose; undefined when there is no such node. */
  readonly node: corev1.Node | undefined;
  /** Where that node has its directories; undefined when it has none. */
  readonly directory: string | undefined;
}

export type ProvisioningPlan =
  | { readonly type: 'nothing' }
  | { readonly type: 'make'; readonly volume: Unsaved<corev1.PersistentVolume> }
  /** @property reschedule the scheduler is asked for another node */
  | { readonly type: 'refuse'; readonly message: string; readonly reschedule: boolean };

const hostnameLabel = 'kubernetes.io/hostname';
const reachableModes: ReadonlySet<string> = new Set(['ReadWriteOnce', 'ReadWriteOncePod']);

export function planProvisioning(world: ProvisioningWorld): ProvisioningPlan {
  const { claim, storageClass, node, directory } = world;
  if (!isOurs(claim) || claim.spec.volumeName || claim.metadata.deletionTimestamp !== undefined) return { type: 'nothing' };
  if (storageClass?.provisioner !== localPath.provisioner) return { type: 'nothing' };
  const refuse = (why: string, reschedule = false): ProvisioningPlan => ({
    type: 'refuse',
    message: `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`,
    reschedule,
  });
  const { spec, metadata } = claim;
  if (spec.selector) return refuse('claim.Spec.Selector is not supported');
  if (spec.dataSource ?? spec.dataSourceRef) return refuse('volumes cannot be made from another one');
  if (spec.volumeMode === 'Block') return refuse('volumeMode Block is not supported');
  if (spec.volumeAttributesClassName) return refuse('VolumeAttributesClasses are not supported');
  if (!spec.accessModes?.every((mode) => reachableModes.has(mode))) {
    return refuse('only the access modes ReadWriteOnce and ReadWriteOncePod are supported');
  }
  const nodeName = metadata.annotations?.[volumeAnnotations.selectedNode];
  if (nodeName === undefined) {
    // A class that binds at once cannot know where the first pod will be.
    return storageClass.volumeBindingMode === 'WaitForFirstConsumer' ? { type: 'nothing' } : refuse('no node was specified');
  }
  if (!node || directory === undefined) return refuse(`node "${nodeName}" has no local paths`, true);
  return { type: 'make', volume: volumeFor(claim, storageClass, node, directory) };
}

export function isOurs({ metadata }: corev1.PersistentVolumeClaim): boolean {
  const { storageProvisioner, betaStorageProvisioner } = volumeAnnotations;
  return (metadata.annotations?.[storageProvisioner] ?? metadata.annotations?.[betaStorageProvisioner]) === localPath.provisioner;
}

function volumeFor(
  claim: corev1.PersistentVolumeClaim,
  storageClass: storagev1.StorageClass,
  node: corev1.Node,
  directory: string,
): Unsaved<corev1.PersistentVolume> {
  const { uid, namespace, name } = claim.metadata;
  // The API knows no other values.
  const reclaimPolicy = (storageClass.reclaimPolicy ?? 'Delete') as 'Delete' | 'Retain';
  const hostname = node.metadata.labels?.[hostnameLabel] ?? node.metadata.name;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: `pvc-${uid}`,
      labels: { [localPath.nodeLabel]: node.metadata.name },
      annotations: { [volumeAnnotations.provisionedBy]: localPath.provisioner },
      ...(reclaimPolicy === 'Delete' && { finalizers: [localPath.finalizer] }),
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '0' },
      accessModes: claim.spec.accessModes ?? [],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: storageClassNameOf(claim),
      claimRef: referenceTo(claim),
      local: { path: `${directory}/pvc-${uid}_${namespace}_${name}` },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }] },
      },
      ...(storageClass.mountOptions && { mountOptions: storageClass.mountOptions }),
    },
  };
}
