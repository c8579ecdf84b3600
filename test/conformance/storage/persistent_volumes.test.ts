import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { mergePatch, untilGone } from './object-lifecycle.ts';

describe.skipIf(unavailable)('storage/persistent_volumes', () => {
  const cluster = useCluster('conformance-persistent-volumes');
  const volumes = (rest = ''): string => `/api/v1/persistentvolumes${rest}`;
  const claims = (rest = ''): string => cluster.path('v1', `persistentvolumeclaims${rest}`);

  const volume = (name: string, storageClassName: string): Json => ({
    metadata: { name, labels: { e2e: name } },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName,
      hostPath: { path: '/tmp/e2e-volume' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] }] },
      },
    },
  });
  const claim = (name: string, storageClassName: string, requests = '1Gi'): Json => ({
    metadata: { name, labels: { e2e: name } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: requests } }, storageClassName },
  });
  const untilPhase = async (path: string, phase: string): Promise<void> => {
    await eventually(async () => expect((await cluster.api('GET', path)).status.phase).toBe(phase));
  };
  const changeLabel = async (path: string, label: string): Promise<void> => {
    const patched = await cluster.api('PATCH', path, { metadata: { labels: { [label]: 'patched' } } }, mergePatch);
    expect(patched.metadata.labels[label]).toBe('patched');
    const updated = await eventually(async () => {
      const current = await cluster.api('GET', path);
      current.metadata.labels[label] = 'updated';
      return cluster.api('PUT', path, current);
    });
    expect(updated.metadata.labels[label]).toBe('updated');
  };

  test('PersistentVolumes(Claims), lifecycle', async () => {
    const storageClass = 'e2e-lifecycle';
    await cluster.api('POST', volumes(), volume('e2e-pv', storageClass));
    await cluster.api('POST', claims(), claim('e2e-pvc', storageClass));
    expect((await cluster.api('GET', volumes('?labelSelector=e2e%3De2e-pv'))).items).toHaveLength(1);
    expect((await cluster.api('GET', claims())).items).toHaveLength(1);
    await untilPhase(claims('/e2e-pvc'), 'Bound');
    expect((await cluster.api('GET', claims('/e2e-pvc'))).spec.volumeName).toBe('e2e-pv');

    await changeLabel(volumes('/e2e-pv'), 'e2e-pv');
    await changeLabel(claims('/e2e-pvc'), 'e2e-pvc');
    await cluster.api('DELETE', claims('/e2e-pvc'));
    await untilGone(cluster, claims('/e2e-pvc'));
    await cluster.api('DELETE', volumes('/e2e-pv'));
    await untilGone(cluster, volumes('/e2e-pv'));

    await cluster.api('POST', volumes(), volume('e2e-pv-2', storageClass));
    await cluster.api('POST', claims(), claim('e2e-pvc-2', storageClass));
    await untilPhase(claims('/e2e-pvc-2'), 'Bound');
    await cluster.api('DELETE', claims('?labelSelector=e2e%3De2e-pvc-2'));
    await untilGone(cluster, claims('/e2e-pvc-2'));
    await cluster.api('DELETE', volumes('?labelSelector=e2e%3De2e-pv-2'));
    await untilGone(cluster, volumes('/e2e-pv-2'));
  }, 180_000);

  test('PersistentVolumes(Claims), apply changes to a pv/pvc status', async () => {
    const storageClass = 'e2e-status';
    await cluster.api('POST', volumes(), volume('e2e-status-pv', storageClass));
    await cluster.api('POST', claims(), claim('e2e-status-pvc', storageClass));
    await untilPhase(claims('/e2e-status-pvc'), 'Bound');
    await untilPhase(volumes('/e2e-status-pv'), 'Bound');

    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from an e2e test' };
    const patchedClaim = await cluster.api('PATCH', claims('/e2e-status-pvc/status'), { status: { conditions: [condition] } }, mergePatch);
    expect(patchedClaim.status.conditions).toMatchObject([condition]);
    const patchedVolume = await cluster.api(
      'PATCH',
      volumes('/e2e-status-pv/status'),
      { status: { message: 'StatusPatched', reason: 'E2E patchStatus' } },
      mergePatch,
    );
    expect(patchedVolume.status).toMatchObject({ message: 'StatusPatched', reason: 'E2E patchStatus' });
    expect((await cluster.api('GET', claims('/e2e-status-pvc/status'))).status.conditions).toMatchObject([condition]);
    expect((await cluster.api('GET', volumes('/e2e-status-pv/status'))).status.reason).toBe('E2E patchStatus');

    const updatedClaim = await eventually(async () => {
      const current = await cluster.api('GET', claims('/e2e-status-pvc'));
      current.status.conditions.push({ ...condition, type: 'StatusSecond' });
      return cluster.api('PUT', claims('/e2e-status-pvc/status'), current);
    });
    expect(updatedClaim.status.conditions).toHaveLength(2);
    const updatedVolume = await eventually(async () => {
      const current = await cluster.api('GET', volumes('/e2e-status-pv'));
      current.status.message = 'StatusUpdated';
      return cluster.api('PUT', volumes('/e2e-status-pv/status'), current);
    });
    expect(updatedVolume.status.message).toBe('StatusUpdated');
    await cluster.api('DELETE', claims('/e2e-status-pvc'));
    await untilGone(cluster, claims('/e2e-status-pvc'));
    await cluster.api('DELETE', volumes('/e2e-status-pv'));
    await untilGone(cluster, volumes('/e2e-status-pv'));
  }, 180_000);
});
