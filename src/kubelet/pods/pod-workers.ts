/**
 * All pods of this node: one worker each, admitted when first seen. It is the kubelet's answer to “which pods are there”, for its
 * server, its volumes and its eviction.
 */
import { type corev1, isPodTerminal } from '../../api/index.ts';
import type { Logger, TaskGroup } from '../../base/index.ts';
import type { PodLookup, RunningContainer } from '../seams.ts';
import type { PodVerdict } from '../status/pod-status.ts';
import type { PodServices } from './pod-services.ts';
import { PodWorker } from './pod-worker.ts';
import { readySandbox } from './pod-view.ts';

export interface PodWorkersOptions {
  readonly services: PodServices;
  readonly group: TaskGroup;
  readonly log: Logger;
  readonly admit: (pod: corev1.Pod, others: readonly corev1.Pod[]) => PodVerdict | undefined;
}

export class PodWorkers implements PodLookup {
  readonly #options: PodWorkersOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #uids = new Map<string, string>();

  constructor(options: PodWorkersOptions) {
    this.#options = options;
  }

  /** A pod's object, new or changed. */
  apply(pod: corev1.Pod): void {
    const { uid } = pod.metadata;
    this.#options.services.statuses.observed(pod);
    const worker = this.#workers.get(uid);
    if (worker) {
      worker.update(pod);
      return;
    }
    this.#start(pod);
  }

  /** The pod's object is gone from its source. */
  remove(uid: string): void {
    this.#workers.get(uid)?.remove();
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  get size(): number {
    return this.#workers.size;
  }

  /** Pods that may still run something or hold resources. */
  active(): readonly corev1.Pod[] {
    return [...this.#workers.values()]
      .filter((worker) => (worker.state === 'syncing' || worker.state === 'terminating') && !this.#hasEnded(worker))
      .map(({ pod }) => pod);
  }

  byUid(uid: string): corev1.Pod | undefined {
    return this.#workers.get(uid)?.pod;
  }

  byName(namespace: string, name: string): corev1.Pod | undefined {
    const uid = this.#uids.get(`${namespace}/${name}`);
    return uid === undefined ? undefined : this.byUid(uid);
  }

  list(): readonly corev1.Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  status(uid: string): corev1.PodStatus | undefined {
    return this.#options.services.statuses.get(uid) ?? this.byUid(uid)?.status;
  }

  sandboxId(uid: string): string | undefined {
    const view = this.#options.services.views.peek(uid);
    return view && readySandbox(view)?.id;
  }

  containerId(uid: string, containerName: string, previous = false): string | undefined {
    return this.#instance(uid, containerName, previous)?.id;
  }

  logPath(uid: string, containerName: string, previous = false): string | undefined {
    return this.#instance(uid, containerName, previous)?.logPath;
  }

  runningContainers(): readonly RunningContainer[] {
    return [...this.#workers.values()].flatMap(({ pod }) => {
      const { uid: podUid, name: podName, namespace = '' } = pod.metadata;
      const containers = this.#options.services.views.peek(podUid)?.containers ?? [];
      return containers
        .filter(({ state }) => state === 'running')
        .map(({ id, name, logPath }) => ({ podUid, namespace, podName, containerName: name, containerId: id, logPath }));
    });
  }

  #instance(uid: string, containerName: string, previous: boolean): { readonly id: string; readonly logPath: string } | undefined {
    const instances = this.#options.services.views.peek(uid)?.containers.filter(({ name }) => name === containerName);
    return instances?.[previous ? 1 : 0];
  }

  #hasEnded({ pod, verdict }: PodWorker): boolean {
    return isPodTerminal(pod) || verdict !== undefined;
  }

  #start(pod: corev1.Pod): void {
    const { services, group, log, admit } = this.#options;
    const { uid, name, namespace = '' } = pod.metadata;
    const others = this.active();
    const worker = new PodWorker(pod, services);
    this.#workers.set(uid, worker);
    this.#uids.set(`${namespace}/${name}`, uid);
    // A pod that this node took before is not refused by a kubelet that starts anew.
    const isNew = pod.status.startTime === undefined;
    if (isNew && !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined) {
      const verdict = admit(pod, others);
      if (verdict) {
        services.recorder.event(pod, {
          type: 'Warning',
          reason: verdict.reason,
          message: verdict.message.replace(/^Pod was rejected: /, ''),
        });
        worker.fail(verdict);
      }
    }
    group.spawn(`pod ${namespace}/${name}`, async ({ signal }) => {
      await worker.run({ signal, log: log.child({ pod: name, namespace }) });
      this.#forget(uid, `${namespace}/${name}`);
    });
  }

  #forget(uid: string, key: string): void {
    this.#workers.delete(uid);
    if (this.#uids.get(key) === uid) this.#uids.delete(key);
    this.#options.services.statuses.forget(uid);
  }
}
