/**
 * What a stricter policy would say about the pods that are there already: they stay, and whoever changes the policy is told.
 * @source pod-security-admission admission EvaluatePodsInNamespace, v1.35
 */
import { controllerOf, type corev1 } from '../../../api/index.ts';
import { formatLevelVersion, type LevelVersion } from './policy.ts';
import { findingsOf } from './standards.ts';

/** More pods than these are not looked at … */
const maxPods = 3_000;
/** … and not for longer than this. */
const maxMs = 1_000;
/** Pods between two looks at the clock. */
const podsBetweenLooks = 100;

interface Violators {
  first: string;
  count: number;
}

export interface ExistingPods {
  readonly namespace: string;
  readonly pods: readonly corev1.Pod[];
  readonly policy: LevelVersion;
  readonly monotonic: () => number;
}

/** The warnings, in order; none when every pod is fine. */
export function existingPodWarnings({ namespace, pods, policy, monotonic }: ExistingPods): string[] {
  const ordered = differentFirst(pods);
  const endMs = monotonic() + maxMs;
  const byReason = new Map<string, Violators>();
  let checked = 0;
  for (const pod of ordered.slice(0, maxPods)) {
    note(byReason, pod, policy);
    checked++;
    if (checked % podsBetweenLooks === 0 && monotonic() > endMs) break;
  }
  const some = `new PodSecurity enforce level only checked against the first ${checked} of ${ordered.length} existing pods`;
  const found = `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(formatLevelVersion(policy))}`;
  return [
    ...(checked < ordered.length ? [some] : []),
    ...(byReason.size > 0 ? [found] : []),
    ...[...byReason].map(([reason, violators]) => `${namesOf(violators)}: ${reason}`).sort(),
  ];
}

function note(byReason: Map<string, Violators>, pod: corev1.Pod, policy: LevelVersion): void {
  const reasons = findingsOf(pod, policy)
    .map(({ reason }) => reason)
    .join(', ');
  if (reasons === '') return;
  const { name } = pod.metadata;
  const violators = byReason.get(reasons);
  if (!violators) byReason.set(reasons, { first: name, count: 1 });
  else {
    violators.count++;
    if (name < violators.first) violators.first = name;
  }
}

/** One pod of each controller before the others: they are likely to be the same. */
function differentFirst(pods: readonly corev1.Pod[]): corev1.Pod[] {
  const seen = new Set<string>();
  const [first, rest]: [corev1.Pod[], corev1.Pod[]] = [[], []];
  for (const pod of pods) {
    const uid = controllerOf(pod)?.uid;
    (uid !== undefined && seen.has(uid) ? rest : first).push(pod);
    if (uid !== undefined) seen.add(uid);
  }
  return [...first, ...rest];
}

function namesOf({ first, count }: Violators): string {
  if (count === 1) return first;
  return count === 2 ? `${first} (and 1 other pod)` : `${first} (and ${count - 1} other pods)`;
}
