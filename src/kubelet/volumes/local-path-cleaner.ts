/**
 * The node's half of the local-path provisioner: when nobody has a right to a volume any more, its directory goes, then the object. In this
 * order, so that whatever breaks it off in the middle is found again; the finalizer keeps the object until the directory is gone.
 */
import { type corev1, corev1Resources, isApiError, localPath, volumeAnnotations } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { VolumeError } from '../seams.ts';
import { removeLocalPath } from './local-path-directory.ts';

export interface LocalPathCleanerOptions {
  readonly nodeName: string;
  /** Where this node has the directories. */
  readonly directory: string;
}

const { persistentvolumes } = corev1Resources;
const retryMs = 10_000;

export function createLocalPathCleaner(context: ControllerContext, { nodeName, directory }: LocalPathCleanerOptions): Controller {
  const { client, informers, recorder } = context;
  const volumes = informers.informer(persistentvolumes, { labelSelector: `${localPath.nodeLabel}=${nodeName}` });

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (volume: corev1.PersistentVolume): void => {
      if (isForRemoval(volume)) enqueue(volume.metadata.name);
    };
    volumes.addHandler({ added: wake, updated: (_, volume) => wake(volume) });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    if (!volumes.get({ name })) return done;
    try {
      // Data is lost for good: what the cache says may be old.
      const volume = await client.get(persistentvolumes, { name }, { signal });
      if (!isForRemoval(volume)) return done;
      await removeLocalPath(directory, volume.spec.local?.path ?? '', signal);
      await removeObject(volume, signal);
    } catch (error) {
      if (isApiError(error, 'NotFound')) return done;
      if (!(error instanceof VolumeError)) throw error;
      const volume = volumes.get({ name });
      if (volume) recorder.event(volume, { type: 'Warning', reason: 'VolumeFailedDelete', message: error.message });
      return { type: 'retryAfter', delayMs: retryMs };
    }
    return done;
  };

  const removeObject = async ({ metadata }: corev1.PersistentVolume, signal: AbortSignal): Promise<void> => {
    const { name, uid } = metadata;
    if (metadata.deletionTimestamp === undefined) {
      await client.delete(persistentvolumes, { name }, { signal, body: { preconditions: { uid } } });
    }
    const going = await client.get(persistentvolumes, { name }, { signal });
    const finalizers = going.metadata.finalizers?.filter((one) => one !== localPath.finalizer) ?? [];
    if (going.metadata.uid !== uid || finalizers.length === going.metadata.finalizers?.length) return;
    await client.update(persistentvolumes, { ...going, metadata: { ...going.metadata, finalizers } }, { signal });
  };

  return { name: 'local-path-cleaner', reconcile, setup, workers: 1 };
}

/** The binder says Released only after it asked the server for the claim. */
function isForRemoval({ metadata, spec, status }: corev1.PersistentVolume): boolean {
  return (
    status.phase === 'Released' &&
    spec.persistentVolumeReclaimPolicy === 'Delete' &&
    metadata.annotations?.[volumeAnnotations.provisionedBy] === localPath.provisioner
  );
}
