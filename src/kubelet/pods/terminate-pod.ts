/**
 * Ends a pod: containers with their grace (sidecars after those they serve), sandboxes, and finally everything that stood for it on
 * the node.
 * @source pkg/kubelet/kuberuntime killPod, kuberuntime_termination_order.go; kubelet SyncTerminatingPod, SyncTerminatedPod, v1.35
 */
import { type corev1, isSidecar } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { stopContainer } from '../containers/stop-container.ts';
import type { KillReason } from './plan.ts';
import { type PodRecord, publishStatus, readMessages } from './pod-record.ts';
import type { PodServices } from './pod-services.ts';
import { type ContainerView, type PodView, viewIps } from './pod-view.ts';

export interface KillInput {
  /** Undefined: only the engine still knows of the pod. */
  readonly pod: corev1.Pod | undefined;
  readonly view: PodView;
  readonly reason: KillReason;
  readonly graceSeconds?: number | undefined;
  readonly services: PodServices;
}

/** Stops all containers that run (or were made and never started). */
export async function killRunning({ pod, view, reason, graceSeconds, services }: KillInput, ctx: Ctx): Promise<void> {
  const running = view.containers.filter(({ state }) => state === 'running' || state === 'unknown');
  if (running.length === 0) return;
  const podIp = (pod?.spec.hostNetwork ? services.hostIps() : viewIps(view))[0] ?? '';
  const order = terminationOrder(pod, running);
  const ended = new Map<string, PromiseWithResolvers<void>>(running.map(({ id }) => [id, Promise.withResolvers<void>()]));
  const results = await Promise.allSettled(
    running.map(async (container) => {
      const before = order.get(container.id) ?? [];
      const turn = Promise.all(before.map((id) => ended.get(id)!.promise)).then(() => undefined);
      try {
        await stopContainer(
          {
            pod,
            container,
            reason,
            podIp,
            runtime: services.runtime,
            recorder: services.recorder,
            clock: services.clock,
            ...(before.length > 0 && { turn }),
            ...(graceSeconds !== undefined && { graceSeconds }),
          },
          ctx,
        );
      } finally {
        ended.get(container.id)!.resolve();
      }
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** By container id: those that end before it. Regular containers wait for nobody, each sidecar for them and the sidecars after it. */
function terminationOrder(pod: corev1.Pod | undefined, running: readonly ContainerView[]): ReadonlyMap<string, readonly string[]> {
  const sidecars = (pod?.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const order = new Map<string, readonly string[]>();
  for (const container of running) {
    const rank = sidecars.indexOf(container.name);
    if (rank < 0) continue;
    const before = running.filter(({ name }) => {
      const other = sidecars.indexOf(name);
      return other < 0 || other > rank;
    });
    order.set(
      container.id,
      before.map(({ id }) => id),
    );
  }
  return order;
}

/** A pod could not be ended in one go; the next step goes on with it. */
export class TerminationError extends Error {
  override readonly name = 'TerminationError';
}

/** Stops everything and publishes how it ended. Idempotent. */
export async function terminatePod(record: PodRecord, graceSeconds: number | undefined, services: PodServices, ctx: Ctx): Promise<void> {
  const { pod } = record;
  const { uid, name, namespace = '' } = pod.metadata;
  services.prober.podTerminating(uid);
  let view = await services.views.view({ uid, name, namespace }, ctx);
  publishStatus(record, view, false, services);
  try {
    await killRunning({ pod, view, reason: 'podEnds', graceSeconds, services }, ctx);
    for (const { id } of view.sandboxes) await services.runtime.stopPodSandbox(id, ctx);
  } finally {
    services.views.invalidate(uid);
  }
  view = await services.views.view({ uid, name, namespace }, ctx);
  const left = view.containers.filter(({ state }) => state === 'running');
  if (left.length > 0) throw new TerminationError(`containers still run: ${left.map((container) => container.name).join(', ')}`);
  await readMessages(record, view, services);
  services.prober.podGone(uid);
  record.waiting.clear();
  publishStatus(record, view, true, services);
}

/** Gives back what a pod that has ended held: volumes and cgroup. Its containers and logs stay to be read. */
export async function releasePod(uid: string, services: PodServices, ctx: Ctx): Promise<void> {
  await services.volumes.release(uid, ctx);
  await services.host.cgroups.release(uid);
  services.podsChanged();
}

/** Removes the last traces: containers, sandboxes, directories, logs. */
export async function removePod(
  identity: { readonly uid: string; readonly name: string; readonly namespace: string },
  services: PodServices,
  ctx: Ctx,
): Promise<void> {
  const { uid } = identity;
  services.views.invalidate(uid);
  const view = await services.views.view(identity, ctx);
  for (const { id } of view.sandboxes) {
    await services.runtime.stopPodSandbox(id, ctx);
    await services.runtime.removePodSandbox(id, ctx);
  }
  for (const { id } of view.containers) await services.runtime.removeContainer(id, ctx);
  // The engine leaves empty cgroups of its own behind in hierarchies that only it uses.
  await services.host.cgroups.release(uid);
  await services.host.files.remove(uid);
  await services.host.files.removeLogs(uid);
  services.views.forget(uid);
  services.puller.forget(uid);
  services.backoff.forget(`${uid}/`);
}
