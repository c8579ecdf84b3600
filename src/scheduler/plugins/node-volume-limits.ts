/**
 * NodeVolumeLimits: a node attaches no more volumes of a CSI driver than its CSINode says. Counted are the volumes of its pods and those
 * that are attached to it already, each once.
 * @source kube-scheduler v1.35 plugins/nodevolumelimits/csi.go
 */
import { type corev1, storageClassNameOf, type storagev1 } from '../../api/index.ts';
import { Action, type FrameworkHandle, type NodeInfo, type Plugin, type PluginFactory, skip, unschedulable } from '../framework/index.ts';

const name = 'NodeVolumeLimits';
const full = unschedulable('node(s) exceed max volume count');
const attachmentByNode = 'node';

/** Driver by the name of a volume that is the same wherever it is counted. */
type Attachables = Map<string, string>;

export const nodeVolumeLimits: PluginFactory = { name, create: (_, handle) => createNodeVolumeLimits(handle) };

function createNodeVolumeLimits({ listers }: FrameworkHandle): Plugin {
  const { csiNodes, persistentVolumes, persistentVolumeClaims, storageClasses, volumeAttachments } = listers;
  volumeAttachments.addIndex(attachmentByNode, ({ spec }) => [spec.nodeName]);

  const addClaimed = (pod: corev1.Pod, counted: Attachables, limits: ReadonlyMap<string, number>): void => {
    const { namespace } = pod.metadata;
    for (const { name: volume, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
      const claimName = persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name}-${volume}`);
      const claim = claimName === undefined ? undefined : persistentVolumeClaims.get({ namespace, name: claimName });
      if (!claim) continue;
      const found = attachable(claim);
      if (found && limits.has(found.driver)) counted.set(found.name, found.driver);
    }
  };

  const attachable = (claim: corev1.PersistentVolumeClaim): { readonly name: string; readonly driver: string } | undefined => {
    const volume = claim.spec.volumeName ? persistentVolumes.get({ name: claim.spec.volumeName }) : undefined;
    if (volume) return volume.spec.csi && { name: volumeName(volume.spec.csi), driver: volume.spec.csi.driver };
    // Its volume will come from the class's driver, and will be its own.
    const driver = storageClasses.get({ name: storageClassNameOf(claim) })?.provisioner;
    return driver === undefined ? undefined : { name: `${driver}^unbound/${claim.metadata.uid}`, driver };
  };

  const attachedTo = (node: NodeInfo, limits: ReadonlyMap<string, number>): Attachables => {
    const attached: Attachables = new Map();
    for (const { pod } of node.pods()) addClaimed(pod, attached, limits);
    for (const { spec } of volumeAttachments.byIndex(attachmentByNode, node.name)) {
      if (!limits.has(spec.attacher)) continue;
      const csi = spec.source.inlineVolumeSpec?.csi ?? persistentVolumes.get({ name: spec.source.persistentVolumeName ?? '' })?.spec.csi;
      if (csi) attached.set(volumeName(csi), spec.attacher);
    }
    return attached;
  };

  return {
    name,
    events: [
      { resource: 'storage.k8s.io/CSINode', actions: Action.Add | Action.Update },
      { resource: 'Pod', actions: Action.Delete, hint: (_, old) => !old || usesClaims(old) },
      {
        resource: 'PersistentVolumeClaim',
        actions: Action.Add,
        hint: (pod, _, claim) => !claim || claim.metadata.namespace === pod.metadata.namespace,
      },
      { resource: 'storage.k8s.io/VolumeAttachment', actions: Action.Delete },
    ],
    preFilter: (_, { pod }) => (usesClaims(pod) ? undefined : skip),
    filter: (_, { pod }, node) => {
      const limits = limitsOf(csiNodes.get({ name: node.name }));
      if (limits.size === 0) return undefined;
      const wanted: Attachables = new Map();
      addClaimed(pod, wanted, limits);
      if (wanted.size === 0) return undefined;
      return exceeds(wanted, attachedTo(node, limits), limits) ? full : undefined;
    },
    explain: () => ['delete a pod with volumes of the same driver on the node'],
  };
}

function usesClaims({ spec }: corev1.Pod): boolean {
  return (spec.volumes ?? []).some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral);
}

function limitsOf(csiNode: storagev1.CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name: driver, allocatable } of csiNode?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(driver, allocatable.count);
  }
  return limits;
}

function volumeName({ driver, volumeHandle }: corev1.CSIPersistentVolumeSource): string {
  return `${driver}^${volumeHandle}`;
}

function exceeds(wanted: Attachables, attached: Attachables, limits: ReadonlyMap<string, number>): boolean {
  const counts = new Map<string, number>();
  for (const driver of attached.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  for (const [volume, driver] of wanted) {
    if (attached.has(volume)) continue;
    const count = (counts.get(driver) ?? 0) + 1;
    counts.set(driver, count);
    if (count > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return true;
  }
  return false;
}
