/**
 * Tells of bound claims that ask for more than they have: whoever provides the volume expands it. Nothing is expanded from here, since no
 * kind of volume is left that the control plane itself could expand.
 * @source pkg/controller/volume/expand/expand_controller.go, v1.35
 */
import { type corev1, corev1Resources, parseQuantity, requestedStorage, zeroQuantity } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';

const { persistentvolumeclaims, persistentvolumes } = corev1Resources;

export function createVolumeExpandController({ client, informers, recorder }: ControllerContext): Controller {
  const claims = informers.informer(persistentvolumeclaims);

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (claim: corev1.PersistentVolumeClaim): void => {
      if (claim.status.phase === 'Bound' && wantsMore(claim)) enqueue(keyOf(claim));
    };
    claims.addHandler({
      added: wake,
      updated: (old, claim) => {
        if (requestedStorage(claim).compare(requestedStorage(old)) > 0) wake(claim);
      },
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const claim = claims.get(splitKey(key));
    if (!claim || claim.status.phase !== 'Bound' || !wantsMore(claim)) return done;
    const volume = await client.get(persistentvolumes, { name: claim.spec.volumeName ?? '' }, { signal });
    if (volume.spec.claimRef?.uid !== claim.metadata.uid) throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
    recorder.event(claim, {
      type: volume.spec.csi ? 'Normal' : 'Warning',
      reason: 'ExternalExpanding',
      message: 'waiting for an external controller to expand this PVC',
    });
    return done;
  };

  return { name: 'persistentvolume-expander-controller', reconcile, setup };
}

function wantsMore(claim: corev1.PersistentVolumeClaim): boolean {
  const has = claim.status.capacity?.['storage'];
  return requestedStorage(claim).compare(has === undefined ? zeroQuantity : parseQuantity(has)) > 0;
}
