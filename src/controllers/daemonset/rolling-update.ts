/**
 * The next old pods that a rolling update takes away, and the nodes that get a new pod beside an old one. Without surge, an old pod goes
 * and `planDaemonPods` makes the new one; with surge, the new one comes first. Pure.
 * @source pkg/controller/daemon/update.go (rollingUpdate), v1.35
 */
import { type corev1, isPodAvailable, isPodTerminating } from '../../api/index.ts';
import { updateBounds } from './bounds.ts';
import { isUpdated } from './daemon-pod.ts';
import type { DaemonPlan, DaemonView, Removal } from './plan.ts';
import type { Placement } from './placement.ts';

type Pod = corev1.Pod;

/** What stands on one node: at most one pod of each version, or `crowded`, which `planDaemonPods` will clear. */
interface Place {
  readonly node: string;
  readonly placement: Placement;
  readonly fresh?: Pod;
  readonly old?: Pod;
  readonly crowded?: true;
}

export function planRollingUpdate(view: DaemonView): DaemonPlan {
  const places = placesOf(view);
  const wanted = places.filter(({ placement }) => placement === 'run').length;
  const { maxSurge, maxUnavailable } = updateBounds(view.daemonSet, wanted);
  return maxSurge === 0 ? replace(view, places, maxUnavailable) : surge(view, places, { maxSurge, wanted });
}

/** Nodes that should have a pod or do have one. */
function placesOf(view: DaemonView): Place[] {
  const places: Place[] = [];
  const known = new Set<string>();
  for (const { name, placement } of view.nodes) {
    known.add(name);
    const pods = view.pods.get(name);
    if (pods || placement === 'run') places.push(placeOf(view, { node: name, placement, pods: pods ?? [] }));
  }
  for (const [node, pods] of view.pods) if (!known.has(node)) places.push(placeOf(view, { node, placement: 'none', pods }));
  return places;
}

function placeOf(
  { daemonSet, hash }: DaemonView,
  { pods, ...place }: { readonly node: string; readonly placement: Placement; readonly pods: readonly Pod[] },
): Place {
  let fresh: Pod | undefined;
  let old: Pod | undefined;
  for (const pod of pods) {
    if (isPodTerminating(pod)) continue;
    const updated = isUpdated(daemonSet, pod, hash);
    if (updated ? fresh : old) return { ...place, crowded: true };
    if (updated) fresh = pod;
    else old = pod;
  }
  return { ...place, ...(fresh && { fresh }), ...(old && { old }) };
}

/** Pods that are going do not count as missing beyond their node: an update goes on while nodes are down. */
function replace(view: DaemonView, places: readonly Place[], maxUnavailable: number): DaemonPlan {
  const broken: Removal[] = [];
  const candidates: Removal[] = [];
  let unavailable = 0;
  for (const { node, fresh, old, crowded } of places) {
    if (crowded || !old === !fresh) unavailable++;
    else if (fresh) unavailable += isAvailable(view, fresh) ? 0 : 1;
    else if (old) {
      const removal = { pod: old, node, why: 'outdated' } as const;
      if (isAvailable(view, old)) candidates.push(removal);
      else {
        broken.push(removal);
        unavailable++;
      }
    }
  }
  return { createOn: [], remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

function surge(
  view: DaemonView,
  places: readonly Place[],
  { maxSurge, wanted }: { readonly maxSurge: number; readonly wanted: number },
): DaemonPlan {
  const remove: Removal[] = [];
  const misplaced: Removal[] = [];
  const allowed: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  let available = 0;
  for (const { node, placement, fresh, old, crowded } of places) {
    if (crowded) {
      surging++;
      continue;
    }
    const counted = old ?? fresh;
    if (counted && isAvailable(view, counted)) available++;
    if (!old) continue;
    const removal = { pod: old, node, why: 'outdated' } as const;
    if (fresh) {
      if (isAvailable(view, fresh)) remove.push(removal);
      else surging++;
    } else if (isAvailable(view, old)) {
      if (placement !== 'run') misplaced.push(removal);
      else candidates.push(node);
    } else if (placement !== 'run') remove.push(removal);
    else allowed.push(node);
  }
  // One on a node that is no longer wanted goes when another stands in for it.
  remove.push(...misplaced.slice(0, Math.max(0, available - wanted)));
  return { createOn: [...allowed, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}

function isAvailable({ daemonSet, nowMs }: DaemonView, pod: Pod): boolean {
  return isPodAvailable(pod, { minReadySeconds: daemonSet.spec.minReadySeconds ?? 0, nowMs });
}
