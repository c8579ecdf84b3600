/** The metrics of the Job controller, by upstream's names. @source pkg/controller/job/metrics/metrics.go, v1.35 */
import type { batchv1, corev1 } from '../../api/index.ts';
import { isPodTerminal } from '../../api/index.ts';
import { Counter, Histogram, Registry } from '../../base/index.ts';
import { Indexes } from './indexes.ts';
import { isTracked } from './job-pods.ts';
import { isIndexed, isPerIndex, replacesOnlyEnded } from './job-state.ts';

type Job = batchv1.Job;

/** What a look at a Job did. */
export type SyncAction = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

const prefix = 'job_controller_';
/** From 4 ms, doubling fifteen times. */
const buckets = Array.from({ length: 15 }, (_, i) => 0.004 * 2 ** i);
const made = new WeakMap<Registry, JobMetrics>();

export class JobMetrics {
  readonly #syncSeconds: Histogram<'completion_mode' | 'result' | 'action'>;
  readonly #syncs: Counter<'completion_mode' | 'result' | 'action'>;
  readonly #finished: Counter<'completion_mode' | 'result' | 'reason'>;
  readonly #external: Counter<'controller_name'>;
  readonly #podsFinished: Counter<'completion_mode' | 'result'>;
  readonly #failuresByPolicy: Counter<'action'>;
  readonly #trackedEnded: Counter<'event'>;
  readonly #indexesFinished: Counter<'status' | 'backoffLimit'>;
  readonly #podsCreated: Counter<'reason' | 'status'>;

  private constructor(registry: Registry) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
      new Counter({ name: `${prefix}${name}`, help, labelNames: [...labelNames], registers });
    const modes = ['completion_mode', 'result', 'action'] as const;
    this.#syncSeconds = new Histogram({
      name: `${prefix}job_sync_duration_seconds`,
      help: 'How long a look at a Job took.',
      labelNames: modes,
      buckets,
      registers,
    });
    this.#syncs = counter('job_syncs_total', 'Looks at Jobs.', modes);
    this.#finished = counter('jobs_finished_total', 'Jobs that ended.', ['completion_mode', 'result', 'reason'] as const);
    this.#external = counter('jobs_by_external_controller_total', 'Jobs that another controller manages.', ['controller_name'] as const);
    this.#podsFinished = counter('job_pods_finished_total', 'Ended pods that are counted.', ['completion_mode', 'result'] as const);
    this.#failuresByPolicy = counter(
      'pod_failures_handled_by_failure_policy_total',
      'Failed pods by the action of the rule that matched.',
      ['action'] as const,
    );
    this.#trackedEnded = counter(
      'terminated_pods_tracking_finalizer_total',
      'Ended pods that came to wait to be counted, or no longer do.',
      ['event'] as const,
    );
    this.#indexesFinished = counter('job_finished_indexes_total', 'Indexes that ended.', ['status', 'backoffLimit'] as const);
    this.#podsCreated = counter('job_pods_creation_total', 'Pods that were made, or could not be.', ['reason', 'status'] as const);
  }

  static on(registry: Registry = new Registry()): JobMetrics {
    const metrics = made.get(registry) ?? new JobMetrics(registry);
    made.set(registry, metrics);
    return metrics;
  }

  synced(job: Job, sync: { readonly action: SyncAction; readonly failed: boolean; readonly seconds: number }): void {
    const labels = { completion_mode: modeOf(job), result: sync.failed ? 'error' : 'success', action: sync.action };
    this.#syncs.inc(labels);
    this.#syncSeconds.observe(labels, sync.seconds);
  }

  jobSeen(controllerName: string): void {
    this.#external.inc({ controller_name: controllerName });
  }

  jobFinished(job: Job, end: batchv1.JobCondition): void {
    const succeeded = end.type === 'Complete';
    const labels = {
      completion_mode: modeOf(job),
      result: succeeded ? 'succeeded' : 'failed',
      reason: succeeded ? '' : (end.reason ?? ''),
    };
    this.#finished.inc(labels);
  }

  /** The status changed from `before` to the Job's. */
  podsCounted(job: Job, before: batchv1.JobStatus): void {
    const { status } = job;
    const mode = modeOf(job);
    let succeeded = (status.succeeded ?? 0) - (before.succeeded ?? 0);
    if (isIndexed(job)) {
      const count = (text: string | undefined): number => Indexes.parse(text ?? '', job.spec.completions ?? 0).total;
      const backoffLimit = isPerIndex(job) ? 'perIndex' : 'global';
      succeeded = count(status.completedIndexes) - count(before.completedIndexes);
      add(this.#indexesFinished, { status: 'succeeded', backoffLimit }, succeeded);
      add(this.#indexesFinished, { status: 'failed', backoffLimit }, count(status.failedIndexes) - count(before.failedIndexes));
    }
    add(this.#podsFinished, { completion_mode: mode, result: 'succeeded' }, succeeded);
    add(this.#podsFinished, { completion_mode: mode, result: 'failed' }, (status.failed ?? 0) - (before.failed ?? 0));
  }

  failuresHandled(byAction: ReadonlyMap<string, number>): void {
    for (const [action, count] of byAction) add(this.#failuresByPolicy, { action }, count);
  }

  /** A pod came, changed or went. */
  podSeen(before: corev1.Pod | undefined, after: corev1.Pod | undefined): void {
    const waits = (pod: corev1.Pod | undefined): boolean => pod !== undefined && isPodTerminal(pod) && isTracked(pod);
    if (waits(before) !== waits(after)) this.#trackedEnded.inc({ event: waits(after) ? 'add' : 'delete' });
  }

  podsMade(
    job: Job,
    made: { readonly succeeded: number; readonly failed: number; readonly isReplacement: boolean; readonly afterFailure: boolean },
  ): void {
    const afterEnd = job.spec.podReplacementPolicy === 'Failed' && replacesOnlyEnded(job);
    const reason = afterEnd && made.afterFailure ? 'recreate_failed' : made.isReplacement ? 'recreate_terminating_or_failed' : 'new';
    add(this.#podsCreated, { reason, status: 'succeeded' }, made.succeeded);
    add(this.#podsCreated, { reason, status: 'failed' }, made.failed);
  }
}

function modeOf(job: Job): string {
  return isIndexed(job) ? 'Indexed' : 'NonIndexed';
}

function add<L extends string>(counter: Counter<L>, labels: Record<L, string>, count: number): void {
  if (count > 0) counter.inc(labels, count);
}
