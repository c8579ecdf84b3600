/**
 * Makes the claim of each ephemeral volume of a pod, owned by the pod, so that it goes with it. A claim of that name that is somebody else's
 * is left alone, and the pod told.
 * @source pkg/controller/volume/ephemeral/controller.go, v1.35
 */
import { type corev1, corev1Resources, isApiError, type Unsaved } from '../../api/index.ts';
import { Counter, type Ctx, type Registry } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';

const { pods, persistentvolumeclaims } = corev1Resources;

export function createEphemeralVolumeController(context: ControllerContext): Controller {
  const { client, informers, recorder, registry } = context;
  const podInformer = informers.informer(pods);
  const claims = informers.informer(persistentvolumeclaims);
  const metrics = registry && creationMetrics(registry);

  const setup = (enqueue: (key: string) => void): void => {
    podInformer.addHandler({
      added: (pod) => {
        if (pod.metadata.deletionTimestamp === undefined && pod.spec.volumes?.some(({ ephemeral }) => ephemeral)) enqueue(keyOf(pod));
      },
    });
    // Deleted under a pod that still needs it, or in the way of one: it is made anew.
    claims.addHandler({
      deleted: ({ metadata }) => {
        const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller === true && kind === 'Pod');
        if (owner) enqueue(`${metadata.namespace}/${owner.name}`);
      },
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const pod = podInformer.get(splitKey(key));
    if (!pod || pod.metadata.deletionTimestamp !== undefined) return done;
    for (const volume of pod.spec.volumes ?? []) {
      if (!volume.ephemeral) continue;
      try {
        await ensureClaim(pod, volume, signal);
      } catch (error) {
        signal.throwIfAborted();
        const message = `ephemeral volume ${volume.name}: ${error instanceof Error ? error.message : String(error)}`;
        recorder.event(pod, { type: 'Warning', reason: 'FailedBinding', message });
        throw error;
      }
    }
    return done;
  };

  const ensureClaim = async (pod: corev1.Pod, volume: corev1.Volume, signal: AbortSignal): Promise<void> => {
    const claim = claimFor(pod, volume);
    const { namespace, name } = claim.metadata;
    const found = claims.get({ namespace, name });
    if (found) {
      assertOwned(found, pod);
      return;
    }
    metrics?.attempts.inc();
    try {
      await client.create(persistentvolumeclaims, claim, { signal });
    } catch (error) {
      signal.throwIfAborted();
      // The cache is behind: whose it is, the server says.
      if (isApiError(error, 'AlreadyExists')) {
        assertOwned(await client.get(persistentvolumeclaims, { namespace, name }, { signal }), pod);
        return;
      }
      metrics?.failures.inc();
      throw new Error(`create PVC ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };

  return { name: 'ephemeral-volume-controller', reconcile, setup, workers: 10 };
}

/** The claim that a pod's ephemeral volume asks for. Pure. */
export function claimFor(
  { metadata }: corev1.Pod,
  volume: corev1.Volume,
): Unsaved<corev1.PersistentVolumeClaim> & {
  readonly metadata: { readonly namespace: string; readonly name: string };
} {
  const template = volume.ephemeral?.volumeClaimTemplate;
  const { name, uid, namespace = '' } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      namespace,
      name: `${name}-${volume.name}`,
      ...(template?.metadata?.labels && { labels: template.metadata.labels }),
      ...(template?.metadata?.annotations && { annotations: template.metadata.annotations }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: template?.spec ?? {},
  };
}

function assertOwned(claim: corev1.PersistentVolumeClaim, pod: corev1.Pod): void {
  if ((claim.metadata.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === pod.metadata.uid)) return;
  const { namespace, name } = claim.metadata;
  throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
}

const made = new WeakMap<Registry, { readonly attempts: Counter; readonly failures: Counter }>();

function creationMetrics(registry: Registry): { readonly attempts: Counter; readonly failures: Counter } {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const metrics = {
    attempts: new Counter({ name: 'ephemeral_volume_controller_create_total', help: 'Claims that were to be made.', registers }),
    failures: new Counter({
      name: 'ephemeral_volume_controller_create_failures_total',
      help: 'Claims that could not be made.',
      registers,
    }),
  };
  made.set(registry, metrics);
  return metrics;
}
