/**
 * Runs Jobs to their end. A look at a Job counts its pods, makes or deletes some, and writes the status around the removal of their
 * finalizers (see tracking.ts). Everything that counts is in the API: what is remembered here are waits and what the cache has yet to
 * show.
 * Invariants: a pod is counted only while it has its finalizer; the finalizer goes only after the status names the pod or its index; no
 * Job is looked at twice at once.
 * @source pkg/controller/job/job_controller.go, v1.35
 */
import {
  type batchv1,
  batchv1Resources,
  controllerOf,
  type corev1,
  corev1Resources,
  isPodTerminating,
  labelSelectorMatcher,
  type metav1,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, Expectations, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { CaughtUp } from '../caught-up.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { claim } from '../workload/claim.ts';
import { controlledBy, controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { assess, type Findings } from './assess.ts';
import type { BackOff } from './back-off.ts';
import { conclude } from './conclude.ts';
import { FinalizerExpectations } from './finalizer-expectations.ts';
import { FirstLooks } from './first-looks.ts';
import { JobMetrics, type SyncAction } from './job-metrics.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';
import { isJobFinished, managedByOther } from './job-state.ts';
import { indexBySelector, jobsMatching } from './jobs-by-selector.ts';
import { type PodsPlan, planPods } from './plan.ts';
import { type Applied, PodWriter } from './pod-writes.ts';
import { countReleased, endedStatus, track, type Tracking } from './tracking.ts';

type Pod = corev1.Pod;
type Job = batchv1.Job;

/** Changes of pods and of the status wait this long, so that many are looked at together. */
const batchMs = 1_000;
const backoff = { initialMs: 1_000, maxMs: 60_000 };
/** Begins the key of a pod that has lost its Job; all others are keys of Jobs. */
const orphanPrefix = 'orphan:';
const jobApiVersion = 'batch/v1';
/** The same for a status that the cache does not show yet. */
const behindRetryMs = 31_000;

export function createJobController(context: ControllerContext): Controller {
  return new JobController(context);
}

class JobController implements Controller {
  readonly name = 'job-controller';
  readonly workers = 5;
  readonly backoff = backoff;
  readonly #context: ControllerContext;
  readonly #jobs;
  readonly #pods;
  readonly #expectations: Expectations;
  readonly #finalizers = new FinalizerExpectations();
  /** Pods that the status has counted already must not be missed in it: it is read no older than it was written. */
  readonly #written: CaughtUp;
  readonly #firstLooks: FirstLooks;
  readonly #backOffs = new Map<string, BackOff>();
  readonly #writer: PodWriter;
  readonly #metrics: JobMetrics;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#jobs = context.informers.informer(batchv1Resources.jobs);
    this.#pods = context.informers.informer(corev1Resources.pods);
    this.#expectations = new Expectations(context.clock);
    this.#firstLooks = new FirstLooks(context.client);
    this.#written = new CaughtUp(context.clock);
    this.#writer = new PodWriter({ context, expectations: this.#expectations, finalizers: this.#finalizers });
    this.#metrics = JobMetrics.on(context.registry);
  }

  setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(this.#pods);
    indexBySelector(this.#jobs);
    const wake = (job: Job): void => enqueue(keyOf(job), batchMs);
    const wakeOrphan = (pod: Pod): void => {
      if (isTracked(pod)) enqueue(`${orphanPrefix}${keyOf(pod)}`);
    };
    const releasePodsOf = (job: Job): void => controlledBy(this.#pods, job.metadata.uid).forEach(wakeOrphan);
    const wakeMatching = (pod: Pod): void => jobsMatching(this.#jobs, pod).forEach(wake);
    const goneOrGoing = (pod: Pod, isGone: boolean): void => {
      const job = this.#jobOf(pod.metadata.namespace, controllerOf(pod));
      if (!job || isJobFinished(job)) return wakeOrphan(pod);
      this.#expectations.deletionObserved(keyOf(job), pod.metadata.uid);
      if (isGone || !isTracked(pod)) this.#finalizers.observed(keyOf(job), pod.metadata.uid);
      wake(job);
    };
    this.#jobs.addHandler({
      added: (job) => {
        enqueue(keyOf(job));
        const other = managedByOther(job);
        if (other !== undefined) this.#metrics.jobSeen(other);
      },
      updated: (old, job) => {
        enqueue(keyOf(job), old.metadata.generation === job.metadata.generation ? batchMs : 0);
        // It ends when no pod has a finalizer; should one be left, it goes.
        if (isJobFinished(job)) releasePodsOf(job);
      },
      deleted: (job) => {
        this.#forget(keyOf(job));
        this.#firstLooks.forget(job);
        enqueue(keyOf(job));
        releasePodsOf(job);
      },
    });
    this.#pods.addHandler({
      added: (pod) => {
        this.#metrics.podSeen(undefined, pod);
        if (isPodTerminating(pod)) return goneOrGoing(pod, false);
        const ref = controllerOf(pod);
        const job = this.#jobOf(pod.metadata.namespace, ref);
        if (job) {
          this.#expectations.creationObserved(keyOf(job));
          wake(job);
        } else if (!ref) {
          wakeOrphan(pod);
          wakeMatching(pod);
        }
      },
      updated: (old, pod) => {
        this.#metrics.podSeen(old, pod);
        if (isPodTerminating(pod)) return goneOrGoing(pod, false);
        const [before, after] = [controllerOf(old), controllerOf(pod)];
        const refChanged = before?.uid !== after?.uid;
        const observed = (job: Job): void => {
          if (!isTracked(pod)) this.#finalizers.observed(keyOf(job), pod.metadata.uid);
          wake(job);
        };
        const previous = refChanged ? this.#jobOf(old.metadata.namespace, before) : undefined;
        if (previous) observed(previous);
        const job = this.#jobOf(pod.metadata.namespace, after);
        if (job) observed(job);
        if (after) return;
        wakeOrphan(pod);
        if (refChanged || !semanticEqual(old.metadata.labels, pod.metadata.labels)) wakeMatching(pod);
      },
      deleted: (pod) => {
        this.#metrics.podSeen(pod, undefined);
        goneOrGoing(pod, true);
      },
    });
  };

  reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    if (key.startsWith(orphanPrefix)) {
      await this.#releaseOrphan(key.slice(orphanPrefix.length), signal);
      return done;
    }
    const job = this.#jobs.get(splitKey(key));
    if (!job) {
      this.#forget(key);
      return done;
    }
    if (managedByOther(job) !== undefined) return done;
    if (isJobFinished(job)) {
      this.#backOffs.delete(key);
      return done;
    }
    if (!this.#written.isCaughtUp(key, this.#jobs)) return { type: 'retryAfter', delayMs: behindRetryMs };
    return this.#sync(job, signal);
  };

  async #sync(job: Job, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#context;
    const sinceMs = clock.monotonic();
    let [action, failed]: [SyncAction, boolean] = ['reconciling', true];
    try {
      // Looked at before the pods: a pod that comes in between makes the expectation stand, not the count wrong.
      const settled = this.#expectations.satisfied(keyOf(job));
      const known = this.#finalizers.expected(keyOf(job));
      const pods = await this.#podsOf(job, signal);
      const before = await this.#firstLooks.releasedBefore(job, pods, signal);
      this.#finalizers.expectRemoved(keyOf(job), before);
      const released = known.union(new Set(before));
      const nowMs = clock.now();
      const findings = assess({ job, pods, released, backOff: this.#backOffs.get(keyOf(job)), nowMs });
      const plan = planPods({ job, pods, findings, settled, nowMs });
      action = actionOf(plan);
      const outcome = await this.#writer.apply(plan, job, { findings, signal });
      this.#countCreations(job, findings, outcome);
      const conclusion = conclude({ job, findings, plan, outcome, settled, nowMs: clock.now() });
      const tracking = track({ job, pods, released, findings, conclusion, nowMs: clock.now() });
      await this.#write(job, { tracking, findings, suspension: conclusion.suspension, signal });
      if (outcome.error) throw outcome.error as Error;
      failed = false;
      return nextLook(plan, findings, settled ? undefined : this.#expectations.givenUpInMs(keyOf(job)));
    } finally {
      this.#metrics.synced(job, { action, failed, seconds: (clock.monotonic() - sinceMs) / 1000 });
    }
  }

  /** Writes the status, takes the finalizers off, counts, and ends the Job when all are counted. */
  async #write(
    job: Job,
    input: {
      readonly tracking: Tracking;
      readonly findings: Findings;
      readonly suspension: 'Suspended' | 'Resumed' | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { tracking, findings, suspension, signal } = input;
    const { recorder } = this.#context;
    const noted = await this.#writeStatus(job, tracking.status, signal);
    if (suspension) recorder.event(job, { type: 'Normal', reason: suspension, message: `Job ${suspension.toLowerCase()}` });
    if (findings.backOff) this.#backOffs.set(keyOf(job), findings.backOff);
    else this.#backOffs.delete(keyOf(job));
    this.#metrics.failuresHandled(tracking.failuresByAction);
    const { uids, error } = await this.#writer.release(keyOf(job), tracking.release, signal);
    const counted = countReleased(noted.status, tracking.held.difference(uids));
    if (error) {
      await this.#writeStatus(noted, counted, signal);
      throw error as Error;
    }
    const ended = endedStatus(counted, tracking);
    const last = await this.#writeStatus(noted, ended ?? counted, signal);
    if (ended && tracking.end) this.#tellEnd(last, tracking.end);
  }

  /** Returns the Job as it is stored. The version in it makes the server refuse what was counted from an older status. */
  async #writeStatus(job: Job, status: Job['status'], signal: AbortSignal): Promise<Job> {
    if (semanticEqual(status, job.status)) return job;
    const written = await this.#context.client.updateStatus(batchv1Resources.jobs, { ...job, status }, { signal });
    this.#written.wrote(keyOf(written), written);
    this.#metrics.podsCounted(written, job.status);
    return written;
  }

  #tellEnd(job: Job, end: batchv1.JobCondition): void {
    const { recorder } = this.#context;
    this.#metrics.jobFinished(job, end);
    if (end.type === 'Failed') {
      recorder.event(job, { type: 'Warning', reason: end.reason ?? '', message: end.message ?? '' });
      return;
    }
    if (job.spec.completions !== undefined && (job.status.succeeded ?? 0) > job.spec.completions) {
      const message = 'Too many succeeded pods running after completion count reached';
      recorder.event(job, { type: 'Warning', reason: 'TooManySucceededPods', message });
    }
    recorder.event(job, { type: 'Normal', reason: 'Completed', message: 'Job completed' });
  }

  #podsOf(job: Job, signal: AbortSignal): Promise<Pod[]> {
    return claim({
      client: this.#context.client,
      owner: job,
      ownerResource: batchv1Resources.jobs,
      selector: labelSelectorMatcher(job.spec.selector),
      resource: corev1Resources.pods,
      candidates: controlledOrOrphaned(this.#pods, job),
      finalizer: trackingFinalizer,
      signal,
    });
  }

  async #releaseOrphan(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#pods.get(splitKey(key));
    if (!pod) return;
    const ref = controllerOf(pod);
    if (ref && (ref.kind !== 'Job' || ref.apiVersion !== jobApiVersion)) return;
    const job = this.#jobOf(pod.metadata.namespace, ref);
    if (job && (managedByOther(job) !== undefined || !isJobFinished(job))) return;
    await this.#writer.releaseOrphan(pod, signal);
  }

  #jobOf(namespace: string | undefined, ref: metav1.OwnerReference | undefined): Job | undefined {
    if (ref?.kind !== 'Job') return undefined;
    const job = this.#jobs.get({ namespace, name: ref.name });
    return job?.metadata.uid === ref.uid ? job : undefined;
  }

  #forget(key: string): void {
    this.#expectations.forget(key);
    this.#finalizers.forget(key);
    this.#written.forget(key);
    this.#backOffs.delete(key);
  }

  #countCreations(job: Job, { failed, terminating }: Findings, { created, notCreated }: Applied): void {
    const isReplacement = failed > 0 || terminating > 0;
    this.#metrics.podsMade(job, { succeeded: created, failed: notCreated, isReplacement, afterFailure: failed > 0 });
  }
}

function actionOf({ type }: PodsPlan): SyncAction {
  if (type === 'remove') return 'pods_deleted';
  if (type === 'create' || type === 'backOff') return 'pods_created';
  return type === 'keep' ? 'tracking' : 'reconciling';
}

function nextLook(plan: PodsPlan, { deadlineInMs }: Findings, unsettledMs: number | undefined): Outcome {
  const backOffMs = plan.type === 'backOff' ? Math.max(plan.delayMs, batchMs) : undefined;
  const delays = [backOffMs, deadlineInMs, unsettledMs].filter((delayMs) => delayMs !== undefined);
  return delays.length === 0 ? done : { type: 'retryAfter', delayMs: Math.min(...delays) };
}
