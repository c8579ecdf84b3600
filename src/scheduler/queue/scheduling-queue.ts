/**
 * Pods that wait for a node, in three places: active (ready to be tried, best first), back-off (tried lately), and unschedulable (nothing
 * has changed that could help; gated pods stand here too).
 *
 * Invariants: a pod stands in at most one place; one that is being tried stands in none; an event during the attempt is not lost: what it
 * means for the pod is asked when the attempt has failed; a pod that waits longer than five minutes is tried again whatever the events said.
 * @source kube-scheduler backend/queue/scheduling_queue.go, v1.35 with SchedulerQueueingHints and SchedulerPopFromBackoffQ on (defaults)
 */
import type { corev1 } from '../../api/index.ts';
import type { Clock, Timer } from '../../base/index.ts';
import type { PodInfo } from '../cluster/pod-info.ts';
import type { ClusterEvent, QueuedPod } from '../framework/index.ts';
import { type BackoffLimits, BackoffQueues } from './backoff-queues.ts';
import { EntryHeap } from './entry-heap.ts';
import { type HeardEvent, InFlight } from './in-flight.ts';
import { NominatedPods } from './nominated-pods.ts';
import { QueueEntry } from './queue-entry.ts';
import type { QueueProfile, Requeue } from './queue-profile.ts';
import { podChanges, queueEvents } from './queue-events.ts';
import { UnschedulablePods } from './unschedulable-pods.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly less: (a: QueuedPod, b: QueuedPod) => boolean;
  readonly profileOf: (pod: corev1.Pod) => QueueProfile;
  readonly profiles: () => readonly QueueProfile[];
  /** Default 1 s … 10 s. */
  readonly backoff?: BackoffLimits;
  /** Default five minutes. */
  readonly maxUnschedulableMs?: number;
  /** Told of every pod that comes into a place, by which event; `queue_incoming_pods_total` in metrics. */
  readonly onIncoming?: (place: 'active' | 'backoff' | 'unschedulable' | 'gated', event: string) => void;
  /** Told of a pod that a plugin's preEnqueue keeps out. */
  readonly onGated?: (pod: corev1.Pod, plugin: string, reasons: readonly string[]) => void;
}

const defaultBackoff: BackoffLimits = { initialMs: 1000, maxMs: 10_000 };
const defaultMaxUnschedulableMs = 5 * 60_000;
const flushPeriodMs = 30_000;

export class SchedulingQueue {
  readonly nominated: NominatedPods = new NominatedPods();
  readonly #options: SchedulingQueueOptions;
  readonly #clock: Clock;
  readonly #active: EntryHeap;
  readonly #backoff: BackoffQueues;
  readonly #unschedulable = new UnschedulablePods();
  readonly #inFlight = new InFlight();
  /** Event → plugins of any profile that want to hear of it. */
  readonly #interested = new Map<string, readonly string[]>();
  #wake: (() => void) | undefined;
  #backoffTimer: Timer | undefined;
  #flushTimer: Timer | undefined;

  constructor(options: SchedulingQueueOptions) {
    const { clock, less, backoff = defaultBackoff } = options;
    this.#options = options;
    this.#clock = clock;
    this.#active = new EntryHeap(less);
    this.#backoff = new BackoffQueues({ clock, limits: backoff, less });
  }

  /** How many pods stand where; `pending_pods` in metrics. */
  get depths(): { readonly active: number; readonly backoff: number; readonly unschedulable: number; readonly gated: number } {
    const { size, gated } = this.#unschedulable;
    return { active: this.#active.size, backoff: this.#backoff.size, unschedulable: size, gated };
  }

  get inFlightEvents(): number {
    return this.#inFlight.events;
  }

  /** A pod without a node that is new. */
  add(info: PodInfo): void {
    const { uid } = info;
    if (this.#inFlight.has(uid) || this.#find(uid)) return;
    this.nominated.nominate(info, info.pod.status.nominatedNodeName ?? '');
    this.#activate(new QueueEntry(info, this.#clock.now()), queueEvents.unscheduledPodAdd);
  }

  /** A waiting pod changed: it keeps its place, unless the change may help it. */
  update(old: corev1.Pod, info: PodInfo): void {
    const { uid } = info;
    if (this.#inFlight.has(uid)) {
      for (const event of podChanges(old, info.pod)) this.#inFlight.hear({ event, old, current: info.pod });
      this.nominated.update(old, info);
      return;
    }
    const entry = this.#find(uid);
    if (!entry) {
      this.add(info);
      return;
    }
    this.nominated.update(old, info);
    entry.info = info;
    // The order may hang on what has changed.
    if (entry.place === 'active') this.#active.push(entry);
    else if (entry.place === 'backoff' || entry.place === 'errorBackoff') this.#backoff.push(entry);
    else this.#requeueUpdated(entry, old);
  }

  /** The pod is gone, or has a node now. */
  delete(uid: string): void {
    this.nominated.remove(uid);
    this.#inFlight.done(uid);
    this.#take(uid);
  }

  /** The best pod that is ready, or, before a scheduler sits idle, the next whose back-off is not over. */
  pop(): QueueEntry | undefined {
    const entry = this.#active.pop() ?? this.#backoff.popEarly();
    if (!entry) return undefined;
    entry.place = 'none';
    entry.attempts++;
    entry.backoffEndMs = 0;
    entry.forgetRejections();
    entry.gatedBy = undefined;
    this.#inFlight.start(entry.uid);
    return entry;
  }

  /** Resolves when {@link pop} may find something. @throws the signal's reason when it aborts */
  async ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#active.size > 0) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }

  /** The pod was placed, or is gone: events that came meanwhile do not matter. */
  done(uid: string): void {
    this.#inFlight.done(uid);
  }

  /**
   * The attempt failed. Nobody in `rejectedBy` and `pendingBy`: it was an error, tried again after its back-off.
   * @param info the pod as it is now
   */
  failed(
    entry: QueueEntry,
    outcome: { readonly info: PodInfo; readonly rejectedBy: ReadonlySet<string>; readonly pendingBy: ReadonlySet<string> },
  ): void {
    const { uid } = entry;
    const heard = this.#inFlight.eventsSince(uid);
    this.#inFlight.done(uid);
    if (this.#find(uid)) return;
    entry.info = outcome.info;
    entry.queuedMs = this.#clock.now();
    entry.rejectedBy = outcome.rejectedBy;
    entry.pendingBy = outcome.pendingBy;
    const isError = outcome.rejectedBy.size === 0 && outcome.pendingBy.size === 0;
    if (isError) entry.consecutiveErrors++;
    else {
      entry.unschedulableCount++;
      entry.consecutiveErrors = 0;
    }
    this.#requeue(entry, isError ? 'afterBackoff' : this.#verdict(entry, heard), queueEvents.scheduleAttemptFailure);
  }

  /** Something in the cluster changed: pods that it may help come back. @param except a pod that it cannot help, by uid */
  move(event: ClusterEvent, change: { readonly old?: unknown; readonly current?: unknown } = {}, except?: string): void {
    const heard: HeardEvent = { event, ...change };
    const interested = this.#interestedIn(event);
    if (interested.length === 0) return;
    this.#inFlight.hear(heard);
    const candidates = event.resource === '*' ? this.#unschedulable.entries() : this.#unschedulable.keptOutBy(interested);
    for (const entry of candidates) if (entry.uid !== except) this.#moveIfHelped(entry, heard);
  }

  /** Puts waiting pods into the active queue, whatever rejected them. */
  activate(uids: Iterable<string>): void {
    for (const uid of uids) {
      if (this.#inFlight.has(uid)) {
        this.#inFlight.hear({ event: queueEvents.forceActivate });
        continue;
      }
      const entry = this.#find(uid);
      if (!entry || entry.place === 'active') continue;
      this.#take(uid);
      this.#activate(entry, queueEvents.forceActivate);
    }
  }

  /** Every pod that waits, for explanations and dumps. */
  pending(): readonly QueueEntry[] {
    return [...this.#active.entries(), ...this.#backoff.entries(), ...this.#unschedulable.entries()];
  }

  entry(uid: string): QueueEntry | undefined {
    return this.#find(uid);
  }

  close(): void {
    this.#flushTimer?.cancel();
    this.#backoffTimer?.cancel();
  }

  #find(uid: string): QueueEntry | undefined {
    return this.#active.get(uid) ?? this.#backoff.get(uid) ?? this.#unschedulable.get(uid);
  }

  #take(uid: string): QueueEntry | undefined {
    const entry = this.#active.delete(uid) ?? this.#backoff.delete(uid) ?? this.#unschedulable.delete(uid);
    if (entry) entry.place = 'none';
    return entry;
  }

  #interestedIn(event: ClusterEvent): readonly string[] {
    const key = `${event.resource}/${event.actions}`;
    const known = this.#interested.get(key);
    if (known) return known;
    const names = new Set(this.#options.profiles().flatMap((profile) => profile.interestedIn(event)));
    this.#interested.set(key, [...names]);
    return [...names];
  }

  #profile(entry: QueueEntry): QueueProfile {
    return this.#options.profileOf(entry.info.pod);
  }

  /** What the events during an attempt mean for the pod. */
  #verdict(entry: QueueEntry, heard: readonly HeardEvent[]): Requeue {
    let verdict: Requeue = 'skip';
    for (const each of heard) {
      const next = each.event === queueEvents.forceActivate ? 'now' : this.#profile(entry).requeue(entry, each);
      if (next === 'now') return 'now';
      if (next === 'afterBackoff') verdict = 'afterBackoff';
    }
    return verdict;
  }

  #requeueUpdated(entry: QueueEntry, old: corev1.Pod): void {
    const { pod } = entry.info;
    for (const event of podChanges(old, pod)) if (this.#moveIfHelped(entry, { event, old, current: pod })) return;
  }

  #moveIfHelped(entry: QueueEntry, heard: HeardEvent): boolean {
    const verdict = this.#profile(entry).requeue(entry, heard);
    if (verdict === 'skip') return false;
    this.#unschedulable.delete(entry.uid);
    this.#requeue(entry, verdict, heard.event);
    return true;
  }

  #requeue(entry: QueueEntry, verdict: Requeue, event: ClusterEvent): void {
    if (verdict === 'skip') this.#park(entry, event);
    else if (verdict === 'afterBackoff' && this.#backoff.isBackingOff(entry)) this.#startBackoff(entry, event);
    else this.#activate(entry, event);
  }

  #park(entry: QueueEntry, event: ClusterEvent): void {
    this.#unschedulable.add(entry);
    this.#options.onIncoming?.(entry.gatedBy === undefined ? 'unschedulable' : 'gated', labelOf(event));
    this.#armFlush();
  }

  /** False when a plugin's preEnqueue keeps the pod out; then it is parked. */
  #passesGates(entry: QueueEntry, event: ClusterEvent): boolean {
    const gate = this.#profile(entry).gate(entry.info.pod);
    const gatedBefore = entry.gatedBy;
    entry.gatedBy = gate?.plugin;
    if (!gate) return true;
    this.#park(entry, event);
    if (gatedBefore !== gate.plugin) this.#options.onGated?.(entry.info.pod, gate.plugin, gate.status.reasons);
    return false;
  }

  #startBackoff(entry: QueueEntry, event: ClusterEvent): void {
    if (!this.#passesGates(entry, event)) return;
    this.#backoff.push(entry);
    this.#options.onIncoming?.('backoff', labelOf(event));
    this.#armBackoff();
    this.#wake?.();
  }

  #activate(entry: QueueEntry, event: ClusterEvent): void {
    if (!this.#passesGates(entry, event)) return;
    this.#enterActive(entry, event);
  }

  #enterActive(entry: QueueEntry, event: ClusterEvent): void {
    entry.place = 'active';
    entry.firstAttemptMs ??= this.#clock.now();
    this.#active.push(entry);
    this.#options.onIncoming?.('active', labelOf(event));
    this.#wake?.();
  }

  #armBackoff(): void {
    const delayMs = this.#backoff.nextDelayMs();
    if (delayMs === undefined) return;
    this.#backoffTimer ??= this.#clock.setTimer(delayMs, () => {
      this.#backoffTimer = undefined;
      for (const entry of this.#backoff.popCompleted()) this.#enterActive(entry, queueEvents.backoffComplete);
      this.#armBackoff();
    });
  }

  #armFlush(): void {
    this.#flushTimer ??= this.#clock.setTimer(flushPeriodMs, () => {
      this.#flushTimer = undefined;
      const { maxUnschedulableMs = defaultMaxUnschedulableMs } = this.#options;
      const nowMs = this.#clock.now();
      const leftOver = this.#unschedulable
        .entries()
        .filter(({ queuedMs, gatedBy }) => gatedBy === undefined && nowMs - queuedMs > maxUnschedulableMs);
      for (const entry of leftOver) this.#moveIfHelped(entry, { event: queueEvents.unschedulableTimeout });
      if (this.#unschedulable.size + this.#unschedulable.gated > 0) this.#armFlush();
    });
  }
}

function labelOf({ label, resource }: ClusterEvent): string {
  return label ?? resource;
}
