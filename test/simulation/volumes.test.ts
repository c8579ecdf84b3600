import { describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, type storagev1, storagev1Resources, type Unsaved } from '../../src/api/index.ts';
import { VirtualClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { eventsOf, get, namespace } from './objects.ts';

const { persistentvolumes, persistentvolumeclaims } = corev1Resources;

function volume(name: string, spec: Partial<corev1.PersistentVolumeSpec> = {}): Unsaved<corev1.PersistentVolume> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { name } },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      nfs: { server: 'nfs', path: '/' },
      storageClassName: 'manual',
      ...spec,
    },
  };
}

function claim(name: string, spec: Partial<corev1.PersistentVolumeClaimSpec> = {}): Unsaved<corev1.PersistentVolumeClaim> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'manual', ...spec },
  };
}

function storageClass(name: string, more: Partial<storagev1.StorageClass> = {}): Unsaved<storagev1.StorageClass> {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: 'example.com/disk', ...more };
}

const start = (): Promise<Cluster> => startCluster({ clock: new VirtualClock() });

async function make(
  cluster: Cluster,
  objects: readonly (Unsaved<corev1.PersistentVolume> | Unsaved<corev1.PersistentVolumeClaim> | Unsaved<storagev1.StorageClass>)[],
): Promise<void> {
  const { client, signal } = cluster;
  for (const object of objects) {
    if (object.kind === 'PersistentVolume') await client.create(persistentvolumes, object, { signal });
    else if (object.kind === 'PersistentVolumeClaim') await client.create(persistentvolumeclaims, object, { signal });
    else await client.create(storagev1Resources.storageclasses, object, { signal });
  }
}

const claimOf = (cluster: Cluster, name: string): Promise<corev1.PersistentVolumeClaim> => get(cluster, persistentvolumeclaims, name);
const volumeOf = (cluster: Cluster, name: string): Promise<corev1.PersistentVolume> => get(cluster, persistentvolumes, name);
const untilPhase = (cluster: Cluster, name: string, phase: string): Promise<void> =>
  cluster.until(`claim ${name} is ${phase}`, async () => (await claimOf(cluster, name)).status.phase === phase);
const untilVolumePhase = (cluster: Cluster, name: string, phase: string): Promise<void> =>
  cluster.until(`volume ${name} is ${phase}`, async () => (await volumeOf(cluster, name)).status.phase === phase);
const saidOf = async (cluster: Cluster, name: string): Promise<string[]> => {
  const { items } = await cluster.client.list(corev1Resources.events, { signal: cluster.signal });
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
};

describe('binding', () => {
  it('gives a claim the smallest volume that suits it, and says so on both sides', async () => {
    await using cluster = await start();
    await make(cluster, [
      volume('big', { capacity: { storage: '10Gi' } }),
      volume('fitting', { capacity: { storage: '2Gi' } }),
      volume('small', { capacity: { storage: '500Mi' } }),
      volume('other-class', { storageClassName: 'fast' }),
      claim('data'),
    ]);
    await untilPhase(cluster, 'data', 'Bound');
    const { metadata, spec, status } = await claimOf(cluster, 'data');
    expect(spec.volumeName).toBe('fitting');
    expect(status).toMatchObject({ phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'] });
    expect(metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' });
    const bound = await volumeOf(cluster, 'fitting');
    expect(bound.status.phase).toBe('Bound');
    expect(bound.spec.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace, name: 'data', uid: metadata.uid });
    expect(bound.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
    expect((await volumeOf(cluster, 'big')).status.phase).toBe('Available');
  });

  it('takes the volume that is kept for a claim before a better one', async () => {
    await using cluster = await start();
    await make(cluster, [
      volume('better'),
      volume('kept', { capacity: { storage: '5Gi' }, claimRef: { namespace, name: 'data' } }),
      claim('data'),
    ]);
    await untilPhase(cluster, 'data', 'Bound');
    expect((await claimOf(cluster, 'data')).spec.volumeName).toBe('kept');
    expect((await volumeOf(cluster, 'kept')).metadata.annotations).toBeUndefined();
  });

  it('gives one volume to one claim only, whoever comes at the same time', async () => {
    await using cluster = await start();
    const names = Array.from({ length: 10 }, (_, i) => `n${i}`);
    await make(cluster, [...names.map((name) => claim(name)), ...names.map((name) => volume(name))]);
    for (const name of names) await untilPhase(cluster, name, 'Bound');
    const volumes = await Promise.all(names.map(async (name) => (await claimOf(cluster, name)).spec.volumeName));
    expect(new Set(volumes).size).toBe(10);
  });

  const refusals = [
    { why: 'requested PV is too small', of: { capacity: { storage: '1Mi' } } },
    { why: 'storageClassName does not match', of: { storageClassName: 'fast' } },
    { why: 'incompatible accessMode', of: { accessModes: ['ReadOnlyMany'] } },
    { why: 'incompatible volumeMode', of: { volumeMode: 'Block' } },
  ] as const;
  it.each(refusals)('does not bind a named volume when: $why', async ({ why, of }) => {
    await using cluster = await start();
    await make(cluster, [volume('mine', of), claim('data', { volumeName: 'mine' })]);
    await cluster.until('it is said', async () => (await eventsOf(cluster, 'data')).length > 0);
    expect(await saidOf(cluster, 'data')).toEqual([`Warning VolumeMismatch: Cannot bind to requested volume "mine": ${why}`]);
    expect((await claimOf(cluster, 'data')).status.phase).toBe('Pending');
  });

  it('says so when the named volume has another claim', async () => {
    await using cluster = await start();
    await make(cluster, [volume('mine'), claim('first')]);
    await untilPhase(cluster, 'first', 'Bound');
    await make(cluster, [claim('second', { volumeName: 'mine' })]);
    await cluster.until('it is said', async () => (await eventsOf(cluster, 'second')).length > 0);
    expect(await saidOf(cluster, 'second')).toEqual(['Warning FailedBinding: volume "mine" already bound to a different claim.']);
  });
});

describe('claims that wait', () => {
  it('wait for their first pod, for the provisioner, or for somebody at all, and say which', async () => {
    await using cluster = await start();
    await make(cluster, [
      storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' }),
      storageClass('now'),
      storageClass('by-hand', { provisioner: 'kubernetes.io/no-provisioner' }),
      claim('first-pod', { storageClassName: 'late' }),
      claim('outside', { storageClassName: 'now' }),
      claim('by-hand', { storageClassName: 'by-hand' }),
      claim('unknown', { storageClassName: 'unknown' }),
      claim('none', { storageClassName: '' }),
    ]);
    await cluster.until(
      'all is said',
      async () => (await saidOf(cluster, 'none')).length > 0 && (await saidOf(cluster, 'outside')).length > 0,
    );
    expect(await saidOf(cluster, 'first-pod')).toEqual([
      'Normal WaitForFirstConsumer: waiting for first consumer to be created before binding',
    ]);
    expect(await saidOf(cluster, 'outside')).toEqual([
      "Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ]);
    expect((await claimOf(cluster, 'outside')).metadata.annotations).toEqual({
      'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disk',
      'volume.kubernetes.io/storage-provisioner': 'example.com/disk',
    });
    expect(await saidOf(cluster, 'by-hand')).toEqual([
      'Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
    ]);
    expect(await saidOf(cluster, 'unknown')).toEqual(['Warning ProvisioningFailed: storageclass.storage.k8s.io "unknown" not found']);
    expect(await saidOf(cluster, 'none')).toEqual([
      'Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ]);
  });

  it('get the default class as soon as there is one', async () => {
    await using cluster = await start();
    const { storageClassName: _, ...spec } = claim('data').spec;
    await make(cluster, [{ ...claim('data'), spec }]);
    await cluster.advance(1_000);
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    await make(cluster, [{ ...storageClass('standard'), metadata: { name: 'standard', annotations } }]);
    await cluster.until('it has the class', async () => (await claimOf(cluster, 'data')).spec.storageClassName === 'standard');
  });
});

describe('what happens when one side goes', () => {
  it('retains a volume, and makes it available again when somebody takes its claim away', async () => {
    await using cluster = await start();
    await make(cluster, [volume('mine'), claim('data')]);
    await untilPhase(cluster, 'data', 'Bound');
    await cluster.client.delete(persistentvolumeclaims, { namespace, name: 'data' }, { signal: cluster.signal });
    await untilVolumePhase(cluster, 'mine', 'Released');
    const body = { spec: { claimRef: null } };
    const patch = { type: 'application/merge-patch+json', body } as const;
    await cluster.client.patch(persistentvolumes, { name: 'mine' }, patch, { signal: cluster.signal });
    await untilVolumePhase(cluster, 'mine', 'Available');
  });

  it('calls a claim lost whose volume is gone', async () => {
    await using cluster = await start();
    await make(cluster, [volume('mine'), claim('data')]);
    await untilPhase(cluster, 'data', 'Bound');
    const { client, signal } = cluster;
    await client.delete(persistentvolumes, { name: 'mine' }, { signal });
    const patch = { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } } as const;
    await client.patch(persistentvolumes, { name: 'mine' }, patch, { signal });
    await untilPhase(cluster, 'data', 'Lost');
    expect(await saidOf(cluster, 'data')).toEqual([
      'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });

  it('says that nobody can delete a volume of an NFS server', async () => {
    await using cluster = await start();
    await make(cluster, [volume('mine', { persistentVolumeReclaimPolicy: 'Delete' }), claim('data')]);
    await untilPhase(cluster, 'data', 'Bound');
    await cluster.client.delete(persistentvolumeclaims, { namespace, name: 'data' }, { signal: cluster.signal });
    await untilVolumePhase(cluster, 'mine', 'Failed');
    const why = 'error getting deleter volume plugin for volume "mine": no deletable volume plugin matched';
    expect((await volumeOf(cluster, 'mine')).status.message).toBe(why);
    expect(await saidOf(cluster, 'mine')).toEqual([`Warning VolumeFailedDelete: ${why}`]);
  });
});
