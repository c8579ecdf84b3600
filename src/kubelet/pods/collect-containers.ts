/**
 * Removes dead containers and sandboxes that nobody needs: of each container the newest instance and one before it stay, for logs and
 * for `lastState`. @source pkg/kubelet/kuberuntime/kuberuntime_gc.go, v1.35 (maxPerPodContainerDeadCount 1)
 */
import type { Ctx } from '../../base/index.ts';
import type { PodServices } from './pod-services.ts';
import type { PodView } from './pod-view.ts';

const keptInstances = 2;

export async function collectContainers(view: PodView, { runtime, views, logs }: PodServices, ctx: Ctx): Promise<void> {
  const seen = new Map<string, number>();
  const dead = view.containers.filter(({ name, state }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count > keptInstances && state !== 'running';
  });
  const kept = view.containers.filter((container) => !dead.includes(container));
  const emptySandboxes = view.sandboxes
    .slice(1)
    .filter(({ id, state }) => state === 'notReady' && !kept.some(({ sandboxId }) => sandboxId === id));
  if (dead.length === 0 && emptySandboxes.length === 0) return;
  for (const { id, logPath } of dead) {
    await runtime.removeContainer(id, ctx);
    if (logPath !== '') await logs.remove(logPath);
  }
  for (const { id } of emptySandboxes) {
    await runtime.stopPodSandbox(id, ctx);
    await runtime.removePodSandbox(id, ctx);
  }
  views.invalidate(view.uid);
}
