/**
 * Stops one container: the Killing event, its preStop hook within the grace period, then the engine's stop with what is left.
 * @source pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { KillReason } from '../pods/plan.ts';
import { containerFieldPath, findContainer } from '../pods/pod-names.ts';
import type { ContainerView } from '../pods/pod-view.ts';
import type { RuntimeService } from '../runtime/runtime.ts';
import { runHook } from './hooks.ts';

/** Even a container whose grace is used up by its hook gets a moment to end by itself. */
const minimumGraceSeconds = 2;

export interface StopInput {
  /** Undefined when the pod's object is gone: then there is no hook and no event. */
  readonly pod: corev1.Pod | undefined;
  readonly container: Pick<ContainerView, 'id' | 'name'> & Partial<Pick<ContainerView, 'graceSeconds'>>;
  readonly reason: KillReason;
  /** Event text; default `Stopping container NAME`. */
  readonly message?: string;
  /** Overrides every other grace period. */
  readonly graceSeconds?: number;
  readonly podIp: string;
  readonly runtime: RuntimeService;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Resolves when it is this container's turn (sidecars end after those they serve); the grace period runs meanwhile. */
  readonly turn?: Promise<void>;
}

export async function stopContainer(input: StopInput, ctx: Ctx): Promise<void> {
  const { pod, container, runtime, recorder, clock } = input;
  const startedMs = clock.monotonic();
  const spec = pod && findContainer(pod, container.name);
  const graceSeconds = input.graceSeconds ?? gracePeriod(input);
  if (pod) {
    const fieldPath = containerFieldPath(pod, container.name);
    const message = input.message ?? `Stopping container ${container.name}`;
    recorder.event(pod, { type: 'Normal', reason: 'Killing', message, ...(fieldPath && { fieldPath }) });
  }
  if (pod && spec?.lifecycle?.preStop && graceSeconds > 0) await preStop(input, spec.lifecycle.preStop, graceSeconds, ctx);
  const left = (): number => graceSeconds - (clock.monotonic() - startedMs) / 1000;
  if (input.turn) await Promise.race([input.turn, clock.sleep(Math.max(0, left() * 1000), ctx.signal)]);
  await runtime.stopContainer(container.id, Math.max(Math.ceil(left()), minimumGraceSeconds), ctx);
}

/** What the pod, its deletion and its probes give a container to end. @source setTerminationGracePeriod */
export function gracePeriod({ pod, container, reason }: Pick<StopInput, 'pod' | 'container' | 'reason'>): number {
  if (!pod) return container.graceSeconds ?? minimumGraceSeconds;
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  const spec = findContainer(pod, container.name);
  const probe = reason === 'startupProbe' ? spec?.startupProbe : reason === 'livenessProbe' ? spec?.livenessProbe : undefined;
  return probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

/** A failing hook is told of and does not hold the stop up. */
async function preStop(input: StopInput, handler: corev1.LifecycleHandler, graceSeconds: number, ctx: Ctx): Promise<void> {
  const { container, podIp, runtime, recorder, clock } = input;
  const pod = input.pod!;
  const spec = findContainer(pod, container.name)!;
  const limit = new AbortController();
  const timer = clock.setTimer(graceSeconds * 1000, () => limit.abort(new Error('the grace period has ended')));
  try {
    const signal = AbortSignal.any([ctx.signal, limit.signal]);
    await runHook({ handler, container: spec, containerId: container.id, podIp, runtime, clock, signal });
  } catch (err) {
    if (isAbort(err, ctx.signal)) throw err;
    ctx.log.warn('a preStop hook failed', { container: container.name, err });
    const fieldPath = containerFieldPath(pod, container.name);
    recorder.event(pod, { type: 'Warning', reason: 'FailedPreStopHook', message: 'PreStopHook failed', ...(fieldPath && { fieldPath }) });
  } finally {
    timer.cancel();
  }
}
