/**
 * The scheduler: one pod after another is decided on the spot, then bound in the background while the next is decided.
 *
 * Invariants: a decided pod counts on its node (assumed) before the next decision, until its binding fails or its own watch event takes
 * over; a pod that fits nowhere says why in an event and in its PodScheduled condition; whatever a plugin throws fails one pod's cycle.
 */
import { type corev1, corev1Resources, isPodTerminal, type SchedulingExplanation } from '../api/index.ts';
import { assertNever, type Ctx, isAbort, Registry, silentLogger } from '../base/index.ts';
import { breather } from '../client/index.ts';
import { type Attempt, errorFailure, type Failure, failureOnNode } from './attempt.ts';
import { type Binding, runBindingCycle } from './binding/binding-cycle.ts';
import { type Hold, WaitingPodsMap } from './binding/waiting-pods.ts';
import { ClusterCache } from './cluster/cluster-cache.ts';
import { type BuiltScheduler, buildScheduler, type SchedulerOptions } from './build-scheduler.ts';
import { explainForeignPod, explanationOf, explainPod } from './explain/explain-pod.ts';
import { fitMessage } from './cycle/fit-error.ts';
import type { Decision, Misfit, Placed } from './cycle/schedule-pod.ts';
import { handleFailure } from './failures.ts';
import type { PostFilterResult } from './framework/index.ts';
import { DisruptionBudgets } from './preemption/disruption-budgets.ts';
import { KeyedWrites } from './keyed-writes.ts';
import { SchedulerMetrics } from './metrics.ts';
import type { QueueEntry } from './queue/queue-entry.ts';
import type { ActiveProfile, SchedulerContext, SchedulerParts } from './scheduler-parts.ts';
import { watchCluster } from './watch-cluster.ts';

/** Bindings under way at once: enough that each commit of the store takes many. */
const defaultMaxBindings = 256;
const statusWritesAtOnce = 64;

/** Wires the scheduler to the informers and starts it; it runs until the group closes. */
export function startScheduler(context: SchedulerContext, options: SchedulerOptions = {}): RunningScheduler {
  const scheduler = new Scheduler(context, options);
  scheduler.start();
  return scheduler;
}

export interface RunningScheduler {
  /** Why the pod is where it is, or nowhere; undefined when there is no such pod. @throws what a plugin throws */
  explain(key: { readonly namespace: string; readonly name: string }): SchedulingExplanation | undefined;
}

class Scheduler implements RunningScheduler {
  readonly #parts: SchedulerParts;
  readonly #budgets: DisruptionBudgets;
  readonly #built: BuiltScheduler;
  readonly #maxBindings: number;
  #bindings = 0;
  #slotFreed: (() => void) | undefined;

  constructor(context: SchedulerContext, options: SchedulerOptions) {
    const { clock, group, informers, log = silentLogger, registry = new Registry() } = context;
    const cache = new ClusterCache();
    const waitingPods = new WaitingPodsMap(clock);
    const metrics = new SchedulerMetrics(registry, { queue: () => this.#built.queue, cache });
    this.#built = buildScheduler({ context: { ...context, log, registry }, cache, waitingPods, metrics }, options);
    this.#budgets = new DisruptionBudgets(this.#built.listers);
    this.#maxBindings = options.maxBindings ?? defaultMaxBindings;
    this.#parts = {
      context,
      log,
      pods: informers.informer(corev1Resources.pods),
      cache,
      queue: this.#built.queue,
      waitingPods,
      metrics,
      extenders: this.#built.extenders,
      statusWrites: new KeyedWrites({
        group,
        atOnce: statusWritesAtOnce,
        onError: (err) => log.warn('the status of a pod could not be written', { err }),
      }),
    };
  }

  explain(key: { readonly namespace: string; readonly name: string }): SchedulingExplanation | undefined {
    const { pods, cache, queue, context } = this.#parts;
    const pod = pods.get(key);
    if (!pod) return undefined;
    const schedulerName = schedulerNameOf(pod);
    const active = this.#built.profiles.get(schedulerName);
    const explained = active
      ? explainPod(
          { profile: active.profile, cluster: cache, filter: active.pods.filter, nominator: queue.nominated, budgets: this.#budgets },
          cache.podInfo(pod),
        )
      : explainForeignPod(pod, schedulerName);
    return explanationOf(pod, explained, context.clock.now());
  }

  start(): void {
    const { context, cache, queue, waitingPods, pods } = this.#parts;
    const { informers, group } = context;
    watchCluster({
      pods,
      nodes: informers.informer(corev1Resources.nodes),
      listers: this.#built.listers,
      cache,
      queue,
      waitingPods,
      isOurs: (pod) => this.#built.profiles.has(schedulerNameOf(pod)),
    });
    informers.start();
    group.signal.addEventListener(
      'abort',
      () => {
        queue.close();
        waitingPods.close();
      },
      { once: true },
    );
    group.spawn('scheduler', (ctx) => this.#run(ctx));
  }

  async #run(ctx: Ctx): Promise<void> {
    const { context, queue } = this.#parts;
    const { clock, informers } = context;
    await informers.whenSynced(ctx.signal);
    for (;;) {
      ctx.signal.throwIfAborted();
      await breather(clock);
      while (this.#bindings >= this.#maxBindings) await this.#bindingSlot(ctx.signal);
      const entry = queue.pop();
      if (!entry) {
        await queue.ready(ctx.signal);
        continue;
      }
      const cycle = this.#cycle(entry, ctx.signal);
      if (cycle) await cycle;
    }
  }

  /** Waits only where an extender or a postFilter plugin does. */
  #cycle(entry: QueueEntry, signal: AbortSignal): Promise<void> | undefined {
    const { context, queue } = this.#parts;
    const pod = entry.info;
    const active = this.#built.profiles.get(schedulerNameOf(pod.pod));
    if (!active || this.#isToSkip(pod.pod)) {
      queue.done(pod.uid);
      return undefined;
    }
    const attempt: Attempt = { entry, pod, active, startedMs: context.clock.monotonic() };
    try {
      const decision = active.pods.schedule(pod);
      const conclusion =
        decision instanceof Promise
          ? decision.then((made) => this.#conclude(attempt, made, signal))
          : this.#conclude(attempt, decision, signal);
      return conclusion?.catch((error: unknown) => this.#failed(attempt, error, signal));
    } catch (error) {
      this.#failed(attempt, error, signal);
      return undefined;
    }
  }

  #isToSkip(pod: corev1.Pod): boolean {
    const { cache, context } = this.#parts;
    const { namespace, name, uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      const message = `skip schedule deleting pod: ${namespace}/${name}`;
      context.recorder.event(pod, { type: 'Warning', reason: 'FailedScheduling', message, action: 'Scheduling' });
      return true;
    }
    return isPodTerminal(pod) || cache.isPlaced(uid);
  }

  #failed(attempt: Attempt, error: unknown, signal: AbortSignal): void {
    if (isAbort(error, signal)) throw error;
    handleFailure(this.#parts, attempt, errorFailure(error));
  }

  #conclude(attempt: Attempt, decision: Decision, signal: AbortSignal): Promise<void> | undefined {
    const { metrics, context } = this.#parts;
    metrics.decided((context.clock.monotonic() - attempt.startedMs) / 1000);
    switch (decision.type) {
      case 'placed':
        this.#place(attempt, decision, signal);
        return undefined;
      case 'misfit':
        return this.#makeRoom(attempt, decision, signal);
      case 'noNodes':
        handleFailure(this.#parts, attempt, {
          ...errorFailure('no nodes available to schedule pods'),
          reason: 'Unschedulable',
        });
        return undefined;
      default:
        return assertNever(decision);
    }
  }

  /** Asks the postFilter plugins, then sends the pod back. */
  #makeRoom(attempt: Attempt, misfit: Misfit, signal: AbortSignal): Promise<void> | undefined {
    const { postFilter } = attempt.active.profile;
    const asked = postFilter.length === 0 ? { nominatedNode: '' } : this.#askPostFilter(postFilter.values(), attempt, misfit, signal);
    if (asked instanceof Promise) return asked.then((result) => this.#sendBack(attempt, misfit, result));
    this.#sendBack(attempt, misfit, asked);
    return undefined;
  }

  #askPostFilter(
    plugins: Iterator<ActiveProfile['profile']['postFilter'][number]>,
    attempt: Attempt,
    misfit: Misfit,
    signal: AbortSignal,
    before: PostFilterResult = {},
  ): PostFilterResult | Promise<PostFilterResult> {
    let result = before;
    for (let next = plugins.next(); !next.done; next = plugins.next()) {
      const plugin = next.value;
      const answer = plugin.postFilter?.(misfit.state, attempt.pod, misfit.statuses, signal);
      if (answer instanceof Promise) {
        const soFar = result;
        return answer.then((late) => {
          const joined = joinPostFilter(soFar, late);
          return joined.final ? joined.result : this.#askPostFilter(plugins, attempt, misfit, signal, joined.result);
        });
      }
      const joined = joinPostFilter(result, answer);
      result = joined.result;
      if (joined.final) break;
    }
    return result;
  }

  #sendBack(attempt: Attempt, misfit: Misfit, { status, nominatedNode }: PostFilterResult): void {
    const { allNodes, statuses, preFilterMessage, rejectedBy, pendingBy } = misfit;
    const postFilterMessage = status?.reasons.join(', ') ?? '';
    const message = fitMessage({ allNodes, statuses, preFilterMessage, postFilterMessage });
    handleFailure(this.#parts, attempt, { reason: 'Unschedulable', message, rejectedBy, pendingBy, nominatedNode });
  }

  /** Counts the pod on its node, asks reserve and permit, and starts the binding. */
  #place(attempt: Attempt, { state, nodeName }: Placed, signal: AbortSignal): void {
    const { cache, queue, waitingPods } = this.#parts;
    const { pod, active } = attempt;
    const { reserve, permit } = active.profile;
    cache.assume(pod, nodeName);
    queue.nominated.remove(pod.uid);
    const undo = (failure: Failure): void => {
      for (const plugin of reserve.toReversed()) plugin.unreserve?.(state, pod, nodeName);
      cache.forget(pod.uid);
      handleFailure(this.#parts, attempt, failure);
    };
    const holds: Hold[] = [];
    try {
      for (const plugin of reserve) {
        const status = plugin.reserve?.(state, pod, nodeName);
        if (status) return undo(failureOnNode(plugin.name, status, `running Reserve plugin "${plugin.name}"`));
      }
      for (const plugin of permit) {
        const status = plugin.permit?.(state, pod, nodeName);
        if (status?.code === 'Wait') holds.push({ plugin: plugin.name, timeoutMs: status.timeoutMs ?? 0 });
        else if (status) return undo(failureOnNode(plugin.name, status, `running Permit plugin "${plugin.name}"`));
      }
    } catch (error) {
      return undo(errorFailure(error));
    }
    const held = holds.length > 0 ? waitingPods.hold(pod, nodeName, holds) : undefined;
    this.#startBinding({ attempt, state, nodeName, held }, signal);
  }

  #startBinding(binding: Binding, signal: AbortSignal): void {
    this.#bindings++;
    const { context, log } = this.#parts;
    context.group.spawn('bind', async () => {
      try {
        await runBindingCycle(this.#parts, binding, signal);
      } catch (err) {
        if (isAbort(err, signal)) throw err;
        log.error('a binding cycle failed', { err });
      } finally {
        this.#bindings--;
        this.#slotFreed?.();
      }
    });
  }

  #bindingSlot(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#slotFreed = undefined;
        resolve();
      };
      this.#slotFreed = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

function schedulerNameOf(pod: corev1.Pod): string {
  return pod.spec.schedulerName ?? 'default-scheduler';
}

/** What the plugins together say: the first that made room, or that knows it to be hopeless, ends it. */
function joinPostFilter(
  before: PostFilterResult,
  answer: PostFilterResult | undefined,
): { readonly result: PostFilterResult; readonly final: boolean } {
  if (!answer) return { result: before, final: false };
  const { status, nominatedNode } = answer;
  if (!status || status.code === 'UnschedulableAndUnresolvable' || status.code === 'Error') return { result: answer, final: true };
  const reasons = [...(before.status?.reasons ?? []), ...status.reasons];
  const nominated = nominatedNode ?? before.nominatedNode;
  return { result: { status: { ...status, reasons }, ...(nominated !== undefined && { nominatedNode: nominated }) }, final: false };
}
