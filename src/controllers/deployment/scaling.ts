/**
 * How many pods each ReplicaSet of a Deployment gets next. Pure: sizes in, steps out, in the order in which they are taken.
 * @source pkg/controller/deployment/{rolling,recreate,sync}.go, v1.35
 */
import type { appsv1 } from '../../api/index.ts';
import { desiredReplicas, maxReplicas } from './annotations.ts';
import { isRollingUpdate, maxSurge, minAvailable, replicasOf } from './bounds.ts';
import { byCreation } from './template.ts';

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

export interface ScaleStep {
  readonly replicaSet: ReplicaSet;
  readonly from: number;
  readonly to: number;
}

/** The ReplicaSets of a Deployment: `current` is that of its template, if made. */
export interface Family {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export function allOf({ current, old }: Family): ReplicaSet[] {
  return current ? [...old, current] : [...old];
}

function sum(replicaSets: readonly ReplicaSet[], count: (replicaSet: ReplicaSet) => number): number {
  return replicaSets.reduce((total, replicaSet) => total + count(replicaSet), 0);
}

function wantedPods(replicaSets: readonly ReplicaSet[]): number {
  return sum(replicaSets, replicasOf);
}

export function availablePods(replicaSets: readonly ReplicaSet[]): number {
  return sum(replicaSets, ({ status }) => status?.availableReplicas ?? 0);
}

export function isActive(replicaSet: ReplicaSet): boolean {
  return replicasOf(replicaSet) > 0;
}

/** Somebody changed the Deployment's size since its ReplicaSets were last scaled. */
export function isScalingEvent(deployment: Deployment, family: Family): boolean {
  return allOf(family)
    .filter(isActive)
    .some((replicaSet) => (desiredReplicas(replicaSet) ?? replicasOf(deployment)) !== replicasOf(deployment));
}

/** The size that the ReplicaSet of the template gets, within what surge allows. */
export function newReplicaSetSize(deployment: Deployment, family: Family): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const now = family.current ? replicasOf(family.current) : 0;
  const room = wanted + maxSurge(deployment) - wantedPods(allOf(family));
  return room <= 0 ? now : now + Math.min(room, wanted - now);
}

/** One rolling step: the new one up if it can, else the old ones down. */
export function rollingSteps(deployment: Deployment, family: Family & { readonly current: ReplicaSet }): ScaleStep[] {
  const { current } = family;
  const [now, wanted] = [replicasOf(current), replicasOf(deployment)];
  const next = now > wanted ? wanted : newReplicaSetSize(deployment, family);
  return next === now ? oldSteps(deployment, family) : [{ replicaSet: current, from: now, to: next }];
}

function oldSteps(deployment: Deployment, { current, old }: Family & { readonly current: ReplicaSet }): ScaleStep[] {
  if (wantedPods(old) === 0) return [];
  const least = minAvailable(deployment);
  const unavailable = replicasOf(current) - (current.status?.availableReplicas ?? 0);
  const mayGo = wantedPods([...old, current]) - least - unavailable;
  if (mayGo <= 0) return [];
  const sizes = new Map(old.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  const steps: ScaleStep[] = [];
  const shrink = (replicaSet: ReplicaSet, by: number): void => {
    const from = sizes.get(replicaSet)!;
    sizes.set(replicaSet, from - by);
    steps.push({ replicaSet, from, to: from - by });
  };
  // Pods that do not work go first: they are not missed, and may be why the rollout is.
  let gone = 0;
  for (const replicaSet of byCreation(old)) {
    const unhealthy = sizes.get(replicaSet)! - (replicaSet.status?.availableReplicas ?? 0);
    const by = Math.min(mayGo - gone, unhealthy);
    if (by <= 0) continue;
    shrink(replicaSet, by);
    gone += by;
  }
  let surplus = availablePods([...old, current]) - least;
  for (const replicaSet of byCreation(old)) {
    const by = Math.min(sizes.get(replicaSet)!, surplus);
    if (by <= 0) continue;
    shrink(replicaSet, by);
    surplus -= by;
  }
  return steps;
}

/** Every old one to nothing. */
export function emptyOld(old: readonly ReplicaSet[]): ScaleStep[] {
  return old.filter(isActive).map((replicaSet) => ({ replicaSet, from: replicasOf(replicaSet), to: 0 }));
}

/** A new size for the whole Deployment: to the one that is active, or to all in proportion. */
export function resizeSteps(deployment: Deployment, family: Family): ScaleStep[] {
  const wanted = replicasOf(deployment);
  const only = activeOrLatest(family);
  if (only) return replicasOf(only) === wanted ? [] : [{ replicaSet: only, from: replicasOf(only), to: wanted }];
  if (isSaturated(deployment, family.current)) return emptyOld(family.old);
  return isRollingUpdate(deployment) ? proportionalSteps(deployment, family) : [];
}

/** The one active ReplicaSet, or the newest when none is; undefined when several are. */
function activeOrLatest({ current, old }: Family): ReplicaSet | undefined {
  const active = allOf({ current, old }).filter(isActive);
  if (active.length > 1) return undefined;
  return active[0] ?? current ?? byCreation(old).at(-1);
}

function isSaturated(deployment: Deployment, current: ReplicaSet | undefined): boolean {
  const wanted = replicasOf(deployment);
  if (!current) return false;
  return desiredReplicas(current) === wanted && replicasOf(current) === wanted && current.status?.availableReplicas === wanted;
}

function proportionalSteps(deployment: Deployment, family: Family): ScaleStep[] {
  const active = allOf(family).filter(isActive);
  const wanted = replicasOf(deployment);
  const toAdd = (wanted > 0 ? wanted + maxSurge(deployment) : 0) - wantedPods(active);
  // The largest bears the rest; among equals the newest when growing, the oldest when shrinking.
  const byAge = toAdd > 0 ? byCreation(active).reverse() : byCreation(active);
  const ordered = byAge.sort((a, b) => replicasOf(b) - replicasOf(a));
  let added = 0;
  const steps = ordered.map((replicaSet) => {
    const from = replicasOf(replicaSet);
    const share = toAdd === 0 ? 0 : proportion(replicaSet, { deployment, toAdd, added });
    added += share;
    return { replicaSet, from, to: from + share };
  });
  const [first, ...rest] = steps;
  if (!first) return [];
  return [{ ...first, to: Math.max(0, first.to + toAdd - added) }, ...rest];
}

function proportion(replicaSet: ReplicaSet, options: { deployment: Deployment; toAdd: number; added: number }): number {
  const { deployment, toAdd, added } = options;
  if (replicasOf(replicaSet) === 0 || toAdd === added) return 0;
  const fraction = fractionOf(replicaSet, deployment);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(replicaSet: ReplicaSet, deployment: Deployment): number {
  const size = replicasOf(replicaSet);
  if (replicasOf(deployment) === 0) return -size;
  const before = maxReplicas(replicaSet) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const exact = (size * (replicasOf(deployment) + maxSurge(deployment))) / before;
  return Math.floor(exact + 0.5) - size;
}
