/**
 * Runs controllers: one queue and a few workers each, over shared informers. All that loops, waits, retries and counts is here, so
 * that a controller is a function of one key.
 * Invariants: no worker starts before every informer has its first state; a key that fails comes back with growing waits, for ever.
 */
import { ApiError, isApiError } from '../api/index.ts';
import { AssertionError, Counter, type Ctx, Histogram, Registry, type TaskGroup } from '../base/index.ts';
import type { Controller, ControllerContext } from './lister.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

export interface RunControllersOptions {
  readonly controllers: readonly Controller[];
  readonly context: ControllerContext;
  /** Owns the workers; closing it stops them after the reconcile they are in. */
  readonly group: TaskGroup;
}

const defaultWorkers = 4;

/** Wires the controllers, starts the informers and, once those are filled, the workers. Resolves at once; work goes on in `group`. */
export function runControllers({ controllers, context, group }: RunControllersOptions): void {
  const registry = context.registry ?? new Registry();
  const metrics = reconcileMetrics(registry);
  const runs = controllers.map((controller) => {
    const { name, backoff } = controller;
    const queue = createWorkQueue({ name, clock: context.clock, registry, ...(backoff && { backoff }) });
    controller.setup((key, delayMs = 0) => queue.addAfter(key, delayMs), group);
    return { controller, queue };
  });
  context.informers.start();
  group.signal.addEventListener('abort', () => runs.forEach(({ queue }) => queue.close()), { once: true });
  group.spawn('controllers', async (ctx) => {
    await context.informers.whenSynced(ctx.signal);
    for (const { controller, queue } of runs) {
      for (let i = 0; i < (controller.workers ?? defaultWorkers); i++) {
        group.spawn(`${controller.name} ${i}`, (worker) => work(controller, queue, metrics, worker));
      }
    }
  });
}

async function work(controller: Controller, queue: WorkQueue<string>, metrics: ReconcileMetrics, ctx: Ctx): Promise<void> {
  const log = ctx.log.child({ controller: controller.name });
  for (;;) {
    const key = await queue.next(ctx.signal);
    const stop = metrics.seconds.startTimer({ controller: controller.name });
    try {
      const outcome = await controller.reconcile(key, { signal: ctx.signal, log });
      queue.forget(key);
      if (outcome.type === 'retryAfter') queue.addAfter(key, outcome.delayMs);
      metrics.total.inc({ controller: controller.name, result: outcome.type === 'done' ? 'success' : 'requeue_after' });
    } catch (err) {
      ctx.signal.throwIfAborted();
      metrics.total.inc({ controller: controller.name, result: 'error' });
      if (!(err instanceof ApiError)) metrics.panics.inc({ controller: controller.name }, isBug(err) ? 1 : 0);
      // A stale read is how level-triggered work goes on, not news.
      if (isApiError(err, 'Conflict')) log.debug('reconcile met a newer version', { key, err });
      else log.error('reconcile failed', { key, err, failures: queue.failures(key) });
      queue.addRateLimited(key);
    } finally {
      stop();
      queue.done(key);
    }
  }
}

/** What only a wrong program throws. */
function isBug(error: unknown): boolean {
  return error instanceof AssertionError || error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

interface ReconcileMetrics {
  readonly total: Counter<'controller' | 'result'>;
  readonly panics: Counter<'controller'>;
  readonly seconds: Histogram<'controller'>;
}

const made = new WeakMap<Registry, ReconcileMetrics>();

function reconcileMetrics(registry: Registry): ReconcileMetrics {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const metrics: ReconcileMetrics = {
    total: new Counter({
      name: 'knarr_reconcile_total',
      help: 'Reconciles by how they ended.',
      labelNames: ['controller', 'result'] as const,
      registers,
    }),
    panics: new Counter({
      name: 'knarr_reconcile_panics_total',
      help: 'Reconciles that ended in a failed assertion or another bug.',
      labelNames: ['controller'] as const,
      registers,
    }),
    seconds: new Histogram({
      name: 'knarr_reconcile_duration_seconds',
      help: 'How long reconciles took.',
      labelNames: ['controller'] as const,
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
      registers,
    }),
  };
  made.set(registry, metrics);
  return metrics;
}
