/**
 * The life of one pod on this node, one step at a time. States go one way:
 *
 *     syncing ──▶ terminating ──▶ terminated ──▶ (removed)
 *
 * Invariants: one step of a pod runs at any time; a step is never lost, only joined with the next; asking for the end interrupts what
 * a running start waits for; a pod that terminates never starts anything; after a restart of the kubelet the states follow again from
 * the API and the engine.
 * @source pkg/kubelet/pod_workers.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { deepEqual } from '../../api/json/index.ts';
import { backoffMs, type Ctx, isAbort } from '../../base/index.ts';
import type { PodVerdict } from '../status/pod-status.ts';
import { allocate } from './allocation.ts';
import { newRecord, type PodRecord } from './pod-record.ts';
import type { PodServices } from './pod-services.ts';
import { isExpectedFailure, syncPod } from './sync-pod.ts';
import { releasePod, removePod, terminatePod } from './terminate-pod.ts';

export type WorkerState = 'syncing' | 'terminating' | 'terminated' | 'removed';

/** Interrupts a step; the next one goes on with what is newly known. */
class Interruption extends Error {
  override readonly name = 'AbortError';
}

export class PodWorker {
  readonly #services: PodServices;
  readonly #record: PodRecord;
  /** The newest object as the API has it. */
  #asked: corev1.Pod;
  #state: WorkerState = 'syncing';
  /** The API no longer has the pod (or the manifest is gone). */
  #gone = false;
  /** Nothing of the pod may be started any more. */
  #ending = false;
  /** Every trace of the pod has been removed from the node. */
  #cleaned = false;
  #graceSeconds: number | undefined;
  #pending = true;
  #failures = 0;
  #wake: (() => void) | undefined;
  #step = new AbortController();

  constructor(pod: corev1.Pod, services: PodServices) {
    this.#services = services;
    this.#asked = pod;
    this.#record = newRecord(
      allocate(pod, undefined, () => undefined),
      services.clock.now(),
    );
    this.#takeDeletion(pod);
  }

  get pod(): corev1.Pod {
    return this.#record.pod;
  }

  get state(): WorkerState {
    return this.#state;
  }

  get verdict(): PodVerdict | undefined {
    return this.#record.verdict;
  }

  /** The pod's newest object. */
  update(pod: corev1.Pod): void {
    const isAboutStatus = isSameButStatus(this.#asked, pod);
    this.#asked = pod;
    this.#allocate();
    this.#services.volumes.podUpdated(pod);
    this.#takeDeletion(pod);
    // What a failing try wrote into the status comes back as an update: it must not cut the wait short.
    if (isAboutStatus && this.#backsOff) return;
    this.wake();
  }

  /** Gives the pod the resources that its newest object asks for, as far as they fit. */
  #allocate(): void {
    const { pod, pending } = allocate(this.#asked, this.pod, this.#services.refuseResize);
    this.#record.pod = pod;
    this.#record.resizePending = pending;
  }

  /** The pod's object is gone: end it and leave nothing. */
  remove(): void {
    this.#gone = true;
    this.#end(this.pod.metadata.deletionGracePeriodSeconds);
    this.wake();
  }

  /** Ends the pod as failed: eviction, deadline, admission after a restart. */
  fail(verdict: PodVerdict, graceSeconds?: number): void {
    if (this.#record.verdict) return;
    this.#record.verdict = verdict;
    this.#end(graceSeconds);
    this.wake();
  }

  /** Something happened: look at the pod (again), at once. */
  wake(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** The engine changed something. Our own failing tries do so too, hence a pod that backs off finishes its wait first. */
  wakeByEngine(): void {
    if (this.#backsOff) return;
    this.wake();
  }

  get #backsOff(): boolean {
    return this.#failures > 0 && this.#state === 'syncing' && !this.#ending;
  }

  /** Works until nothing of the pod is left, or the signal aborts. */
  async run(ctx: Ctx): Promise<void> {
    const { clock, settings, random } = this.#services;
    let waitMs: number | undefined = 0;
    while (this.#state !== 'removed') {
      await this.#sleep(waitMs, ctx.signal);
      this.#pending = false;
      const before = this.#state;
      waitMs = await this.#tryStep(ctx);
      if (this.#state !== before) waitMs = 0;
      waitMs ??= settings.resyncMs * (0.75 + random.next() / 2);
      const deadlineMs = this.#untilDeadline(clock.now());
      if (deadlineMs !== undefined) waitMs = Math.min(waitMs, Math.max(deadlineMs, 0));
    }
  }

  async #tryStep(ctx: Ctx): Promise<number | undefined> {
    this.#step = new AbortController();
    const stepCtx: Ctx = { log: ctx.log, signal: AbortSignal.any([ctx.signal, this.#step.signal]) };
    try {
      const waitMs = await this.#oneStep(stepCtx);
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (this.#step.signal.aborted && (isAbort(error, stepCtx.signal) || error instanceof Interruption)) return 0;
      return this.#failed(error, ctx);
    }
  }

  #failed(error: unknown, { log }: Ctx): number {
    const { name, namespace } = this.pod.metadata;
    log[isExpectedFailure(error) ? 'info' : 'warn']('a step of a pod failed', { pod: name, namespace, state: this.#state, err: error });
    return backoffMs(this.#services.settings.retry, this.#failures++);
  }

  /** @returns when to look again; undefined: at the next resync */
  async #oneStep(ctx: Ctx): Promise<number | undefined> {
    const services = this.#services;
    const { uid, name, namespace = '' } = this.pod.metadata;
    switch (this.#state) {
      case 'syncing': {
        // Room may have been made for a resize that had to wait.
        if (this.#record.resizePending) this.#allocate();
        this.#checkDeadline();
        if (this.#ending) {
          this.#state = 'terminating';
          return 0;
        }
        const outcome = await syncPod(this.#record, services, ctx);
        if (outcome.type === 'failed') throw outcome.error;
        if (outcome.type === 'settled') return outcome.nextMs;
        this.#state = 'terminating';
        return 0;
      }
      case 'terminating':
        await terminatePod(this.#record, this.#graceSeconds, services, ctx);
        await releasePod(uid, services, ctx);
        this.#state = 'terminated';
        return 0;
      case 'terminated':
        // A pod that ended by itself stays readable until it is deleted.
        if (!this.#gone && this.pod.metadata.deletionTimestamp === undefined) return undefined;
        if (!this.#cleaned) await removePod({ uid, name, namespace }, services, ctx);
        this.#cleaned = true;
        services.probes.forgetPod(uid);
        if (this.#gone) this.#state = 'removed';
        else services.statuses.finished(uid);
        return undefined;
      case 'removed':
        return undefined;
    }
    return undefined;
  }

  #takeDeletion(pod: corev1.Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(pod.metadata.deletionGracePeriodSeconds);
  }

  /** The grace period only ever shrinks; a running step that waits longer than that is interrupted. */
  #end(graceSeconds: number | undefined): void {
    const shrinks = graceSeconds !== undefined && (this.#graceSeconds === undefined || graceSeconds < this.#graceSeconds);
    if (this.#ending && !shrinks) return;
    this.#ending = true;
    if (shrinks) this.#graceSeconds = graceSeconds;
    if (this.#state === 'syncing' || (this.#state === 'terminating' && shrinks)) this.#step.abort(new Interruption('the pod is ending'));
  }

  #untilDeadline(nowMs: number): number | undefined {
    const { activeDeadlineSeconds } = this.pod.spec;
    if (activeDeadlineSeconds === undefined || this.#state !== 'syncing') return undefined;
    const startTime = this.#services.statuses.get(this.pod.metadata.uid)?.startTime ?? this.#record.startTime;
    return Date.parse(startTime) + activeDeadlineSeconds * 1000 - nowMs;
  }

  #checkDeadline(): void {
    const left = this.#untilDeadline(this.#services.clock.now());
    if (left === undefined || left > 0 || this.#record.verdict) return;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#services.recorder.event(this.pod, { type: 'Normal', reason: 'DeadlineExceeded', message });
    this.#record.verdict = { reason: 'DeadlineExceeded', message };
    this.#ending = true;
  }

  #sleep(waitMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#pending || waitMs <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        settle();
      };
      const onAbort = (): void => finish(() => reject(signal.reason as Error));
      const timer = this.#services.clock.setTimer(waitMs, () => finish(resolve));
      this.#wake = () => finish(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** Nothing that anybody asks of the pod differs. */
function isSameButStatus({ metadata: before, spec: specBefore }: corev1.Pod, { metadata, spec }: corev1.Pod): boolean {
  return (
    before.deletionTimestamp === metadata.deletionTimestamp &&
    deepEqual(before.labels, metadata.labels) &&
    deepEqual(before.annotations, metadata.annotations) &&
    deepEqual(specBefore, spec)
  );
}
