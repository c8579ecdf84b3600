/**
 * Deletes Jobs that ended `ttlSecondsAfterFinished` ago, and their pods before them. Asks the server before it deletes: the cache may
 * not know that the Job was given more time.
 * @source pkg/controller/ttlafterfinished, v1.35
 */
import { type batchv1, batchv1Resources, isApiError } from '../../api/index.ts';
import { type Ctx, Histogram, Registry } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { deletionMsOf } from './deletion-time.ts';

type Job = batchv1.Job;

export function createTtlAfterFinishedController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const jobs = informers.informer(batchv1Resources.jobs);
  const delays = deletionSeconds(context.registry ?? new Registry());

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (job: Job): void => {
      if (deletionMsOf(job) !== undefined) enqueue(keyOf(job));
    };
    jobs.addHandler({ added: wake, updated: (_, job) => wake(job) });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const cached = jobs.get(splitKey(key));
    const early = cached && waitFor(cached);
    if (!cached || early) return early ?? done;
    try {
      const job = await client.get(batchv1Resources.jobs, cached.metadata, { signal });
      const wait = waitFor(job);
      if (wait) return wait;
      const body = { propagationPolicy: 'Foreground', preconditions: { uid: job.metadata.uid } };
      await client.delete(batchv1Resources.jobs, job.metadata, { signal, body });
      delays.observe(Math.max(0, clock.now() - (deletionMsOf(job) ?? clock.now())) / 1000);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    return done;
  };

  /** Undefined when its time has come. */
  const waitFor = (job: Job): Outcome | undefined => {
    const dueMs = deletionMsOf(job);
    if (dueMs === undefined) return done;
    const delayMs = dueMs - clock.now();
    return delayMs > 0 ? { type: 'retryAfter', delayMs } : undefined;
  };

  return { name: 'ttl-after-finished-controller', reconcile, setup, workers: 5 };
}

const made = new WeakMap<Registry, Histogram>();

function deletionSeconds(registry: Registry): Histogram {
  const known = made.get(registry);
  if (known) return known;
  const histogram = new Histogram({
    name: 'ttl_after_finished_controller_job_deletion_duration_seconds',
    help: 'How long after their time Jobs were deleted.',
    buckets: Array.from({ length: 14 }, (_, i) => 0.1 * 2 ** i),
    registers: [registry],
  });
  made.set(registry, histogram);
  return histogram;
}
