/**
 * Writes pod statuses to the API. Invariants: each pod's writes are serial and carry the newest status at the time of sending; what
 * the API server already shows is not sent; the pod's uid guards every write; conditions of other owners are never touched; a pod is
 * deleted for good only after `finished`, and only while its deletion has been asked for.
 * @source pkg/kubelet/status/status_manager.go, v1.35
 */
import { type corev1, corev1Resources, getCondition, isApiError, isPodPhaseTerminal, type JsonObject } from '../../api/index.ts';
import { type Clock, formatTime, type Logger, type TaskGroup } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { isStaticPod } from '../pods/pod-names.ts';
import { ownedConditions } from './conditions.ts';
import { statusPatch } from './status-patch.ts';

export interface StatusManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly group: TaskGroup;
  /** The API's object for a pod of this node: itself, or the mirror of a static pod. */
  readonly apiPod: (uid: string) => corev1.Pod | undefined;
  /** Wait between tries when the API server cannot be reached. Default 1 s. */
  readonly retryMs?: number;
}

interface Entry {
  pod: corev1.Pod;
  status: corev1.PodStatus;
  /** Counts changes; `sent` is the last that the API server has. */
  version: number;
  sent: number;
  /** The pod has stopped and everything of it is released. */
  finished: boolean;
  running: boolean;
  /** The API's object changed while a write was under way: which of the two was first is not known. */
  overtaken: boolean;
}

/** One for what is new, one for what the first could not know. */
const maxPatches = 2;

export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  /** The newest status of a pod, sent or not. */
  get(uid: string): corev1.PodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  /** Takes over what is true of the pod now; returns it with transition times. */
  set(pod: corev1.Pod, status: corev1.PodStatus): corev1.PodStatus {
    const { uid } = pod.metadata;
    const entry = this.#entries.get(uid);
    const previous = entry?.status ?? pod.status;
    const next = this.#withTimes(keepTerminal(status, previous), previous);
    if (!entry) {
      this.#entries.set(uid, { pod, status: next, version: 1, sent: 0, finished: false, running: false, overtaken: false });
    } else {
      entry.pod = pod;
      if (JSON.stringify(entry.status) === JSON.stringify(next)) return entry.status;
      entry.status = next;
      entry.version++;
    }
    this.#kick(uid);
    return next;
  }

  /** Nothing of the pod is left on the node: if its deletion was asked for, it is deleted from the API now. */
  finished(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.finished = true;
    this.#kick(uid);
  }

  /** The API's object changed: somebody may have written over our status, or asked for deletion. */
  observed(pod: corev1.Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry) return;
    entry.pod = pod;
    entry.overtaken = true;
    if (entry.finished || (entry.sent === entry.version && statusPatch(pod, entry.status) !== undefined)) {
      entry.sent = Math.min(entry.sent, entry.version - 1);
      this.#kick(pod.metadata.uid);
    }
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  #withTimes(status: corev1.PodStatus, previous: corev1.PodStatus | undefined): corev1.PodStatus {
    const now = formatTime(this.#options.clock.now());
    const conditions = (status.conditions ?? []).map((condition) => {
      const old = getCondition(previous?.conditions, condition.type);
      const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
      return { ...condition, lastTransitionTime };
    });
    // Conditions of other owners stay as they are known; the patch leaves them out.
    const others = (previous?.conditions ?? []).filter(({ type }) => !ownedConditions.has(type) && !getCondition(conditions, type));
    return { ...status, conditions: [...conditions, ...others] };
  }

  #kick(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.running) return;
    entry.running = true;
    this.#options.group.spawn(`pod status ${uid}`, async ({ signal }) => {
      try {
        await this.#sync(uid, signal);
      } finally {
        entry.running = false;
      }
      // What came while it was ending found it running.
      if (entry.sent < entry.version) this.#kick(uid);
    });
  }

  async #sync(uid: string, signal: AbortSignal): Promise<void> {
    const { clock, log, retryMs = 1000 } = this.#options;
    for (;;) {
      const entry = this.#entries.get(uid);
      if (!entry || (entry.sent >= entry.version && !this.#canDelete(uid, entry))) return;
      try {
        if (entry.sent < entry.version) await this.#send(uid, entry, signal);
        if (this.#canDelete(uid, entry)) {
          await this.#delete(uid, entry, signal);
          return;
        }
      } catch (err) {
        signal.throwIfAborted();
        log.warn('a pod status could not be written', { pod: entry.pod.metadata.name, namespace: entry.pod.metadata.namespace, err });
        await clock.sleep(retryMs, signal);
      }
    }
  }

  async #send(uid: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { version, status } = entry;
    const target = this.#options.apiPod(uid);
    if (!target) {
      // Not in the API (any more): nobody is left to tell.
      entry.sent = version;
      return;
    }
    entry.overtaken = false;
    // The watch may be behind, and then the patch lacks what seemed to be there already: the answer shows it.
    let stored: corev1.Pod | undefined = target;
    for (let tries = 0; stored && tries < maxPatches; tries++) {
      const body = statusPatch(stored, status);
      if (!body) break;
      stored = await this.#patch(stored, body, signal);
    }
    entry.sent = Math.max(entry.sent, version);
    if (!entry.overtaken || entry.sent !== entry.version) return;
    const current = this.#options.apiPod(uid);
    // What was told may just as well be our own writes.
    if (!current || current.metadata.resourceVersion === stored?.metadata.resourceVersion) return;
    if (statusPatch(current, status)) entry.sent = version - 1;
  }

  /** The pod as it is then; undefined when it is gone, or another of that name: the watch will tell. */
  async #patch(target: corev1.Pod, body: JsonObject, signal: AbortSignal): Promise<corev1.Pod | undefined> {
    const key = { namespace: target.metadata.namespace, name: target.metadata.name };
    const type = 'application/strategic-merge-patch+json';
    try {
      return await this.#options.client.patch(corev1Resources.pods, key, { type, body, subresource: 'status' }, { signal });
    } catch (error) {
      if (isApiError(error, 'NotFound') || isApiError(error, 'Conflict')) return undefined;
      throw error;
    }
  }

  #canDelete(uid: string, entry: Entry): boolean {
    const target = this.#options.apiPod(uid);
    return entry.finished && !isStaticPod(entry.pod) && target?.metadata.deletionTimestamp !== undefined;
  }

  async #delete(uid: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { namespace, name } = entry.pod.metadata;
    try {
      await this.#options.client.delete(
        corev1Resources.pods,
        { namespace, name },
        { signal, body: { gracePeriodSeconds: 0, preconditions: { uid } } },
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
    this.#entries.delete(uid);
  }
}

/** A container that has ended for good, and a pod that has, never come back to life in the API. */
function keepTerminal(status: corev1.PodStatus, previous: corev1.PodStatus | undefined): corev1.PodStatus {
  if (!previous || !isPodPhaseTerminal(previous.phase) || isPodPhaseTerminal(status.phase)) return status;
  return { ...status, phase: previous.phase! };
}
