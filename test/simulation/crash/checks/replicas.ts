/**
 * What must hold of replicas. A controller that restarts, or whose cache lags, may not make a pod too many: whenever a ReplicaSet's pod is
 * made, there are no more of them than were wanted at some moment within the last seconds. A Deployment has one ReplicaSet a template.
 */
import { type appsv1, type corev1, isPodTerminal } from '../../../../src/api/index.ts';
import { type Check, type History, ownerOf } from '../history.ts';

/** For so long a controller may not have heard of a change that its user made, or have had a write in hand: as long as it leads unseen. */
export const heardOfWithinMs = 16_000;

interface Wanted {
  readonly timeMs: number;
  readonly count: number;
}

/** The most that were wanted at any moment of the last seconds. */
export class WantedCounts {
  readonly #of = new Map<string, Wanted[]>();

  set(uid: string, wanted: Wanted): void {
    const counts = this.#of.get(uid) ?? [];
    if (counts.at(-1)?.count !== wanted.count) counts.push(wanted);
    this.#of.set(uid, counts);
  }

  /** Undefined for what was never told of. */
  most(uid: string, nowMs: number): number | undefined {
    const counts = this.#of.get(uid);
    if (!counts) return undefined;
    const recent = counts.filter((_, at) => (counts[at + 1]?.timeMs ?? nowMs) >= nowMs - heardOfWithinMs);
    return Math.max(...recent.map(({ count }) => count));
  }
}

export function noSurplusReplicas(): Check {
  const wanted = new WantedCounts();
  return ({ kind, old, now, timeMs }, history) => {
    if (kind === 'ReplicaSet' && now) wanted.set(now.metadata.uid, { timeMs, count: (now as appsv1.ReplicaSet).spec.replicas ?? 1 });
    if (kind !== 'Pod' || old || !now) return [];
    const owner = ownerOf(now, 'ReplicaSet');
    const most = owner === undefined ? undefined : wanted.most(owner, timeMs);
    if (most === undefined) return [];
    const count = livePodsOf(history, 'ReplicaSet', owner!).length;
    return count > most ? [`pod ${now.metadata.name} is the ${count}th of a ReplicaSet that wanted at most ${most}`] : [];
  };
}

export const oneReplicaSetPerTemplate: Check = ({ kind, old, now }, history) => {
  if (kind !== 'ReplicaSet' || old || !now) return [];
  const owner = ownerOf(now, 'Deployment');
  if (owner === undefined) return [];
  const image = imageOf(now as appsv1.ReplicaSet);
  const same = [...history.all('ReplicaSet')].filter(
    (set) => ownerOf(set, 'Deployment') === owner && imageOf(set) === image && set.metadata.uid !== now.metadata.uid,
  );
  return same.map(({ metadata }) => `ReplicaSets ${metadata.name} and ${now.metadata.name} are of one template`);
};

const imageOf = ({ spec }: appsv1.ReplicaSet): string | undefined => spec.template?.spec?.containers[0]?.image;

/** Pods that have neither ended nor are being deleted. */
export function livePodsOf(history: History, kind: string, uid: string): corev1.Pod[] {
  return [...history.all('Pod')].filter(
    (pod) => ownerOf(pod, kind) === uid && !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined,
  );
}
