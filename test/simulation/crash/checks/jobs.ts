/**
 * What must hold of a Job's counts: each pod that ended is counted once, as what it ended as, and none is let go before. A pod is counted
 * when its uid was in `uncountedTerminatedPods` and has left it together with a step of the counter.
 */
import { type batchv1, type corev1, isPodTerminal } from '../../../../src/api/index.ts';
import { type Check, type History, ownerOf } from '../history.ts';

const finalizer = 'batch.kubernetes.io/job-tracking';

/** With which what its pods become is no longer the Job's matter. */
const decisions: ReadonlySet<string> = new Set(['Complete', 'Failed', 'SuccessCriteriaMet']);

type Outcome = 'succeeded' | 'failed';

interface Tally {
  readonly name: string;
  readonly ended: Readonly<Record<Outcome, Set<string>>>;
  /** Pods that were to be deleted before they ended: as good as failed. */
  readonly deleted: Set<string>;
  /** Indexes of those that succeeded, where pods have one. */
  readonly indexes: Set<number>;
  /** Every uid that was ever about to be counted. */
  readonly taken: Readonly<Record<Outcome, Set<string>>>;
  /** Indexes that the status has named. */
  completed: ReadonlySet<number>;
  finished: boolean;
}

export function countedOnce(): Check {
  const tallies = new Map<string, Tally>();
  const tallyOf = (uid: string, name = uid): Tally => {
    const known = tallies.get(uid);
    if (known) return known;
    const none = (): Readonly<Record<Outcome, Set<string>>> => ({ succeeded: new Set(), failed: new Set() });
    const tally: Tally = {
      name,
      ended: none(),
      deleted: new Set(),
      indexes: new Set(),
      completed: new Set(),
      taken: none(),
      finished: false,
    };
    tallies.set(uid, tally);
    return tally;
  };
  return (step, history) => {
    if (step.kind === 'Job')
      return step.now
        ? jobFaults(tallyOf(step.now.metadata.uid, step.now.metadata.name), step.now as batchv1.Job, step.old as batchv1.Job | undefined)
        : [];
    if (step.kind !== 'Pod') return [];
    const owner = ownerOf((step.now ?? step.old)!, 'Job');
    return owner === undefined
      ? []
      : podFaults(tallyOf(owner), owner, step.old as corev1.Pod | undefined, step.now as corev1.Pod | undefined, history);
  };
}

function jobFaults(tally: Tally, now: batchv1.Job, old: batchv1.Job | undefined): string[] {
  const faults: string[] = [];
  const isIndexed = now.spec.completionMode === 'Indexed';
  if (isIndexed) faults.push(...indexFaults(tally, now));
  for (const outcome of isIndexed ? (['failed'] as const) : (['succeeded', 'failed'] as const)) {
    const before = new Set(old?.status?.uncountedTerminatedPods?.[outcome] ?? []);
    const waiting = now.status?.uncountedTerminatedPods?.[outcome] ?? [];
    const count = now.status?.[outcome] ?? 0;
    if (new Set(waiting).size < waiting.length) faults.push(`job ${tally.name} is about to count a pod twice as ${outcome}`);
    for (const uid of waiting) {
      if (before.has(uid)) continue;
      if (tally.taken.succeeded.has(uid) || tally.taken.failed.has(uid))
        faults.push(`job ${tally.name} counts pod ${uid} again, as ${outcome}`);
      tally.taken[outcome].add(uid);
      const real = tally.ended[outcome].has(uid) || (outcome === 'failed' && tally.deleted.has(uid));
      if (!real) faults.push(`job ${tally.name} counts pod ${uid} as ${outcome}, which it did not end as`);
    }
    const left = [...before].filter((uid) => !waiting.includes(uid)).length;
    const grown = count - (old?.status?.[outcome] ?? 0);
    if (old && grown !== left)
      faults.push(`job ${tally.name}: ${outcome} grew by ${grown}, and ${left} pods left those that wait to be counted`);
    if (count + waiting.length !== tally.taken[outcome].size) {
      faults.push(`job ${tally.name}: ${outcome} is ${count} and ${waiting.length} wait, but ${tally.taken[outcome].size} pods were taken`);
    }
  }
  tally.finished ||= (now.status?.conditions ?? []).some(({ type, status }) => decisions.has(type) && status === 'True');
  return faults;
}

/** Of indexed pods the status names the indexes that are done, and needs no list of those that wait. */
function indexFaults(tally: Tally, { status }: batchv1.Job): string[] {
  const named = new Set(rangesOf(status?.completedIndexes ?? ''));
  const faults = [...named]
    .filter((index) => !tally.indexes.has(index))
    .map((index) => `job ${tally.name}: no pod of index ${index} succeeded`);
  for (const index of tally.completed) if (!named.has(index)) faults.push(`job ${tally.name} forgot that index ${index} was done`);
  if ((status?.succeeded ?? 0) !== named.size)
    faults.push(`job ${tally.name}: succeeded is ${status?.succeeded}, ${named.size} indexes are done`);
  tally.completed = named;
  return faults;
}

/** Such as `1,3-5`. */
function rangesOf(text: string): number[] {
  return text.split(',').flatMap((range) => {
    if (range === '') return [];
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

const indexOf = ({ metadata }: corev1.Pod): number => Number(metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? NaN);

function podFaults(tally: Tally, owner: string, old: corev1.Pod | undefined, now: corev1.Pod | undefined, history: History): string[] {
  const { uid, name } = (now ?? old)!.metadata;
  if (now) {
    if (now.status.phase === 'Succeeded') {
      tally.ended.succeeded.add(uid);
      tally.indexes.add(indexOf(now));
    }
    if (now.status.phase === 'Failed') tally.ended.failed.add(uid);
    if (now.metadata.deletionTimestamp !== undefined) tally.deleted.add(uid);
  }
  const held = (pod: corev1.Pod | undefined): boolean => pod?.metadata.finalizers?.includes(finalizer) ?? false;
  // What still runs when it is let go was deleted as one too many, and does not count.
  if (!held(old) || held(now) || !isPodTerminal((now ?? old)!)) return [];
  const stands = [...history.all('Job')].some(({ metadata }) => metadata.uid === owner && metadata.deletionTimestamp === undefined);
  if (!stands || tally.finished) return [];
  const index = indexOf((now ?? old)!);
  const known = tally.completed.has(index) || tally.taken.succeeded.has(uid) || tally.taken.failed.has(uid);
  return known ? [] : [`pod ${name} was let go before job ${tally.name} had taken it into account`];
}

/** Of Jobs that give each index so many tries: an index is done or has failed, for ever, and no pod is made for one that has. */
export const indexesDecidedOnce: Check = ({ kind, old, now }, history) => {
  if (kind === 'Pod' && !old && now) {
    const index = indexOf(now as corev1.Pod);
    const job = [...history.all('Job')].find(({ metadata }) => metadata.uid === ownerOf(now, 'Job'));
    const failed = rangesOf(job?.status?.failedIndexes ?? '').includes(index);
    const twins = [...history.all('Pod')].filter(
      (pod) => job && ownerOf(pod, 'Job') === job.metadata.uid && indexOf(pod) === index && !isPodTerminal(pod) && !isGoing(pod),
    );
    return [
      ...(failed ? [`pod ${now.metadata.name} was made for index ${index}, which has failed`] : []),
      ...(twins.length > 1 ? [`pods ${twins.map(({ metadata }) => metadata.name).join(' and ')} are both of index ${index}`] : []),
    ];
  }
  if (kind !== 'Job' || !now) return [];
  const { name } = now.metadata;
  const { status } = now as batchv1.Job;
  const failed = new Set(rangesOf(status?.failedIndexes ?? ''));
  const done = rangesOf(status?.completedIndexes ?? '').filter((index) => failed.has(index));
  const forgotten = rangesOf((old as batchv1.Job | undefined)?.status?.failedIndexes ?? '').filter((index) => !failed.has(index));
  return [
    ...done.map((index) => `job ${name}: index ${index} is done and has failed`),
    ...forgotten.map((index) => `job ${name} forgot that index ${index} had failed`),
  ];
};

const isGoing = ({ metadata }: corev1.Pod): boolean => metadata.deletionTimestamp !== undefined;
