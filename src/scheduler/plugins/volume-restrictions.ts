/**
 * VolumeRestrictions: disks that only one node may write to, and claims that only one pod may use at all.
 * @source kube-scheduler v1.35 plugins/volumerestrictions
 */
import type { corev1 } from '../../api/index.ts';
import {
  Action,
  type FrameworkHandle,
  type NodeInfo,
  type Plugin,
  type PluginFactory,
  type PodInfo,
  skip,
  stateKey,
  type StateKey,
  unresolvable,
  unschedulable,
} from '../framework/index.ts';

const name = 'VolumeRestrictions';
const diskTaken = unschedulable('node(s) had no available disk');
const claimTaken = unschedulable('node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode');

interface Memory {
  /** `namespace/name` of the pod's claims that one pod may use. */
  readonly exclusive: ReadonlySet<string>;
  /** How many uses of them others have. */
  uses: number;
}

const memoryKey: StateKey<Memory> = stateKey(name);

export const volumeRestrictions: PluginFactory = { name, create: (_, handle) => createVolumeRestrictions(handle) };

function createVolumeRestrictions({ listers, cluster }: FrameworkHandle): Plugin {
  const claimOf = (key: string): corev1.PersistentVolumeClaim | undefined => {
    const slash = key.indexOf('/');
    return listers.persistentVolumeClaims.get({ namespace: key.slice(0, slash), name: key.slice(slash + 1) });
  };
  const count = (memory: Memory | undefined, pod: PodInfo, sign: 1 | -1): undefined => {
    if (memory) for (const claim of pod.claims) if (memory.exclusive.has(claim)) memory.uses += sign;
  };
  return {
    name,
    events: [
      {
        resource: 'Pod',
        actions: Action.Delete,
        hint: (pod, old) => !old || disksConflict(pod, old) || claimNames(pod).some((claim) => claimNames(old).includes(claim)),
      },
      { resource: 'Node', actions: Action.Add | Action.UpdateNodeTaint },
      {
        resource: 'PersistentVolumeClaim',
        actions: Action.Add | Action.Update,
        hint: (pod, _, claim) =>
          !claim || (claim.metadata.namespace === pod.metadata.namespace && claimNames(pod).includes(claim.metadata.name)),
      },
    ],
    preFilter: (state, pod) => {
      const exclusive = new Set<string>();
      for (const key of pod.claims) {
        const claim = claimOf(key);
        if (!claim) return unresolvable(`persistentvolumeclaim "${key.slice(key.indexOf('/') + 1)}" not found`);
        if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(key);
      }
      let uses = 0;
      for (const key of exclusive) uses += Math.min(1, cluster.claimUses(key));
      if (uses === 0 && !(pod.pod.spec.volumes ?? []).some(isDisk)) return skip;
      state.write(memoryKey, { exclusive, uses });
      return undefined;
    },
    addPod: (state, _, added) => count(state.read(memoryKey), added, 1),
    removePod: (state, _, removed) => count(state.read(memoryKey), removed, -1),
    filter: (state, { pod }, node) => {
      if ((pod.spec.volumes ?? []).some(isDisk) && hasConflict(pod, node)) return diskTaken;
      return (state.read(memoryKey)?.uses ?? 0) > 0 ? claimTaken : undefined;
    },
    explain: (state) =>
      (state.read(memoryKey)?.uses ?? 0) > 0 ? ['delete the pod that uses the ReadWriteOncePod claim'] : ['free the disk on the node'],
  };
}

function claimNames({ spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: corev1.Volume): boolean {
  return Boolean(gcePersistentDisk ?? awsElasticBlockStore ?? rbd ?? iscsi);
}

function hasConflict(pod: corev1.Pod, node: NodeInfo): boolean {
  for (const other of node.pods()) if (disksConflict(pod, other.pod)) return true;
  return false;
}

function disksConflict(pod: corev1.Pod, other: corev1.Pod): boolean {
  const disks = (pod.spec.volumes ?? []).filter(isDisk);
  return disks.some((disk) => (other.spec.volumes ?? []).some((held) => isDisk(held) && isSameDisk(disk, held)));
}

/** Whether both cannot be used on one node. Readers share, but for EBS. */
function isSameDisk(a: corev1.Volume, b: corev1.Volume): boolean {
  if (a.gcePersistentDisk && b.gcePersistentDisk) {
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !(a.gcePersistentDisk.readOnly && b.gcePersistentDisk.readOnly);
  }
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly && b.iscsi.readOnly);
  if (!a.rbd || !b.rbd) return false;
  const { monitors, pool, image, readOnly } = b.rbd;
  const isSame = a.rbd.monitors.some((one) => monitors.includes(one)) && a.rbd.pool === pool && a.rbd.image === image;
  return isSame && !(a.rbd.readOnly && readOnly);
}
