import { describe, expect, test } from 'vitest';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';
import { mergePatch, runLifecycle } from './object-lifecycle.ts';

const collection = '/apis/storage.k8s.io/v1/volumeattachments';
const make = (name: string): Json => ({
  metadata: { name, labels: { e2e: 'attachment' } },
  spec: { attacher: 'e2e-test.storage.k8s.io', nodeName: 'e2e-node', source: { persistentVolumeName: 'e2e-volume' } },
});

describe.skipIf(unavailable)('storage/volume_attachment', () => {
  const cluster = useCluster('conformance-volume-attachment');

  test('VolumeAttachment, lifecycle', async () => {
    await runLifecycle({ cluster, collection, make });
  }, 120_000);

  test('VolumeAttachment, apply changes to a volumeattachment status', async () => {
    const path = `${collection}/e2e-status`;
    await cluster.api('POST', collection, make('e2e-status'));
    expect((await cluster.api('GET', path)).status.attached).toBe(false);

    const patched = await cluster.api('PATCH', `${path}/status`, { status: { attached: true } }, mergePatch);
    expect(patched.status.attached).toBe(true);
    expect((await cluster.api('GET', `${path}/status`)).status.attached).toBe(true);

    const updated = await eventually(async () => {
      const current = await cluster.api('GET', path);
      current.status.attached = false;
      return cluster.api('PUT', `${path}/status`, current);
    });
    expect(updated.status.attached).toBe(false);
    await cluster.api('DELETE', path);
  }, 120_000);
});
