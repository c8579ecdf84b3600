/**
 * Pods that wait for a node, in three places: active (ready to be tried, best first), back-off (tried lately), and unschedulable (nothing
 * has changed that could help). Invariants: a pod stands in at most one place; one that is being tried stands in none; an event during
 * the attempt is not lost: the pod then comes back by way of back-off.
 */
import type { corev1 } from '../api/index.ts';
import { backoffMs, type Clock, type Timer } from '../base/index.ts';
import type { EventDetail, Plugin, QueuedPod } from './framework.ts';
import { PriorityHeap } from './priority-heap.ts';

/** @source kube-scheduler v1.35: podInitialBackoffSeconds, podMaxBackoffSeconds, podMaxInUnschedulablePodsDuration */
const retryPolicy = { initialMs: 1000, maxMs: 10_000 };
const maxUnschedulableMs = 5 * 60_000;
const flushPeriodMs = 30_000;

interface Entry extends QueuedPod {
  /** When the back-off ends; also while unschedulable. */
  readonly readyMs: number;
  readonly unschedulableSinceMs: number;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #plugins: readonly Plugin[];
  readonly #active = new Map<string, Entry>();
  /** The same pods, best first, and some that have left or changed meanwhile: only an entry that is still in `#active` counts. */
  readonly #order: PriorityHeap<Entry>;
  readonly #backoff = new Map<string, { readonly entry: Entry; readonly timer: Timer }>();
  readonly #unschedulable = new Map<string, Entry>();
  /** Pods being tried, with the events that came meanwhile. */
  readonly #inFlight = new Map<string, { readonly entry: Entry; readonly events: EventDetail[] }>();
  #wake: (() => void) | undefined;
  #flush: Timer | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly plugins: readonly Plugin[];
    readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  }) {
    this.#clock = options.clock;
    this.#plugins = options.plugins;
    this.#order = new PriorityHeap<Entry>(options.less);
  }

  /** How many pods stand where; `pending_pods` in metrics. */
  get depths(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    return { active: this.#active.size, backoff: this.#backoff.size, unschedulable: this.#unschedulable.size };
  }

  /** A pod without a node that was created, or whose gates were lifted. */
  add(pod: corev1.Pod): void {
    const { uid } = pod.metadata;
    if (this.#inFlight.has(uid)) return;
    const known = this.#take(uid);
    this.#activate({
      pod,
      queuedMs: known?.queuedMs ?? this.#clock.now(),
      attempts: known?.attempts ?? 0,
      rejectedBy: new Set(),
      readyMs: 0,
      unschedulableSinceMs: 0,
    });
  }

  /** A waiting pod changed: it keeps its place, unless the change may help it. */
  update(pod: corev1.Pod, old: corev1.Pod): void {
    const { uid } = pod.metadata;
    const flying = this.#inFlight.get(uid);
    if (flying) {
      this.#inFlight.set(uid, { ...flying, entry: { ...flying.entry, pod } });
      flying.events.push({ event: 'pod changed', pod, oldPod: old });
      return;
    }
    const active = this.#active.get(uid);
    if (active) {
      this.#activate({ ...active, pod });
      return;
    }
    const waiting = this.#backoff.get(uid);
    if (waiting) {
      waiting.timer.cancel();
      this.#startBackoff({ ...waiting.entry, pod });
      return;
    }
    const stuck = this.#unschedulable.get(uid);
    if (!stuck) {
      this.add(pod);
      return;
    }
    const changed: Entry = { ...stuck, pod };
    this.#unschedulable.set(uid, changed);
    // Only what the plugins look at can help; the scheduler's own status writes do not.
    if (specChanged(pod, old)) this.#moveOut(changed);
  }

  remove(uid: string): void {
    this.#take(uid);
    this.#inFlight.delete(uid);
  }

  /** The best pod that is ready. @throws the signal's reason when it aborts */
  async next(signal: AbortSignal): Promise<QueuedPod> {
    for (;;) {
      signal.throwIfAborted();
      const best = this.#best();
      if (best) {
        const { uid } = best.pod.metadata;
        this.#active.delete(uid);
        this.#inFlight.set(uid, { entry: best, events: [] });
        return best;
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        this.#wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  /** The pod was placed, or is gone. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
  }

  /** The attempt failed. `rejectedBy`: the plugins that said no; empty after an error, which is tried again after back-off. */
  failed(uid: string, rejectedBy: ReadonlySet<string>): void {
    const flying = this.#inFlight.get(uid);
    if (!flying) return;
    this.#inFlight.delete(uid);
    const nowMs = this.#clock.now();
    const attempts = flying.entry.attempts + 1;
    const entry: Entry = {
      ...flying.entry,
      attempts,
      rejectedBy,
      readyMs: nowMs + backoffMs(retryPolicy, attempts - 1),
      unschedulableSinceMs: nowMs,
    };
    const helped = rejectedBy.size === 0 || flying.events.some((detail) => this.#helps(entry, detail));
    if (helped) {
      this.#startBackoff(entry);
      return;
    }
    this.#unschedulable.set(uid, entry);
    this.#armFlush();
  }

  /** Something in the cluster changed: pods that it may help become ready after their back-off. */
  clusterChanged(detail: EventDetail): void {
    for (const flying of this.#inFlight.values()) flying.events.push(detail);
    for (const entry of this.#unschedulable.values()) if (this.#helps(entry, detail)) this.#moveOut(entry);
  }

  close(): void {
    this.#flush?.cancel();
    for (const { timer } of this.#backoff.values()) timer.cancel();
  }

  #helps(entry: QueuedPod, detail: EventDetail): boolean {
    return this.#plugins.some(
      (plugin) =>
        entry.rejectedBy.has(plugin.name) && (plugin.events?.includes(detail.event) ?? false) && (plugin.hint?.(entry.pod, detail) ?? true),
    );
  }

  #moveOut(entry: Entry): void {
    this.#unschedulable.delete(entry.pod.metadata.uid);
    this.#startBackoff(entry);
  }

  #startBackoff(entry: Entry): void {
    const leftMs = entry.readyMs - this.#clock.now();
    if (leftMs <= 0) {
      this.#activate(entry);
      return;
    }
    const { uid } = entry.pod.metadata;
    const timer = this.#clock.setTimer(leftMs, () => {
      const waiting = this.#backoff.get(uid);
      this.#backoff.delete(uid);
      if (waiting) this.#activate(waiting.entry);
    });
    this.#backoff.set(uid, { entry, timer });
  }

  #activate(entry: Entry): void {
    this.#active.set(entry.pod.metadata.uid, entry);
    this.#order.push(entry);
    this.#wake?.();
  }

  #best(): Entry | undefined {
    for (;;) {
      const entry = this.#order.pop();
      if (!entry || this.#active.get(entry.pod.metadata.uid) === entry) return entry;
    }
  }

  #take(uid: string): Entry | undefined {
    const waiting = this.#backoff.get(uid);
    waiting?.timer.cancel();
    const entry = this.#active.get(uid) ?? waiting?.entry ?? this.#unschedulable.get(uid);
    this.#active.delete(uid);
    this.#backoff.delete(uid);
    this.#unschedulable.delete(uid);
    return entry;
  }

  /** A safety net: after five minutes a pod is tried again whatever the events said. */
  #armFlush(): void {
    this.#flush ??= this.#clock.setTimer(flushPeriodMs, () => {
      this.#flush = undefined;
      const nowMs = this.#clock.now();
      for (const entry of this.#unschedulable.values()) if (nowMs - entry.unschedulableSinceMs > maxUnschedulableMs) this.#moveOut(entry);
      if (this.#unschedulable.size > 0) this.#armFlush();
    });
  }
}

function specChanged(pod: corev1.Pod, old: corev1.Pod): boolean {
  return JSON.stringify([pod.spec, pod.metadata.labels]) !== JSON.stringify([old.spec, old.metadata.labels]);
}
