/**
 * Pods that nobody wants any more but that still stand on the node: their object was deleted while the kubelet was away. They are
 * stopped and everything of them is removed. @source pkg/kubelet/kubelet_pods.go HandlePodCleanups, v1.35
 */
import { type Ctx, isAbort } from '../../base/index.ts';
import type { PodIdentity } from '../pleg/pod-views.ts';
import type { PodServices } from './pod-services.ts';
import { killRunning, releasePod, removePod } from './terminate-pod.ts';

/** @param isWanted also true for pods that a worker is still ending */
export async function removeOrphans(isWanted: (uid: string) => boolean, services: PodServices, ctx: Ctx): Promise<void> {
  const { views, host, volumes } = services;
  await views.relist(ctx);
  const found = new Map<string, PodIdentity>(views.enginePods().map((pod) => [pod.uid, pod]));
  // Directories, mounts and cgroups name only the uid; that is enough to remove them.
  for (const uid of [...(await host.files.knownPods()), ...volumes.knownPods(), ...host.cgroups.knownPods()]) {
    if (!found.has(uid)) found.set(uid, { uid, name: '', namespace: '' });
  }
  for (const identity of found.values()) {
    if (isWanted(identity.uid)) continue;
    try {
      await removeOrphan(identity, services, ctx);
    } catch (err) {
      if (isAbort(err, ctx.signal)) throw err;
      ctx.log.warn('an orphaned pod could not be removed', { uid: identity.uid, err });
    }
  }
}

async function removeOrphan(identity: PodIdentity, services: PodServices, ctx: Ctx): Promise<void> {
  ctx.log.info('an orphaned pod is removed', { uid: identity.uid, pod: identity.name, namespace: identity.namespace });
  const view = await services.views.view(identity, ctx);
  await killRunning({ pod: undefined, view, reason: 'podEnds', services }, ctx);
  for (const { id } of view.sandboxes) await services.runtime.stopPodSandbox(id, ctx);
  // Volumes first: what is still mounted must never be deleted through.
  await releasePod(identity.uid, services, ctx);
  await removePod(identity, services, ctx);
}
