/**
 * VolumeBinding: a pod goes only where its volumes are or can be. Claims of classes that wait for their first pod get their volume, or their
 * provisioner its order, when the pod has its node; the pod is bound when its claims are.
 * @source kube-scheduler v1.35 plugins/volumebinding
 */
import { type corev1, volumeAnnotations, volumeBoundTo } from '../../../api/index.ts';
import { referenceTo } from '../../../client/index.ts';
import {
  Action,
  type ClusterView,
  errorStatus,
  type EventRegistration,
  type FrameworkHandle,
  type Plugin,
  type PluginFactory,
  type PreFilterNodes,
  skip,
  stateKey,
  type StateKey,
  unresolvable,
} from '../../framework/index.ts';
import { Assumed } from './assumed.ts';
import { VolumeBinder } from './bind-volumes.ts';
import { explainVolumes, explainWaiting } from './explain-volumes.ts';
import { findVolumes, isStatus, type PodVolumes, type VolumeReaders } from './find-volumes.ts';
import { FreeVolumes, hostnamesOf } from './free-volumes.ts';
import { podClaims, type PodClaims, usesClaims } from './pod-claims.ts';
import { capacityByClass } from './storage-capacity.ts';

export interface VolumeBindingArgs {
  /** How long binder and provisioners have; default 600. */
  readonly bindTimeoutSeconds: number;
}

const name = 'VolumeBinding';
const unboundImmediate = unresolvable('pod has unbound immediate PersistentVolumeClaims');

interface Memory {
  readonly claims: PodClaims;
  /** What was assumed on reserving. */
  volumes?: PodVolumes;
}

const memoryKey: StateKey<Memory> = stateKey(name);

const addedOrUpdated = Action.Add | Action.Update;
const events: readonly EventRegistration[] = [
  { resource: 'storage.k8s.io/StorageClass', actions: addedOrUpdated },
  { resource: 'PersistentVolumeClaim', actions: addedOrUpdated, hint: (pod, _, claim) => !claim || namesClaim(pod, claim) },
  { resource: 'PersistentVolume', actions: addedOrUpdated, hint: usesClaims },
  { resource: 'Node', actions: Action.Add | Action.UpdateNodeLabel | Action.UpdateNodeTaint },
  { resource: 'storage.k8s.io/CSINode', actions: addedOrUpdated },
  { resource: 'storage.k8s.io/CSIDriver', actions: addedOrUpdated },
  { resource: 'storage.k8s.io/CSIStorageCapacity', actions: addedOrUpdated },
];

export const volumeBinding: PluginFactory<VolumeBindingArgs> = {
  name,
  defaultArgs: ({ bindTimeoutSeconds }) => ({ bindTimeoutSeconds: typeof bindTimeoutSeconds === 'number' ? bindTimeoutSeconds : 600 }),
  validateArgs: ({ bindTimeoutSeconds }) =>
    bindTimeoutSeconds < 0
      ? [
          {
            path: 'bindTimeoutSeconds',
            message: `Invalid value: ${bindTimeoutSeconds}: invalid BindTimeoutSeconds, should not be a negative value`,
          },
        ]
      : [],
  create: createVolumeBinding,
};

function createVolumeBinding({ bindTimeoutSeconds }: VolumeBindingArgs, handle: FrameworkHandle): Plugin {
  const { listers, client, clock, cluster } = handle;
  listers.csiStorageCapacities.addIndex(capacityByClass, ({ storageClassName }) => [storageClassName]);
  const claims = new Assumed(listers.persistentVolumeClaims);
  const volumes = new Assumed(listers.persistentVolumes);
  const readers: VolumeReaders = {
    volumes,
    free: new FreeVolumes(listers.persistentVolumes),
    classes: listers.storageClasses,
    drivers: listers.csiDrivers,
    capacities: listers.csiStorageCapacities,
  };
  const binder = new VolumeBinder({
    client,
    clock,
    cluster,
    volumes: listers.persistentVolumes,
    claims: listers.persistentVolumeClaims,
    timeoutMs: bindTimeoutSeconds * 1000,
  });

  return {
    name,
    events,
    preFilter: (state, { pod }) => {
      if (!usesClaims(pod)) return skip;
      const found = podClaims(pod, { claims, classes: listers.storageClasses });
      if (typeof found === 'string') return unresolvable(found);
      if (found.waiting.length > 0) return unboundImmediate;
      state.write(memoryKey, { claims: found });
      return eligibleNodes(found, volumes, cluster);
    },
    filter: (state, _, { node }) => {
      const memory = state.read(memoryKey);
      if (!memory) return undefined;
      const found = findVolumes(memory.claims, node, readers);
      return isStatus(found) ? found : undefined;
    },
    explain: (state, _, { node }) => {
      const memory = state.read(memoryKey);
      return memory ? explainVolumes(memory.claims, node, readers) : [];
    },
    explainPreFilter: ({ pod }) => {
      const found = podClaims(pod, { claims, classes: listers.storageClasses });
      return typeof found === 'string' ? [] : explainWaiting(found.waiting, listers.storageClasses);
    },
    reserve: (state, _, nodeName) => {
      const memory = state.read(memoryKey);
      const info = cluster.node(nodeName);
      if (!memory || !info) return undefined;
      // Nothing has changed since the filter: a cycle does not wait.
      const found = findVolumes(memory.claims, info.node, readers);
      if (isStatus(found)) return found;
      const chosen = withChanges(found, nodeName);
      for (const { volume } of chosen.bindings) volumes.assume(volume);
      for (const claim of chosen.provisions) claims.assume(claim);
      memory.volumes = chosen;
      return undefined;
    },
    unreserve: (state) => {
      const chosen = state.read(memoryKey)?.volumes;
      for (const { volume } of chosen?.bindings ?? []) volumes.restore(volume);
      for (const claim of chosen?.provisions ?? []) claims.restore(claim);
    },
    preBindPreFlight: (state) => (hasWork(state.read(memoryKey)) ? undefined : skip),
    preBind: async (state, { pod }, nodeName, signal) => {
      const chosen = state.read(memoryKey)?.volumes;
      if (!chosen || !hasWork({ volumes: chosen })) return undefined;
      try {
        await binder.bind(pod, nodeName, chosen, signal);
        return undefined;
      } catch (error) {
        signal.throwIfAborted();
        return errorStatus(error);
      }
    },
  };
}

function hasWork(memory: Pick<Memory, 'volumes'> | undefined): boolean {
  return memory?.volumes !== undefined && memory.volumes.bindings.length + memory.volumes.provisions.length > 0;
}

/** Bound local volumes leave few nodes in question, as far as nodes are called like their hosts. */
function eligibleNodes({ bound }: PodClaims, volumes: Assumed<corev1.PersistentVolume>, cluster: ClusterView): PreFilterNodes | undefined {
  let nodes: Set<string> | undefined;
  for (const { spec } of bound) {
    const volume = volumes.get({ name: spec.volumeName ?? '' });
    const names = volume?.spec.local && hostnamesOf(volume);
    if (!names?.every((one) => cluster.node(one))) continue;
    nodes = nodes ? new Set(names.filter((one) => nodes?.has(one))) : new Set(names);
  }
  return nodes && { nodes };
}

/** The objects as they will be written. */
function withChanges({ bindings, provisions }: PodVolumes, nodeName: string): PodVolumes {
  return {
    bindings: bindings.map(({ claim, volume }) => ({ claim, volume: volumeBoundTo(volume, claim, referenceTo(claim)) })),
    provisions: provisions.map((claim) => {
      const annotations = { ...claim.metadata.annotations, [volumeAnnotations.selectedNode]: nodeName };
      return { ...claim, metadata: { ...claim.metadata, annotations } };
    }),
  };
}

function namesClaim({ metadata, spec }: corev1.Pod, claim: corev1.PersistentVolumeClaim): boolean {
  if (claim.metadata.namespace !== metadata.namespace) return false;
  return (spec.volumes ?? []).some(({ name: volume, persistentVolumeClaim, ephemeral }) =>
    persistentVolumeClaim
      ? persistentVolumeClaim.claimName === claim.metadata.name
      : ephemeral !== undefined && `${metadata.name}-${volume}` === claim.metadata.name,
  );
}
