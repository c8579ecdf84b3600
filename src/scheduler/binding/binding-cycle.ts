/**
 * The way of a decided pod to its node: hold it while a plugin asks for it, prepare, bind. It runs beside the next decisions.
 *
 * Invariants: a pod counts on its node until this has failed for good; an answer that was lost is not taken for a failure: the pod itself
 * says whether it was bound. Whoever binds late, by a request that was thought lost, meets the API server's own rule that a pod is bound once.
 * @source kube-scheduler schedule_one.go (bindingCycle, handleBindingCycleError), v1.35
 */
import { ApiError, type corev1, corev1Resources } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import { type Attempt, errorFailure, type Failure, failureOnNode } from '../attempt.ts';
import { causeOf, PluginError } from '../cycle/plugin-error.ts';
import { handleFailure } from '../failures.ts';
import type { CycleState, Plugin } from '../framework/index.ts';
import { patchPodStatus, podStatusPatch } from '../pod-status.ts';
import type { SchedulerParts } from '../scheduler-parts.ts';
import { clusterEvents } from '../watch-cluster.ts';
import type { HeldRejection } from './waiting-pods.ts';

export interface Binding {
  readonly attempt: Attempt;
  readonly state: CycleState;
  readonly nodeName: string;
  /** When permit plugins hold the pod: how that ends. */
  readonly held: Promise<HeldRejection | undefined> | undefined;
}

/** Binds the pod, or undoes what was reserved and sends it back. @throws only the signal's reason */
export async function runBindingCycle(parts: SchedulerParts, binding: Binding, signal: AbortSignal): Promise<void> {
  const { attempt, state, nodeName } = binding;
  const { pod, active } = attempt;
  try {
    const preparing = preparingPlugins(binding);
    if (binding.held || preparing.length > 0) announce(parts, binding);
    if (binding.held) {
      const rejection = await waitOnPermit(parts, binding.held);
      signal.throwIfAborted();
      if (rejection) {
        giveUp(parts, binding, failureOnNode(rejection.plugin, rejection.status, `running Permit plugin "${rejection.plugin}"`));
        return;
      }
    }
    // From here on nothing can make it unschedulable: events need not be kept for it.
    parts.queue.done(pod.uid);
    for (const plugin of preparing) await preBind(plugin, binding, signal);
    await bind(parts, binding, signal);
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    giveUp(parts, binding, errorFailure(error));
    return;
  }
  bound(parts, binding);
  for (const plugin of active.profile.postBind) plugin.postBind?.(state, pod, nodeName);
}

async function waitOnPermit(
  { context, metrics }: SchedulerParts,
  held: Promise<HeldRejection | undefined>,
): Promise<HeldRejection | undefined> {
  const fromMs = context.clock.monotonic();
  const rejection = await held;
  metrics.waitedForPermit(rejection?.status.code ?? 'Success', (context.clock.monotonic() - fromMs) / 1000);
  return rejection;
}

/** The preBind plugins that have something to do. @throws PluginError */
function preparingPlugins({ attempt: { active, pod }, state, nodeName }: Binding): Plugin[] {
  return active.profile.preBind.filter((plugin) => {
    const status = plugin.preBindPreFlight?.(state, pod, nodeName);
    if (status && status.code !== 'Skip') throw new PluginError(plugin.name, `running PreBindPreFlight "${plugin.name}"`, causeOf(status));
    return status === undefined;
  });
}

/** Tells others (an autoscaler, say) where the pod will be, when that takes a while. */
function announce({ context, statusWrites }: SchedulerParts, { attempt: { pod }, nodeName }: Binding): void {
  const body = podStatusPatch(pod.pod, { nominatedNode: nodeName }, context.clock.now());
  if (body) statusWrites.put(pod.uid, (signal) => patchPodStatus(context.client, pod.pod, body, signal));
}

async function preBind(plugin: Plugin, { attempt: { pod }, state, nodeName }: Binding, signal: AbortSignal): Promise<void> {
  const where = `running PreBind plugin "${plugin.name}"`;
  let status;
  try {
    status = await plugin.preBind!(state, pod, nodeName, signal);
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    throw new PluginError(plugin.name, where, error);
  }
  if (status) throw new PluginError(plugin.name, where, causeOf(status));
}

async function bind(parts: SchedulerParts, binding: Binding, signal: AbortSignal): Promise<void> {
  try {
    await askBinders(parts, binding, signal);
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    const cause = error instanceof PluginError ? error.cause : error;
    // It did not happen, says the server. A Conflict may be the echo of our own first try.
    const refused = cause instanceof ApiError && cause.reason !== 'Conflict' && cause.code < 500 && cause.code !== 429;
    if (refused || !(await isBoundTo(parts, binding, signal))) throw error;
  }
}

/** The first that binds ends it. @throws PluginError, or what an extender threw */
async function askBinders({ extenders }: SchedulerParts, { attempt, state, nodeName }: Binding, signal: AbortSignal): Promise<void> {
  const { pod, active } = attempt;
  if (extenders.all.length > 0 && (await extenders.bind(pod.pod, nodeName))) return;
  for (const plugin of active.profile.bind) {
    const where = `running Bind plugin "${plugin.name}"`;
    let status;
    try {
      status = await plugin.bind!(state, pod, nodeName, signal);
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      throw new PluginError(plugin.name, where, error);
    }
    if (status?.code === 'Skip') continue;
    if (status) throw new PluginError(plugin.name, where, causeOf(status));
    return;
  }
  throw new PluginError('', 'binding', new Error('no plugin binds this pod'));
}

/** What the stored pod says. When it cannot be asked, the failure stands: the watch will tell. */
async function isBoundTo(
  { context: { client } }: SchedulerParts,
  { attempt: { pod }, nodeName }: Binding,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace, name, uid } = pod.pod.metadata;
  let stored: corev1.Pod;
  try {
    stored = await client.get(corev1Resources.pods, { namespace, name }, { signal });
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    return false;
  }
  return stored.metadata.uid === uid && stored.spec.nodeName === nodeName;
}

function giveUp(parts: SchedulerParts, { attempt, state, nodeName }: Binding, failure: Failure): void {
  const { cache, queue } = parts;
  const { pod, active } = attempt;
  for (const plugin of active.profile.reserve.toReversed()) plugin.unreserve?.(state, pod, nodeName);
  const wasAssumed = cache.forget(pod.uid);
  const isRejected = failure.reason === 'Unschedulable';
  // Room is free again. A rejected pod must not be moved by its own leaving, so it is put back first.
  if (wasAssumed && !isRejected) queue.move(clusterEvents.assignedPodDelete, { old: pod.pod });
  handleFailure(parts, attempt, failure);
  if (wasAssumed && isRejected) queue.move(clusterEvents.assignedPodDelete, { old: pod.pod }, pod.uid);
}

function bound({ context, metrics }: SchedulerParts, { attempt, nodeName }: Binding): void {
  const { entry, pod, active, startedMs } = attempt;
  const { clock, recorder } = context;
  const { namespace, name } = pod.pod.metadata;
  recorder.event(pod.pod, {
    type: 'Normal',
    reason: 'Scheduled',
    message: `Successfully assigned ${namespace}/${name} to ${nodeName}`,
    action: 'Binding',
  });
  metrics.attempted(active.profile.schedulerName, 'scheduled', (clock.monotonic() - startedMs) / 1000);
  metrics.bound(entry.attempts, entry.firstAttemptMs === undefined ? undefined : (clock.now() - entry.firstAttemptMs) / 1000);
}
