/**
 * Empties a node before it goes: no new pods, and those it has are asked to leave as their disruption budgets allow. What a DaemonSet would
 * bring right back, and what only mirrors the node itself, goes with the node.
 * @source staging/src/k8s.io/kubectl/pkg/drain (filters.go, drain.go), v1.35
 */
import { type corev1, corev1Resources, isApiError } from '../../api/index.ts';
import type { Clock, Ctx } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';

/** How often a pod whose budget is used up is asked again, and a pod that leaves is looked at. */
const retryMs = 500;

/** Pods that have to leave before the node goes. Pure. */
export function podsToEvict(pods: readonly corev1.Pod[]): corev1.Pod[] {
  return pods.filter(({ metadata, status }) => {
    const controller = metadata.ownerReferences?.find((owner) => owner.controller);
    const isMirror = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
    const isFinished = status.phase === 'Succeeded' || status.phase === 'Failed';
    return !isMirror && !isFinished && controller?.kind !== 'DaemonSet';
  });
}

/** Marks the node as closed to new pods. @returns false when there is no such Node object */
export async function cordon(api: Client, name: string, { signal }: Ctx): Promise<boolean> {
  const patch = { type: 'application/merge-patch+json', body: { spec: { unschedulable: true } } } as const;
  try {
    await api.patch(corev1Resources.nodes, { name }, patch, { signal });
    return true;
  } catch (error) {
    if (isApiError(error, 'NotFound')) return false;
    throw error;
  }
}

/** Evicts until no pod is left or time is up; returns those that are left. */
export async function evictAll(
  api: Client,
  name: string,
  options: { readonly limitMs: number; readonly clock: Clock },
  ctx: Ctx,
): Promise<corev1.Pod[]> {
  const { limitMs, clock } = options;
  const endMs = clock.monotonic() + limitMs;
  for (;;) {
    const left = podsToEvict(await podsOn(api, name, ctx));
    if (left.length === 0 || clock.monotonic() >= endMs) return left;
    for (const pod of left) if (!pod.metadata.deletionTimestamp) await evict(api, pod, ctx);
    await clock.sleep(retryMs, ctx.signal);
  }
}

export async function podsOn(api: Client, node: string, { signal }: Ctx): Promise<readonly corev1.Pod[]> {
  const { items } = await api.list(corev1Resources.pods, { signal, fieldSelector: `spec.nodeName=${node}` });
  return items;
}

/** One try: a budget may say no for now, and somebody else may have been quicker. */
async function evict(api: Client, { metadata: { namespace, name } }: corev1.Pod, { signal }: Ctx): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: namespace!, name } };
  try {
    await api.subresource(corev1Resources.pods, { namespace, name }, { name: 'eviction', verb: 'create', body }, { signal });
  } catch (error) {
    const expected = ['TooManyRequests', 'NotFound', 'Conflict', 'Forbidden'] as const;
    // Forbidden: its namespace is being deleted, and the pod with it.
    if (!expected.some((reason) => isApiError(error, reason))) throw error;
  }
}
