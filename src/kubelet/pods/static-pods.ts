/**
 * Keeps static pods and their mirrors in the API together: each manifest's pod runs under its own uid, its mirror is written and
 * rewritten, and a mirror without a manifest is deleted.
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import { isAbort, type TaskGroup } from '../../base/index.ts';
import type { Client, Informer } from '../../client/index.ts';
import { ensureMirror, isMirrorOf, type ManifestSourceOptions, runManifestSource } from './manifest-source.ts';
import { isMirrorPod, isStaticPod } from './pod-names.ts';
import type { PodWorkers } from './pod-workers.ts';
import type { StatusManager } from '../status/status-manager.ts';

export interface StaticPodsOptions {
  readonly client: Client;
  readonly group: TaskGroup;
  readonly informer: Informer<corev1.Pod>;
  readonly workers: () => PodWorkers;
  readonly statuses: () => StatusManager;
  readonly node: () => corev1.Node | undefined;
}

export class StaticPods {
  readonly #options: StaticPodsOptions;
  readonly #pods = new Map<string, corev1.Pod>();

  constructor(options: StaticPodsOptions) {
    this.#options = options;
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** Begins to read the manifests. */
  start(source: Pick<ManifestSourceOptions, 'directory' | 'nodeName' | 'clock' | 'checkMs'>): void {
    const { group, workers } = this.#options;
    const apply = (pod: corev1.Pod): void => {
      this.#pods.set(pod.metadata.uid, pod);
      workers().apply(pod);
      this.#mirror(pod);
    };
    const remove = (uid: string): void => {
      this.#pods.delete(uid);
      workers().remove(uid);
    };
    group.spawn('kubelet manifests', (ctx) => runManifestSource({ ...source, apply, remove }, ctx));
  }

  /** A mirror appeared or changed. */
  observed(mirror: corev1.Pod): void {
    this.#mirror(mirror);
    for (const own of this.#pods.values()) if (isMirrorOf(mirror, own)) this.#options.statuses().observed(own);
  }

  /** A mirror is gone; its pod goes on and gets another. */
  mirrorDeleted(mirror: corev1.Pod): void {
    this.#mirror(mirror);
  }

  /** Looks at all pods and mirrors again; for what failed before. */
  refresh(): void {
    for (const pod of [...this.#pods.values(), ...this.#options.informer.list().filter(isMirrorPod)]) this.#mirror(pod);
  }

  /** The API's object for a pod of this node: itself, or the mirror of a static one. */
  apiPod(uid: string): corev1.Pod | undefined {
    const pod = this.#options.workers().byUid(uid);
    if (!pod) return undefined;
    const { namespace, name } = pod.metadata;
    const found = this.#options.informer.get({ namespace, name });
    if (!found) return undefined;
    return found.metadata.uid === uid || (isStaticPod(pod) && isMirrorOf(found, pod)) ? found : undefined;
  }

  #mirror({ metadata: { namespace, name } }: corev1.Pod): void {
    const { client, group, informer, node } = this.#options;
    if (!informer.synced) return;
    group.spawn(`kubelet mirror ${namespace}/${name}`, async (ctx) => {
      const mirror = informer.get({ namespace, name });
      const own = [...this.#pods.values()].find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
      try {
        if (own) await ensureMirror(own, mirror, { client, node: node() }, ctx);
        else if (mirror) {
          const body = { gracePeriodSeconds: 0, preconditions: { uid: mirror.metadata.uid } };
          await client.delete(corev1Resources.pods, { namespace, name }, { signal: ctx.signal, body });
        }
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        // Housekeeping comes by again.
        ctx.log.info('a mirror pod could not be written', { name, namespace, err });
      }
    });
  }
}
