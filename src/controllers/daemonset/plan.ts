/**
 * Which pods a DaemonSet makes and takes away so that there is one on each node that it wants. Pure; it neither reads caches nor writes.
 * Newer versions come later (`rolling-update.ts`), when this has nothing to do.
 * @source pkg/controller/daemon/daemon_controller.go (manage, podsShouldBeOnNode), v1.35
 */
import { type appsv1, type corev1, isPodAvailable, isPodReady, isPodTerminal, isPodTerminating } from '../../api/index.ts';
import { allowsSurge } from './bounds.ts';
import { inAgeOrder, podHashLabel, targetNode } from './daemon-pod.ts';
import type { Placement } from './placement.ts';

type DaemonSet = appsv1.DaemonSet;
type Pod = corev1.Pod;

export interface PlacedNode {
  readonly name: string;
  readonly placement: Placement;
}

export interface DaemonView {
  readonly daemonSet: DaemonSet;
  /** All there are, each with what the set wants of it. */
  readonly nodes: readonly PlacedNode[];
  /** Pods that it controls, by the node that each is for; see `podsByNode`. */
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  /** Of the newest revision. */
  readonly hash: string;
  /** How long a failed pod of the node stays. */
  readonly backoffMs: (node: string) => number;
  readonly nowMs: number;
}

export type RemovalReason = 'surplus' | 'failed' | 'succeeded' | 'unwanted' | 'outdated';

export interface Removal {
  readonly pod: Pod;
  readonly node: string;
  readonly why: RemovalReason;
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly createOn: readonly string[];
  readonly remove: readonly Removal[];
  /** When a failed pod may be replaced. */
  readonly retryMs?: number;
}

/** @param pods that it controls; those that ended and are going count as gone */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    if (isPodTerminal(pod) && isPodTerminating(pod)) continue;
    const node = targetNode(pod);
    if (node === undefined) continue;
    const there = byNode.get(node);
    if (there) there.push(pod);
    else byNode.set(node, [pod]);
  }
  return byNode;
}

export function planDaemonPods(view: DaemonView): DaemonPlan {
  const createOn: string[] = [];
  const remove: Removal[] = [];
  let retryMs: number | undefined;
  let onNodes = 0;
  for (const { name, placement } of view.nodes) {
    const pods = view.pods.get(name);
    if (!pods) {
      if (placement === 'run') createOn.push(name);
      continue;
    }
    onNodes++;
    const staying = pods.filter((pod) => !isPodTerminating(pod));
    if (placement === 'none') {
      for (const pod of staying) remove.push({ pod, node: name, why: 'unwanted' });
      continue;
    }
    const running: Pod[] = [];
    for (const pod of staying) {
      const why = pod.status?.phase === 'Failed' ? 'failed' : 'succeeded';
      if (!isPodTerminal(pod)) running.push(pod);
      else if (why === 'failed' && view.backoffMs(name) > 0) retryMs = Math.min(retryMs ?? Infinity, view.backoffMs(name));
      else remove.push({ pod, node: name, why });
    }
    if (running.length > 1) for (const pod of surplusOf(view, running)) remove.push({ pod, node: name, why: 'surplus' });
  }
  if (onNodes < view.pods.size) remove.push(...withoutNode(view));
  return { createOn, remove, ...(retryMs !== undefined && { retryMs }) };
}

/**
 * Those of a node's pods that are too many. With surge, a new pod may stand beside an old one until it has taken over.
 */
function surplusOf(view: DaemonView, running: readonly Pod[]): Pod[] {
  const { daemonSet, hash, nowMs } = view;
  const ordered = inAgeOrder(running);
  if (!allowsSurge(daemonSet)) return ordered.slice(1);
  const isNew = ({ metadata }: Pod): boolean => metadata.labels?.[podHashLabel] === hash;
  const newest = ordered.find(isNew);
  const old = ordered.find((pod) => !isNew(pod));
  const surplus = ordered.filter((pod) => pod !== newest && pod !== old);
  if (newest && old) {
    const minReadySeconds = daemonSet.spec.minReadySeconds ?? 0;
    if (!isPodReady(old) || isPodAvailable(newest, { minReadySeconds, nowMs })) surplus.push(old);
  }
  return surplus;
}

/** Pods that were made for a node which is gone before they came to it: nobody else deletes them. */
function withoutNode({ nodes, pods }: DaemonView): Removal[] {
  const names = new Set(nodes.map(({ name }) => name));
  return [...pods].flatMap(([node, there]) =>
    names.has(node) ? [] : there.filter(({ spec }) => !spec.nodeName).map((pod) => ({ pod, node, why: 'unwanted' as const })),
  );
}

/** The plan as text: a line a pod. */
export function formatDaemonPlan({ createOn, remove, retryMs }: DaemonPlan): string {
  const lines = [
    ...createOn.map((node) => `create on ${node}`),
    ...remove.map(({ pod, node, why }) => `delete ${pod.metadata.name} on ${node} (${why})`),
    ...(retryMs === undefined ? [] : [`look again in ${retryMs} ms`]),
  ];
  return lines.join('\n') || 'nothing';
}
