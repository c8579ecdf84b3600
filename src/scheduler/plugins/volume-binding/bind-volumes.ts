/**
 * Writes what was decided for a pod's volumes and waits until binder and provisioners have done their part. Volumes are written with the
 * version they were chosen at: whoever took one meanwhile has won, and the pod is tried again.
 * @source kube-scheduler v1.35 plugins/volumebinding/binder.go (BindPodVolumes, checkBindings)
 */
import { type corev1, corev1Resources, isFullyBound, isVolumeReachable, volumeAnnotations } from '../../../api/index.ts';
import type { Clock } from '../../../base/index.ts';
import { type Client, type Informer, keyOf, splitKey } from '../../../client/index.ts';
import type { ClusterView } from '../../framework/index.ts';
import type { PodVolumes } from './find-volumes.ts';

type Volume = corev1.PersistentVolume;
type Claim = corev1.PersistentVolumeClaim;

const { persistentvolumes, persistentvolumeclaims } = corev1Resources;
const checkMs = 1_000;

export interface VolumeBinderDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly cluster: ClusterView;
  readonly volumes: Informer<Volume>;
  readonly claims: Informer<Claim>;
  readonly timeoutMs: number;
}

export class VolumeBinder {
  readonly #deps: VolumeBinderDeps;
  /** Who waits for changes of a claim. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(deps: VolumeBinderDeps) {
    this.#deps = deps;
    const wake = (claim: Claim): void => this.#waiting.get(keyOf(claim))?.forEach((resolve) => resolve());
    deps.claims.addHandler({ updated: (_, claim) => wake(claim), deleted: wake });
  }

  /**
   * @param volumes with the changes that were assumed
   * @throws ApiError, or an Error that says why the binding did not come about
   */
  async bind(pod: corev1.Pod, nodeName: string, volumes: PodVolumes, signal: AbortSignal): Promise<void> {
    const { client, clock, timeoutMs } = this.#deps;
    const written = new Map<string, bigint>();
    for (const { volume } of volumes.bindings) {
      const saved = await client.update(persistentvolumes, volume, { signal });
      written.set(`volume ${saved.metadata.name}`, BigInt(saved.metadata.resourceVersion));
    }
    for (const claim of volumes.provisions) {
      const saved = await client.update(persistentvolumeclaims, claim, { signal });
      written.set(`claim ${keyOf(saved)}`, BigInt(saved.metadata.resourceVersion));
    }
    const deadlineMs = clock.monotonic() + timeoutMs;
    const keys = [...volumes.bindings.map(({ claim }) => keyOf(claim)), ...volumes.provisions.map((claim) => keyOf(claim))];
    while (!this.#isDone(pod, nodeName, volumes, written)) {
      if (clock.monotonic() >= deadlineMs) throw new Error('binding volumes: context deadline exceeded');
      await this.#change(keys, signal);
    }
  }

  #isDone(pod: corev1.Pod, nodeName: string, { bindings, provisions }: PodVolumes, written: ReadonlyMap<string, bigint>): boolean {
    const info = this.#deps.cluster.node(nodeName);
    const fail = (why: string): Error => new Error(`binding volumes: ${why}`);
    if (!info) throw fail(`failed to get node "${nodeName}": node "${nodeName}" not found`);
    if (!info.pod(pod.metadata.uid)) throw fail('pod does not exist any more');
    const isBehind = (key: string, object: Volume | Claim): boolean => BigInt(object.metadata.resourceVersion) < (written.get(key) ?? 0n);
    const check = (volume: Volume): void => {
      const { name } = volume.metadata;
      if (isVolumeReachable(volume, info.node)) return;
      throw fail(`pv "${name}" node affinity doesn't match node "${nodeName}": no matching NodeSelectorTerms`);
    };
    for (const { claim, volume: chosen } of bindings) {
      const { name } = chosen.metadata;
      const volume = this.#deps.volumes.get({ name });
      const current = this.#deps.claims.get(splitKey(keyOf(claim)));
      if (!volume) throw fail(`failed to check binding: could not find v1.PersistentVolume "${name}"`);
      if (!current) throw fail(`failed to check binding: could not find v1.PersistentVolumeClaim "${keyOf(claim)}"`);
      if (isBehind(`volume ${name}`, volume)) return false;
      check(volume);
      if (!volume.spec.claimRef?.uid) throw fail(`ClaimRef got reset for pv "${name}"`);
      if (!isFullyBound(current)) return false;
    }
    for (const claim of provisions) {
      const current = this.#deps.claims.get(splitKey(keyOf(claim)));
      if (!current) throw fail(`failed to check provisioning pvc: could not find v1.PersistentVolumeClaim "${keyOf(claim)}"`);
      if (isBehind(`claim ${keyOf(claim)}`, current)) return false;
      // A provisioner that cannot do it there takes the annotation away.
      const { annotations, name } = current.metadata;
      if (!annotations) throw fail(`selectedNode annotation reset for PVC "${name}"`);
      if (annotations[volumeAnnotations.selectedNode] !== nodeName) throw fail(`provisioning failed for PVC "${name}"`);
      const volume = current.spec.volumeName ? this.#deps.volumes.get({ name: current.spec.volumeName }) : undefined;
      if (!volume) return false;
      check(volume);
      if (!isFullyBound(current)) return false;
    }
    return true;
  }

  /** Resolves when one of the claims changes, or after a second: other things count too. */
  async #change(keys: readonly string[], signal: AbortSignal): Promise<void> {
    const changed = Promise.withResolvers<void>();
    const cancel = new AbortController();
    for (const key of keys) {
      const waiters = this.#waiting.get(key) ?? new Set();
      waiters.add(changed.resolve);
      this.#waiting.set(key, waiters);
    }
    const nap = this.#deps.clock.sleep(checkMs, AbortSignal.any([signal, cancel.signal])).catch((error: unknown) => {
      if (!cancel.signal.aborted || signal.aborted) throw error;
    });
    try {
      await Promise.race([changed.promise, nap]);
    } finally {
      cancel.abort();
      await nap.catch(() => undefined);
      for (const key of keys) {
        const waiters = this.#waiting.get(key);
        waiters?.delete(changed.resolve);
        if (waiters?.size === 0) this.#waiting.delete(key);
      }
    }
  }
}
