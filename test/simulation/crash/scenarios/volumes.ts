/** StatefulSets whose pods have claims, and volumes that somebody made beforehand; claims are deleted while pods use them. */
import { appsv1Resources, type corev1, corev1Resources, storagev1Resources } from '../../../../src/api/index.ts';
import { boundVolumes } from '../checks/volumes.ts';
import type { CheckedKind, History } from '../history.ts';
import {
  app,
  connect,
  cutOff,
  deletePod,
  describe,
  expectGone,
  isUp,
  namespace,
  podsOwnedBy,
  scale,
  type Scenario,
  selector,
  template,
} from '../scenario.ts';
import type { World } from '../world.ts';

const className = 'manual';
const volumeCount = 12;
const { persistentvolumes, persistentvolumeclaims } = corev1Resources;

/** It stays until no pod uses it. */
async function deleteClaim({ client, history, random, signal }: World): Promise<void> {
  const all = [...history.all('PersistentVolumeClaim')];
  const claim = all[Math.floor(random.next() * all.length)];
  if (!claim) return;
  await client.delete(persistentvolumeclaims, { namespace, name: claim.metadata.name }, { signal }).catch(expectGone);
}

export const claims = (name: string, volumeBindingMode: 'Immediate' | 'WaitForFirstConsumer'): Scenario => ({
  name,
  controllers: [
    'statefulset-controller',
    'persistentvolume-binder-controller',
    'persistentvolumeclaim-protection-controller',
    'persistentvolume-protection-controller',
  ],
  nodes: 3,
  setUp: async ({ client, signal }) => {
    const provisioner = 'kubernetes.io/no-provisioner';
    await client.create(
      storagev1Resources.storageclasses,
      { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: className }, provisioner, volumeBindingMode },
      { signal },
    );
    const access = { accessModes: ['ReadWriteOnce'], storageClassName: className } as const;
    for (let index = 1; index <= volumeCount; index++) {
      const spec = { ...access, capacity: { storage: `${1 + (index % 3)}Gi` }, nfs: { server: 'nfs', path: '/' } };
      await client.create(
        persistentvolumes,
        { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `volume-${index}` }, spec },
        { signal },
      );
    }
    const mounted = template('app:1', '100m');
    const claim = { ...access, resources: { requests: { storage: '1Gi' } } };
    // What a template leaves out, its claims get from the server.
    const claimTemplate = { metadata: { name: 'data' }, spec: claim } as unknown as corev1.PersistentVolumeClaim;
    const spec = {
      replicas: 3,
      selector,
      serviceName: app,
      podManagementPolicy: 'Parallel',
      template: mounted,
      volumeClaimTemplates: [claimTemplate],
    } as const;
    await client.create(
      appsv1Resources.statefulsets,
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'the user scales': scale(appsv1Resources.statefulsets, 1, 5),
    'somebody deletes a pod': deletePod,
    'somebody deletes a claim': deleteClaim,
    'a node is cut off': cutOff,
  },
  mend: connect,
  isDone: (history) => {
    const set = history.one('StatefulSet', app);
    if (!set) return false;
    const { replicas = 1 } = set.spec;
    const pods = podsOwnedBy(history, 'StatefulSet', set.metadata.uid);
    return pods.length === replicas && pods.every((pod) => isUp(pod, 'app:1')) && boundVolumes(history);
  },
  describe: (history: History) =>
    (['StatefulSet', 'PersistentVolumeClaim', 'PersistentVolume'] as readonly CheckedKind[])
      .map((kind) => describe(kind)(history))
      .join('\n'),
});
