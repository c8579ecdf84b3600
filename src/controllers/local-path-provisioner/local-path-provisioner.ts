/**
 * Makes PersistentVolumes that are directories of nodes. This half writes the objects; the node makes the directory when the first pod
 * comes and removes it when the claim is gone. A volume's name is made of its claim's uid: whoever makes it twice makes it once.
 */
import { type corev1, corev1Resources, isApiError, storageClassNameOf, storagev1Resources, volumeAnnotations } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { isOurs, planProvisioning } from './plan.ts';

export interface LocalPathOptions {
  /** The absolute directory in which a node has its volumes; undefined: it has none. */
  readonly directoryOf: (nodeName: string) => string | undefined;
}

const { persistentvolumeclaims, persistentvolumes, nodes } = corev1Resources;
const retryMs = 15_000;

export function createLocalPathProvisioner(context: ControllerContext, { directoryOf }: LocalPathOptions): Controller {
  const { client, informers, recorder } = context;
  const claims = informers.informer(persistentvolumeclaims);
  const classes = informers.informer(storagev1Resources.storageclasses);
  const nodeInformer = informers.informer(nodes);

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (claim: corev1.PersistentVolumeClaim): void => {
      if (isOurs(claim) && !claim.spec.volumeName) enqueue(keyOf(claim));
    };
    claims.addHandler({ added: wake, updated: (_, claim) => wake(claim) });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const claim = claims.get(splitKey(key));
    if (!claim) return done;
    const nodeName = claim.metadata.annotations?.[volumeAnnotations.selectedNode];
    const plan = planProvisioning({
      claim,
      storageClass: classes.get({ name: storageClassNameOf(claim) }),
      node: nodeName === undefined ? undefined : nodeInformer.get({ name: nodeName }),
      directory: nodeName === undefined ? undefined : directoryOf(nodeName),
    });
    switch (plan.type) {
      case 'make': {
        const asked = `External provisioner is provisioning volume for claim "${key}"`;
        recorder.event(claim, { type: 'Normal', reason: 'Provisioning', message: asked });
        const made = await makeOnce(plan.volume, signal);
        if (!made) return done;
        const message = `Successfully provisioned volume ${made.metadata.name}`;
        recorder.event(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message });
        return done;
      }
      case 'refuse':
        recorder.event(claim, { type: 'Warning', reason: 'ProvisioningFailed', message: plan.message });
        if (!plan.reschedule) return { type: 'retryAfter', delayMs: retryMs };
        await reschedule(claim, signal);
        return done;
      default:
        return done;
    }
  };

  /** Undefined when it was there. */
  const makeOnce = async (
    volume: Parameters<typeof client.create<corev1.PersistentVolume>>[1],
    signal: AbortSignal,
  ): Promise<corev1.PersistentVolume | undefined> => {
    try {
      return await client.create(persistentvolumes, volume, { signal });
    } catch (error) {
      if (isApiError(error, 'AlreadyExists')) return undefined;
      throw error;
    }
  };

  const reschedule = async (claim: corev1.PersistentVolumeClaim, signal: AbortSignal): Promise<void> => {
    const { [volumeAnnotations.selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {};
    await client.update(persistentvolumeclaims, { ...claim, metadata: { ...claim.metadata, annotations } }, { signal });
  };

  return { name: 'local-path-provisioner', reconcile, setup };
}
