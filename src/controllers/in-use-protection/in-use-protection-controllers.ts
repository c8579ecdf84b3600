/**
 * Volumes, claims and classes of attributes stay while they are used. Each has a finalizer from its first moment; these controllers
 * take it away when the object is to go and nobody uses it, and give it to objects that came without.
 * @source pkg/controller/volume/{pvcprotection,pvprotection,vacprotection}, v1.35
 */
import {
  type corev1,
  corev1Resources,
  inUseFinalizers,
  isApiError,
  type KubeObject,
  type ResourceRef,
  storagev1Resources,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Informer, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { claimsOf, classesOfClaim, usesClaim } from './users.ts';

const { persistentvolumeclaims, persistentvolumes, pods } = corev1Resources;
const { volumeattributesclasses } = storagev1Resources;

/** Claims that scheduled pods name. A pod that has ended still names its claims. */
export function createClaimProtection(context: ControllerContext): Controller {
  const podInformer = context.informers.informer(pods);
  return protection(context, {
    name: 'persistentvolumeclaim-protection-controller',
    resource: persistentvolumeclaims,
    finalizer: inUseFinalizers.claim,
    isUsed: (claim) => podInformer.list(claim.metadata.namespace).some((pod) => usesClaim(pod, claim)),
    watchUsers: (enqueue) => {
      // Only the end of a use matters: a pod that begins one never lets a claim go.
      podInformer.addHandler({ deleted: (pod) => claimsOf(pod).forEach((key) => enqueue(key)) });
    },
    recheck: async (claim, signal) => {
      const { items } = await context.client.list(pods, { namespace: claim.metadata.namespace ?? '', signal });
      return items.some((pod) => usesClaim(pod, claim));
    },
  });
}

/** Volumes that are bound to a claim. */
export function createVolumeProtection(context: ControllerContext): Controller {
  return protection(context, {
    name: 'persistentvolume-protection-controller',
    resource: persistentvolumes,
    finalizer: inUseFinalizers.volume,
    isUsed: ({ status }) => status.phase === 'Bound',
  });
}

/** Classes of attributes that a claim or volume has, or is on its way to. */
export function createAttributesClassProtection(context: ControllerContext): Controller {
  const claims = context.informers.informer(persistentvolumeclaims);
  const volumes = context.informers.informer(persistentvolumes);
  return protection(context, {
    name: 'volumeattributesclass-protection-controller',
    resource: volumeattributesclasses,
    finalizer: inUseFinalizers.attributesClass,
    isUsed: ({ metadata: { name } }) =>
      volumes.list().some(({ spec }) => spec.volumeAttributesClassName === name) ||
      claims.list().some((claim) => classesOfClaim(claim).includes(name)),
    watchUsers: (enqueue) => {
      const wakeClaim = (claim: corev1.PersistentVolumeClaim): void => classesOfClaim(claim).forEach((name) => enqueue(name));
      const wakeVolume = ({ spec }: corev1.PersistentVolume): void => {
        if (spec.volumeAttributesClassName) enqueue(spec.volumeAttributesClassName);
      };
      claims.addHandler({ updated: (old) => wakeClaim(old), deleted: wakeClaim });
      volumes.addHandler({ updated: (old) => wakeVolume(old), deleted: wakeVolume });
    },
  });
}

interface Protection<T extends KubeObject> {
  readonly name: string;
  readonly resource: ResourceRef<T>;
  readonly finalizer: string;
  readonly isUsed: (object: T) => boolean;
  /** Wakes the object of a key when somebody stops using it. */
  readonly watchUsers?: (enqueue: (key: string) => void) => void;
  /** Asks the server, whose answer is never old, before the last guard goes. */
  readonly recheck?: (object: T, signal: AbortSignal) => Promise<boolean>;
}

function protection<T extends KubeObject>({ client, informers }: ControllerContext, rules: Protection<T>): Controller {
  const { name, resource, finalizer } = rules;
  const informer: Informer<T> = informers.informer(resource);

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (object: T): void => {
      const isGuarded = object.metadata.finalizers?.includes(finalizer) === true;
      if (isGuarded === (object.metadata.deletionTimestamp !== undefined)) enqueue(keyOf(object));
    };
    informer.addHandler({ added: wake, updated: (_, object) => wake(object) });
    rules.watchUsers?.(enqueue);
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const object = informer.get(splitKey(key));
    if (!object) return done;
    const finalizers = object.metadata.finalizers ?? [];
    const isGuarded = finalizers.includes(finalizer);
    if (object.metadata.deletionTimestamp === undefined) {
      if (!isGuarded) await write(object, [...finalizers, finalizer], signal);
      return done;
    }
    if (!isGuarded || rules.isUsed(object) || (await rules.recheck?.(object, signal))) return done;
    await write(
      object,
      finalizers.filter((one) => one !== finalizer),
      signal,
    );
    return done;
  };

  /** With the version that was read: whoever changed the object since comes first, and the key comes back. */
  const write = async (object: T, finalizers: readonly string[], signal: AbortSignal): Promise<void> => {
    try {
      await client.update(resource, { ...object, metadata: { ...object.metadata, finalizers } }, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  return { name, reconcile, setup, workers: 1 };
}
