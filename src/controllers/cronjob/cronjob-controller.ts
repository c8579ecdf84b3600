/**
 * Starts Jobs by the clock. The name of a Job says when it was due, so that whoever starts it, and however often, there is one; the
 * status that lists it may be lost with the process and is set right from the Jobs.
 * @source pkg/controller/cronjob/cronjob_controllerv2.go, v1.35
 */
import {
  ApiError,
  type batchv1,
  batchv1Resources,
  controllerOf,
  isApiError,
  isControlledBy,
  type metav1,
  newControllerRef,
  type Unsaved,
} from '../../api/index.ts';
import { type Ctx, formatTime, Histogram, Registry } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, referenceTo, splitKey } from '../../client/index.ts';
import { isJobFinished } from '../job/job-state.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { controlledBy, indexByController } from '../workload/control-index.ts';
import { isNamespaceTerminating } from '../workload/pod-control.ts';
import { timetableOf, untilNextMs } from './due-times.ts';
import { type CronJobPlan, jobName, type JobName, planCronJob } from './plan.ts';
import { TimeZone } from './zoned-time.ts';

type CronJob = batchv1.CronJob;
type Job = batchv1.Job;

export interface CronJobOptions {
  /** By which schedules without a time zone are read; default: the process's own. */
  readonly timeZone?: string;
}

const dueAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export function createCronJobController(context: ControllerContext, options: CronJobOptions = {}): Controller {
  return new CronJobController(context, options);
}

class CronJobController implements Controller {
  readonly name = 'cronjob-controller';
  readonly workers = 5;
  readonly #context: ControllerContext;
  readonly #cronJobs;
  readonly #jobs;
  readonly #skew: Histogram;
  readonly #localZone: string;

  constructor(context: ControllerContext, options: CronJobOptions) {
    this.#context = context;
    this.#cronJobs = context.informers.informer(batchv1Resources.cronjobs);
    this.#jobs = context.informers.informer(batchv1Resources.jobs);
    this.#skew = creationSkew(context.registry ?? new Registry());
    this.#localZone = options.timeZone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(this.#jobs);
    const wakeOwner = (job: Job): void => {
      const owner = this.#ownerOf(job.metadata.namespace, controllerOf(job));
      if (owner) enqueue(keyOf(owner));
    };
    this.#cronJobs.addHandler({
      added: (cronJob) => enqueue(keyOf(cronJob)),
      updated: (old, cronJob) => enqueue(keyOf(cronJob), this.#delayAfterChange(old, cronJob)),
      deleted: (cronJob) => enqueue(keyOf(cronJob)),
    });
    this.#jobs.addHandler({
      added: wakeOwner,
      updated: (old, job) => {
        if (controllerOf(old)?.uid !== controllerOf(job)?.uid) wakeOwner(old);
        wakeOwner(job);
      },
      deleted: wakeOwner,
    });
  };

  reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const cached = this.#cronJobs.get(splitKey(key));
    if (!cached) return done;
    const jobs = controlledBy(this.#jobs, cached.metadata.uid);
    const cronJob = await this.#freshEnough(cached, jobs, signal);
    const gone = await this.#goneOf(cronJob, jobs, signal);
    const plan = planCronJob({ cronJob, jobs, gone, nowMs: this.#context.clock.now(), localZone: this.#localZone });
    const { status, error } = await this.#apply(plan, cronJob, signal);
    if (!semanticEqual(status, cronJob.status)) {
      await this.#context.client.updateStatus(batchv1Resources.cronjobs, { ...cronJob, status }, { signal });
    }
    if (error) throw error as Error;
    return plan.nextLookMs === undefined ? done : { type: 'retryAfter', delayMs: Math.max(0, plan.nextLookMs) };
  };

  /** A Job that runs and is not listed: the cache may be older than the status that lists it. */
  async #freshEnough(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<CronJob> {
    const listed = new Set((cronJob.status.active ?? []).map(({ uid }) => uid));
    if (jobs.every((job) => listed.has(job.metadata.uid) || isJobFinished(job))) return cronJob;
    const fresh = await this.#context.client.get(batchv1Resources.cronjobs, cronJob.metadata, { signal });
    return fresh.metadata.uid === cronJob.metadata.uid ? fresh : cronJob;
  }

  /** Listed Jobs that the cache does not show, and the server neither. */
  async #goneOf(cronJob: CronJob, jobs: readonly Job[], signal: AbortSignal): Promise<Set<string>> {
    const shown = new Set(jobs.map(({ metadata }) => metadata.uid));
    const gone = new Set<string>();
    for (const { name = '', uid = '' } of cronJob.status.active ?? []) {
      if (shown.has(uid)) continue;
      const found = await this.#find(cronJob, name, signal);
      if (found?.metadata.uid !== uid) gone.add(uid);
    }
    return gone;
  }

  /** Returns what failed, so that the status tells of what did not. */
  async #apply(plan: CronJobPlan, cronJob: CronJob, signal: AbortSignal): Promise<{ status: CronJob['status']; error?: unknown }> {
    const { recorder } = this.#context;
    let status = plan.status;
    // The plan leaves forgotten Jobs out of the list; those that could not be deleted have ended and are not missed there.
    for (const job of plan.forget) await this.#deleteJob(cronJob, job, signal);
    for (const event of plan.events) recorder.event(cronJob, event);
    for (const job of plan.replace) {
      const failure = await this.#deleteJob(cronJob, job, signal);
      if (failure) return { status, error: failure };
      status = { ...status, active: (status.active ?? []).filter(({ uid }) => uid !== job.uid) };
    }
    if (plan.startMs === undefined) return { status };
    try {
      const job = await this.#start(cronJob, plan.startMs, signal);
      if (!job) return { status };
      const active = [...(status.active ?? []), referenceTo(job)];
      return { status: { ...status, active, lastScheduleTime: formatTime(plan.startMs) } };
    } catch (error) {
      return { status, error };
    }
  }

  /** Undefined when the Job is somebody else's, or cannot be where everything is being deleted. */
  async #start(cronJob: CronJob, dueMs: number, signal: AbortSignal): Promise<Job | undefined> {
    const { client, recorder } = this.#context;
    try {
      const job = await client.create(batchv1Resources.jobs, jobOf(cronJob, dueMs), { signal });
      this.#skew.observe((Date.parse(job.metadata.creationTimestamp ?? '') - dueMs) / 1000);
      recorder.event(cronJob, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${job.metadata.name}` });
      return job;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isApiError(error, 'AlreadyExists')) {
        // Started before, by a process that did not live to list it.
        const job = await this.#find(cronJob, jobName(cronJob.metadata.name, dueMs), signal);
        return job && isControlledBy(job, cronJob) ? job : undefined;
      }
      if (error instanceof ApiError) {
        recorder.event(cronJob, { type: 'Warning', reason: 'FailedCreate', message: `Error creating job: ${error.message}` });
      }
      throw error;
    }
  }

  /** Its pods go with it. @returns why not */
  async #deleteJob(cronJob: CronJob, { name, uid }: JobName, signal: AbortSignal): Promise<ApiError | undefined> {
    const { client, recorder } = this.#context;
    const { namespace } = cronJob.metadata;
    try {
      const body = { propagationPolicy: 'Background', preconditions: { uid } };
      await client.delete(batchv1Resources.jobs, { namespace, name }, { signal, body });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === 'NotFound') return undefined;
      recorder.event(cronJob, { type: 'Warning', reason: 'FailedDelete', message: `Deleted job: ${error.message}` });
      return error;
    }
    recorder.event(cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${name}` });
    return undefined;
  }

  async #find({ metadata: { namespace } }: CronJob, name: string, signal: AbortSignal): Promise<Job | undefined> {
    try {
      return await this.#context.client.get(batchv1Resources.jobs, { namespace, name }, { signal });
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #ownerOf(namespace: string | undefined, ref: metav1.OwnerReference | undefined): CronJob | undefined {
    if (ref?.kind !== 'CronJob') return undefined;
    const cronJob = this.#cronJobs.get({ namespace, name: ref.name });
    return cronJob?.metadata.uid === ref.uid ? cronJob : undefined;
  }

  /** A changed schedule is first met at its next time: what it would have meant before is not made up for. */
  #delayAfterChange(old: CronJob, { spec, ...cronJob }: CronJob): number {
    if (old.spec.schedule === spec.schedule && old.spec.timeZone === spec.timeZone) return 0;
    const changed = { ...cronJob, spec };
    const timetable = timetableOf(changed, this.#localZone);
    if ('reason' in timetable) return 0;
    return Math.max(0, untilNextMs(changed, timetable, this.#context.clock.now()) ?? 0);
  }
}

/** The Job that is due at a time. */
function jobOf(cronJob: CronJob, dueMs: number): Unsaved<Job> {
  const { metadata, spec } = cronJob;
  const { labels, annotations } = spec.jobTemplate.metadata ?? {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(metadata.name, dueMs),
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(labels && { labels }),
      annotations: { ...annotations, [dueAnnotation]: new TimeZone(spec.timeZone ?? 'UTC').format(dueMs) },
      ownerReferences: [newControllerRef(cronJob)],
    },
    // Validation has seen to it that a template has a spec.
    spec: spec.jobTemplate.spec!,
  };
}

const made = new WeakMap<Registry, Histogram>();

function creationSkew(registry: Registry): Histogram {
  const known = made.get(registry);
  if (known) return known;
  const histogram = new Histogram({
    name: 'cronjob_controller_job_creation_skew_duration_seconds',
    help: 'How long after they were due Jobs were made.',
    buckets: Array.from({ length: 10 }, (_, i) => 2 ** i),
    registers: [registry],
  });
  made.set(registry, histogram);
  return histogram;
}
