/**
 * Which pods a Job needs made or deleted now. Pure: a decision on findings, printed as one line.
 * @source pkg/controller/job/job_controller.go manageJob, v1.35
 */
import type { batchv1, corev1 } from '../../api/index.ts';
import { inDeletionOrder } from '../workload/deletion-order.ts';
import type { Findings, IndexFindings } from './assess.ts';
import { backOffLeftMs, indexBackOffLeftMs } from './back-off.ts';
import { Indexes } from './indexes.ts';
import { indexOf, isGoing } from './job-pods.ts';
import { isPerIndex, isSuspended, replacesOnlyEnded } from './job-state.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;

/** Most pods made or deleted in one go. */
const maxPodsAtOnce = 500;

export type PodsPlan =
  /** The Job ends: delete what runs. The finalizers stay until the pods are counted. */
  | { readonly type: 'end'; readonly remove: readonly Pod[] }
  /** Too many: take the finalizer off, so that they are not counted, and delete. */
  | { readonly type: 'remove'; readonly remove: readonly Pod[] }
  | { readonly type: 'create'; readonly count: number; readonly indexes?: readonly number[] }
  /** Pods are missing, and it is too early to make them. */
  | { readonly type: 'backOff'; readonly delayMs: number }
  | { readonly type: 'keep' }
  /** The cache is behind, or the Job is being deleted: nothing can be said. */
  | { readonly type: 'hold' };

export interface PlanInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly findings: Findings;
  /** The cache shows all that was done before. */
  readonly settled: boolean;
  readonly nowMs: number;
}

export function planPods({ job, pods, findings, settled, nowMs }: PlanInput): PodsPlan {
  const { active, end, indexes } = findings;
  if (end) return { type: 'end', remove: active };
  if (!settled || job.metadata.deletionTimestamp !== undefined) return { type: 'hold' };
  if (isSuspended(job)) return { type: 'remove', remove: active };
  const wanted = wantedActive(job, findings);
  const remove = surplus(job, active, { atLeast: Math.max(active.length - wanted, 0), indexed: indexes !== undefined, nowMs });
  if (remove.length > 0) return { type: 'remove', remove: remove.slice(0, maxPodsAtOnce) };
  const going = replacesOnlyEnded(job) ? findings.terminating : 0;
  const missing = wanted - going - active.length;
  if (missing <= 0) return { type: 'keep' };
  const delayMs = isPerIndex(job) ? 0 : backOffLeftMs(findings.backOff, nowMs);
  if (delayMs > 0) return { type: 'backOff', delayMs };
  const count = Math.min(missing, maxPodsAtOnce);
  return indexes ? planIndexes(job, pods, { findings, indexes, count, nowMs }) : { type: 'create', count };
}

/** How many pods should run: never more than there is work left. */
function wantedActive({ spec }: Job, { succeeded, active }: Findings): number {
  const { completions, parallelism = 1 } = spec;
  // Without a number of completions the first success means that the work is done: the others finish theirs.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

function planIndexes(
  job: Job,
  pods: readonly Pod[],
  input: { readonly findings: Findings; readonly indexes: IndexFindings; readonly count: number; readonly nowMs: number },
): PodsPlan {
  const { findings, indexes, count, nowMs } = input;
  const indexesOf = (some: readonly Pod[]): Indexes => Indexes.of(some.map(indexOf).filter((index) => index !== undefined));
  let taken = indexes.succeeded.union(indexesOf(findings.active)).union(indexes.failed ?? Indexes.none);
  if (replacesOnlyEnded(job)) taken = taken.union(indexesOf(pods.filter(isGoing)));
  const pending = taken.gaps(count, job.spec.completions ?? 0);
  if (!isPerIndex(job)) return createOf(pending);
  const waits = new Map(pending.map((index) => [index, indexBackOffLeftMs(indexes.toReplace.get(index), nowMs)]));
  const now = pending.filter((index) => waits.get(index) === 0);
  return now.length > 0 || pending.length === 0 ? createOf(now) : { type: 'backOff', delayMs: Math.min(...waits.values()) };
}

function createOf(indexes: readonly number[]): PodsPlan {
  return indexes.length === 0 ? { type: 'keep' } : { type: 'create', count: indexes.length, indexes };
}

/** The pods that should not run: without a valid index, second of an index, and the cheapest to lose of the rest. */
function surplus(
  job: Job,
  active: readonly Pod[],
  options: { readonly atLeast: number; readonly indexed: boolean; readonly nowMs: number },
): readonly Pod[] {
  const { atLeast, indexed, nowMs } = options;
  const ordered = (pods: readonly Pod[]): Pod[] => inDeletionOrder(pods, { rank: () => 0, nowMs });
  const [out, left] = indexed ? misplaced(job, active, ordered) : [[], active];
  return out.length >= atLeast ? out : [...out, ...ordered(left).slice(0, atLeast - out.length)];
}

function misplaced(job: Job, active: readonly Pod[], ordered: (pods: readonly Pod[]) => Pod[]): [out: Pod[], left: Pod[]] {
  const completions = job.spec.completions ?? 0;
  const byIndex = Map.groupBy(active, indexOf);
  const [out, left]: [Pod[], Pod[]] = [[], []];
  for (const [index, same] of [...byIndex].toSorted(([a = -1], [b = -1]) => a - b)) {
    if (index === undefined || index >= completions) {
      out.push(...same);
      continue;
    }
    const last = same.length === 1 ? same : ordered(same);
    out.push(...last.slice(0, -1));
    left.push(last.at(-1)!);
  }
  return [out, left];
}

export function formatPodsPlan(plan: PodsPlan): string {
  switch (plan.type) {
    case 'end':
    case 'remove':
      return `${plan.type} ${plan.remove.map(({ metadata }) => metadata.name).join(' ')}`.trim();
    case 'create':
      return plan.indexes ? `create indexes ${Indexes.of(plan.indexes).toString()}` : `create ${plan.count}`;
    case 'backOff':
      return `wait ${plan.delayMs / 1000} s`;
    default:
      return plan.type;
  }
}
