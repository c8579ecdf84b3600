/** A node where evicting some pods makes room, and the choice of one among several. @source kube-scheduler v1.35 framework/preemption/preemption.go (pickOneNodeForPreemption) */
import type { ExtenderVictims, PodInfo } from '../framework/index.ts';

export interface Candidate {
  readonly nodeName: string;
  /** Most important first; at least one. */
  readonly victims: ExtenderVictims;
}

/** Added to every priority, so that sums of negative ones still grow with the number of pods. */
const priorityOffset = 2 ** 31;

/** In order of precedence; the higher the better. */
const preferences: readonly ((victims: ExtenderVictims) => number)[] = [
  ({ pdbViolations }) => -pdbViolations,
  ({ pods }) => -pods[0]!.priority,
  ({ pods }) => -pods.reduce((sum, { priority }) => sum + priority + priorityOffset, 0),
  ({ pods }) => -pods.length,
  ({ pods }) => earliestStart(pods),
];

/** The candidate that hurts least; among equals the first. */
export function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const preference of preferences) {
    if (left.length <= 1) break;
    const scores = left.map(({ victims }) => preference(victims));
    const best = scores.reduce((max, score) => Math.max(max, score));
    left = left.filter((_, i) => scores[i] === best);
  }
  return left[0];
}

/** When the first of the pods with the highest priority began. */
function earliestStart(pods: readonly PodInfo[]): number {
  const highest = pods.reduce((max, { priority }) => Math.max(max, priority), Number.NEGATIVE_INFINITY);
  return pods.filter(({ priority }) => priority === highest).reduce((min, pod) => Math.min(min, startedMs(pod)), Number.POSITIVE_INFINITY);
}

/** Who has not started yet counts as started last. */
function startedMs({ pod }: PodInfo): number {
  return pod.status.startTime ? Date.parse(pod.status.startTime) : Number.MAX_SAFE_INTEGER;
}

/** The order in which pods are spared: by priority, then by how long they have run. @source pkg/scheduler/util/utils.go (MoreImportantPod) */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedMs(a) - startedMs(b);
}
