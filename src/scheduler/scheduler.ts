/**
 * The scheduler: one pod after another is decided on the spot, then bound in the background while the next is decided.
 *
 * Invariants: a decided pod counts on its node (assumed) before the next decision, until its binding fails or its own watch event takes
 * over; a pod that fits nowhere says why in an event and in its PodScheduled condition.
 */
import { type corev1, corev1Resources, getCondition, isApiError, isPodTerminal, setCondition } from '../api/index.ts';
import { type Clock, type Ctx, formatTime, isAbort, type Random, type TaskGroup } from '../base/index.ts';
import type { Client, EventRecorder, InformerFactory } from '../client/index.ts';
import { ClusterCache } from './cluster-cache.ts';
import type { CycleState, Plugin, Profile, QueuedPod, Rejection } from './framework.ts';
import { watchCluster } from './cluster-events.ts';
import { defaultPlugins, defaultWeights } from './plugins/index.ts';
import { type Decision, schedulePod } from './schedule-pod.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

export interface SchedulerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly group: TaskGroup;
}

export interface SchedulerOptions {
  /** Default: one profile `default-scheduler` with upstream's default plugins. */
  readonly profiles?: readonly Profile[];
  /** Bindings under way at once. Default 32. */
  readonly maxBindings?: number;
}

export const defaultProfile: Profile = { schedulerName: 'default-scheduler', plugins: defaultPlugins, weights: defaultWeights };

/** Wires the scheduler to the informers and starts it; it runs until the group closes. */
export function startScheduler(context: SchedulerContext, options: SchedulerOptions = {}): void {
  const scheduler = new Scheduler(context, options);
  scheduler.start();
}

class Scheduler {
  readonly #context: SchedulerContext;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #cache = new ClusterCache();
  readonly #queue: SchedulingQueue;
  readonly #maxBindings: number;
  #bindings = 0;
  #bindingEnded: (() => void) | undefined;

  constructor(context: SchedulerContext, options: SchedulerOptions) {
    const profiles = options.profiles ?? [defaultProfile];
    this.#context = context;
    this.#profiles = new Map(profiles.map((profile) => [profile.schedulerName, profile]));
    this.#maxBindings = options.maxBindings ?? 32;
    const plugins = profiles.flatMap((profile) => profile.plugins);
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      plugins,
      less: (a, b) => plugins.find(({ less }) => less)?.less?.(a, b) ?? false,
    });
  }

  start(): void {
    const { informers, group } = this.#context;
    watchCluster({
      informers,
      cache: this.#cache,
      queue: this.#queue,
      isOurs: (pod) => this.#profiles.has(pod.spec.schedulerName ?? defaultProfile.schedulerName),
      admit: (pod) => this.#admit(pod),
    });
    informers.start();
    group.signal.addEventListener('abort', () => this.#queue.close(), { once: true });
    group.spawn('scheduler', async (ctx) => {
      await informers.whenSynced(ctx.signal);
      for (;;) await this.#cycle(await this.#queue.next(ctx.signal), ctx);
    });
  }

  /** Whether the pod may enter the queue; says so in its condition when it may not. */
  #admit(pod: corev1.Pod): boolean {
    const rejection = this.#profileOf(pod)
      .plugins.map((plugin) => plugin.preEnqueue?.(pod))
      .find(Boolean);
    if (!rejection) return true;
    const message =
      rejection.plugin === 'SchedulingGates' ? 'Scheduling is blocked due to non-empty scheduling gates' : rejection.reasons.join(', ');
    this.#context.group.spawn(`mark gated ${pod.metadata.uid}`, (ctx) =>
      this.#setCondition(pod, { reason: 'SchedulingGated', message }, ctx),
    );
    return false;
  }

  async #cycle(queued: QueuedPod, ctx: Ctx): Promise<void> {
    const { pod } = queued;
    const { uid } = pod.metadata;
    if (pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod) || this.#cache.isAssumed(uid)) {
      this.#queue.done(uid);
      return;
    }
    const profile = this.#profileOf(pod);
    const decision = schedulePod(pod, profile, this.#cache, this.#context.random);
    if (decision.type === 'unschedulable') {
      this.#reject(pod, decision, ctx);
      return;
    }
    this.#cache.assume(pod, decision.node);
    const reserved = reserve(profile.plugins, decision.state, pod, decision.node);
    if (reserved) {
      this.#cache.forget(uid);
      this.#reject(pod, { type: 'unschedulable', message: reserved.reasons.join(', '), rejectedBy: new Set([reserved.plugin]) }, ctx);
      return;
    }
    while (this.#bindings >= this.#maxBindings) await this.#bindingSlot(ctx.signal);
    this.#bindings++;
    this.#context.group.spawn(`bind ${uid}`, async (bindCtx) => {
      try {
        await this.#bind(pod, profile, decision, bindCtx);
      } finally {
        this.#bindings--;
        this.#bindingEnded?.();
      }
    });
  }

  #bindingSlot(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#bindingEnded = undefined;
        resolve();
      };
      this.#bindingEnded = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #bind(pod: corev1.Pod, profile: Profile, decision: Extract<Decision, { type: 'placed' }>, ctx: Ctx): Promise<void> {
    const { node, state } = decision;
    const { uid } = pod.metadata;
    try {
      for (const plugin of profile.plugins) {
        const rejection = (await plugin.permit?.(state, pod, node, ctx.signal)) ?? (await plugin.preBind?.(state, pod, node, ctx.signal));
        if (!rejection) continue;
        unreserve(profile.plugins, state, pod, node);
        this.#cache.forget(uid);
        this.#reject(pod, { type: 'unschedulable', message: rejection.reasons.join(', '), rejectedBy: new Set([rejection.plugin]) }, ctx);
        return;
      }
      await this.#callBind(pod, profile, node, state, ctx.signal);
    } catch (error) {
      if (isAbort(error, ctx.signal)) throw error;
      this.#bindFailed(pod, profile, decision, error, ctx);
      return;
    }
    this.#queue.done(uid);
    this.#context.recorder.event(pod, {
      type: 'Normal',
      reason: 'Scheduled',
      message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node}`,
      action: 'Binding',
    });
    for (const plugin of profile.plugins) plugin.postBind?.(state, pod, node);
  }

  async #callBind(pod: corev1.Pod, profile: Profile, node: string, state: CycleState, signal: AbortSignal): Promise<void> {
    const binder = profile.plugins.find((plugin) => plugin.bind);
    if (binder?.bind) {
      await binder.bind(state, pod, node, signal);
      return;
    }
    const { namespace, name, uid } = pod.metadata;
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, ...(namespace && { namespace }), uid },
      target: { kind: 'Node', name: node },
    };
    await this.#context.client.subresource(
      corev1Resources.pods,
      { namespace, name },
      { name: 'binding', verb: 'create', body },
      { signal },
    );
  }

  /**
   * Frees the place and tries again. Where the answer was lost the pod may be bound after all: then its watch event puts it back on the
   * node, or the next try meets a Conflict.
   */
  #bindFailed(pod: corev1.Pod, profile: Profile, { node, state }: Extract<Decision, { type: 'placed' }>, error: unknown, ctx: Ctx): void {
    const { uid } = pod.metadata;
    unreserve(profile.plugins, state, pod, node);
    this.#cache.forget(uid);
    // Gone, or bound by another: the watch says the rest.
    if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) {
      this.#queue.done(uid);
      return;
    }
    ctx.log.warn('binding failed', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, node, err: error });
    this.#context.recorder.event(pod, {
      type: 'Warning',
      reason: 'FailedScheduling',
      message: `running Bind plugin "DefaultBinder": ${error instanceof Error ? error.message : String(error)}`,
      action: 'Scheduling',
    });
    this.#queue.failed(uid, new Set());
  }

  #reject(pod: corev1.Pod, decision: Extract<Decision, { type: 'unschedulable' }>, ctx: Ctx): void {
    this.#queue.failed(pod.metadata.uid, decision.rejectedBy);
    ctx.log.debug('pod does not fit', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, why: decision.message });
    this.#context.recorder.event(pod, { type: 'Warning', reason: 'FailedScheduling', message: decision.message, action: 'Scheduling' });
    this.#context.group.spawn(`mark unschedulable ${pod.metadata.uid}`, (markCtx) =>
      this.#setCondition(pod, { reason: 'Unschedulable', message: decision.message }, markCtx),
    );
  }

  async #setCondition(pod: corev1.Pod, why: { readonly reason: string; readonly message: string }, { signal }: Ctx): Promise<void> {
    const before = getCondition(pod.status.conditions, 'PodScheduled');
    if (before?.status === 'False' && before.reason === why.reason && before.message === why.message) return;
    const { namespace, name, uid } = pod.metadata;
    const transition = before?.status === 'False' ? before.lastTransitionTime : undefined;
    const condition: corev1.PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      lastTransitionTime: transition ?? formatTime(this.#context.clock.now()),
      ...why,
    };
    const conditions = setCondition(pod.status.conditions, condition).filter(({ type }) => type === 'PodScheduled');
    const body = { metadata: { uid }, status: { conditions } };
    try {
      await this.#context.client.patch(
        corev1Resources.pods,
        { namespace, name },
        { type: 'application/strategic-merge-patch+json', body, subresource: 'status' },
        { signal },
      );
    } catch (error) {
      // Gone, or another pod of that name by now: there is nothing to mark.
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  }

  #profileOf(pod: corev1.Pod): Profile {
    return this.#profiles.get(pod.spec.schedulerName ?? defaultProfile.schedulerName) ?? defaultProfile;
  }
}

/** Undoes what was reserved when one plugin says no. */
function reserve(plugins: readonly Plugin[], state: CycleState, pod: corev1.Pod, node: string): Rejection | undefined {
  for (const plugin of plugins) {
    const rejection = plugin.reserve?.(state, pod, node);
    if (!rejection) continue;
    unreserve(plugins, state, pod, node);
    return rejection;
  }
  return undefined;
}

function unreserve(plugins: readonly Plugin[], state: CycleState, pod: corev1.Pod, node: string): void {
  for (const plugin of plugins.toReversed()) plugin.unreserve?.(state, pod, node);
}
