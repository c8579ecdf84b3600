/**
 * The StorageClass of a cluster that keeps volumes in directories of its nodes: made once a start when it is missing. Whoever changed it
 * keeps the change; whoever took the default mark away and has another default class is not argued with.
 */
import { isApiError, localPath, type storagev1, storagev1Resources, type Unsaved } from '../api/index.ts';
import { type Clock, isAbort, type TaskGroup } from '../base/index.ts';
import type { Client } from '../client/index.ts';

/** The name that other small clusters have for it, so that manifests fit. */
export const localPathClass: Unsaved<storagev1.StorageClass> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: localPath.provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: false,
};

const retryMs = 500;

export function makeLocalPathClass(client: Client, clock: Clock, group: TaskGroup): void {
  group.spawn('local-path storage class', async ({ signal, log }) => {
    for (;;) {
      try {
        await client.create(storagev1Resources.storageclasses, localPathClass, { signal });
        return;
      } catch (err) {
        if (isApiError(err, 'AlreadyExists')) return;
        if (isAbort(err, signal) || !isApiError(err)) throw err;
        log.warn('cannot make the default StorageClass', { err });
      }
      await clock.sleep(retryMs, signal);
    }
  });
}
