/**
 * VolumeZone: a volume that is labelled with a zone or region is reached from nodes of that zone or region.
 * @source kube-scheduler v1.35 plugins/volumezone
 */
import { type corev1, storageClassNameOf, waitsForConsumer } from '../../api/index.ts';
import {
  Action,
  type FrameworkHandle,
  type Plugin,
  type PluginFactory,
  skip,
  stateKey,
  type StateKey,
  type Status,
  unresolvable,
} from '../framework/index.ts';

const name = 'VolumeZone';
const elsewhere = unresolvable('node(s) had no available volume zone');

/** The labels of old, with those that nodes have today. */
const topologyLabels: ReadonlyMap<string, string> = new Map([
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
]);

interface Place {
  readonly label: string;
  readonly values: ReadonlySet<string>;
}

const placesKey: StateKey<readonly Place[]> = stateKey(name);

export const volumeZone: PluginFactory = { name, create: (_, handle) => createVolumeZone(handle) };

function createVolumeZone({ listers }: FrameworkHandle): Plugin {
  const placesOf = (pod: corev1.Pod): Place[] | Status => {
    const places: Place[] = [];
    for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue;
      const volume = volumeOf(pod, persistentVolumeClaim.claimName);
      if (!volume) continue;
      if ('code' in volume) return volume;
      places.push(...volumePlaces(volume));
    }
    return places;
  };

  /** Undefined: its class waits for the pod. */
  const volumeOf = (pod: corev1.Pod, claimName: string): corev1.PersistentVolume | Status | undefined => {
    const claim = listers.persistentVolumeClaims.get({ namespace: pod.metadata.namespace, name: claimName });
    if (!claim) return unresolvable(`persistentvolumeclaim "${claimName}" not found`);
    const { volumeName } = claim.spec;
    if (volumeName) {
      return listers.persistentVolumes.get({ name: volumeName }) ?? unresolvable(`persistentvolume "${volumeName}" not found`);
    }
    const className = storageClassNameOf(claim);
    if (className === '') return unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
    const storageClass = listers.storageClasses.get({ name: className });
    if (!storageClass) return unresolvable(`storageclass.storage.k8s.io "${className}" not found`);
    return waitsForConsumer(storageClass) ? undefined : unresolvable('PersistentVolume had no name');
  };

  return {
    name,
    events: [
      { resource: 'storage.k8s.io/StorageClass', actions: Action.Add },
      { resource: 'Node', actions: Action.Add | Action.UpdateNodeLabel | Action.UpdateNodeTaint },
      {
        resource: 'PersistentVolumeClaim',
        actions: Action.Add | Action.Update,
        hint: (pod, _, claim) =>
          !claim ||
          (claim.metadata.namespace === pod.metadata.namespace &&
            (pod.spec.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim.metadata.name)),
      },
      { resource: 'PersistentVolume', actions: Action.Add | Action.Update },
    ],
    preFilter: (state, { pod, claims }) => {
      if (claims.length === 0) return skip;
      const places = placesOf(pod);
      if ('code' in places) return places;
      if (places.length === 0) return skip;
      state.write(placesKey, places);
      return undefined;
    },
    filter: (state, _, { labels = {} }) => {
      // A node without any place is taken to be everywhere: such clusters are of one zone.
      if (![...topologyLabels.keys()].some((label) => labels[label] !== undefined)) return undefined;
      const isThere = ({ label, values }: Place): boolean => values.has(labels[label] ?? labels[topologyLabels.get(label) ?? label] ?? '');
      return state.read(placesKey)?.every(isThere) === false ? elsewhere : undefined;
    },
    explain: (state) =>
      (state.read(placesKey) ?? []).map(({ label, values }) => `use a node with label ${label} in (${[...values].join(', ')})`),
  };
}

/** Several places are joined by two underscores. */
function volumePlaces({ metadata }: corev1.PersistentVolume): Place[] {
  return [...topologyLabels.keys()].flatMap((label) => {
    const value = metadata.labels?.[label];
    return value === undefined ? [] : [{ label, values: new Set(value.split('__').map((one) => one.trim())) }];
  });
}
