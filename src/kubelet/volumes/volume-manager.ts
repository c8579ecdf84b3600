/**
 * The volumes of this node's pods: made before their containers start, kept up to date while they run, removed when they are gone.
 * Invariants: work on one pod's volumes never overlaps; a live volume is rewritten only as a whole; after `release` nothing is made
 * for a pod until it is prepared again; a kubelet that restarts goes on with what stands.
 */
import { existsSync, realpathSync } from 'node:fs';
import { type corev1, isApiError, isPodTerminal } from '../../api/index.ts';
import { assert, type Ctx, isAbort, TaskGroup } from '../../base/index.ts';
import { type ReferencedObjects, referencedObjects } from '../environment/index.ts';
import { type PreparedVolume, VolumeError, type VolumeManager, type VolumeManagerDeps } from '../seams.ts';
import { ClaimError, type ClaimedVolume, claimedVolume, claimNameOf } from './claims.ts';
import { type Mounter, systemMounter } from './mounter.ts';
import { setUpPersistentVolume } from './persistent-volume.ts';
import { hasVolumeDirectories, type PodDirectories, podDirectories, podUids } from './pod-directories.ts';
import { removePodVolumes } from './removal.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import { bindSubPath, makeSubPath } from './sub-path.ts';
import { isLive, setUpVolume } from './volume-setup.ts';

const defaultRefreshMs = 60_000;

interface Tracked {
  pod: corev1.Pod;
  /** Paths by volume, as last prepared. */
  prepared: ReadonlyMap<string, PreparedVolume>;
  /** What its claims lead to, by volume. */
  readonly claimed: Map<string, ClaimedVolume>;
  /** A refresh waits for its turn; one is enough. */
  refreshQueued: boolean;
}

class KubeletVolumes implements VolumeManager {
  readonly #deps: VolumeManagerDeps;
  readonly #mounter: Mounter;
  readonly #objects: ReferencedObjects;
  readonly #tokens: ServiceAccountTokens;
  readonly #tracked = new Map<string, Tracked>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #group: TaskGroup | undefined;

  constructor(deps: VolumeManagerDeps, mounter: Mounter) {
    this.#deps = deps;
    this.#mounter = mounter;
    this.#objects = referencedObjects(deps);
    this.#tokens = new ServiceAccountTokens(deps);
    this.#objects.addListener((uids) => {
      for (const uid of uids) this.#queueRefresh(uid);
    });
  }

  start(ctx: Ctx): void {
    const group = new TaskGroup(ctx);
    this.#group = group;
    group.spawn('volume refresh', async ({ signal }) => {
      try {
        for (;;) {
          this.#adopt();
          for (const uid of this.#tracked.keys()) this.#queueRefresh(uid);
          await this.#deps.clock.sleep(this.#deps.refreshMs || defaultRefreshMs, signal);
        }
      } finally {
        await this.#objects.close();
      }
    });
  }

  prepare(pod: corev1.Pod, ctx: Ctx): Promise<ReadonlyMap<string, PreparedVolume>> {
    const { uid } = pod.metadata;
    const tracked = this.#track(pod);
    return this.#inTurn(uid, async () => {
      const prepared = await this.#setUp(pod, usedVolumes(pod), ctx.signal);
      tracked.prepared = prepared;
      return prepared;
    });
  }

  podUpdated(pod: corev1.Pod): void {
    const tracked = this.#tracked.get(pod.metadata.uid);
    if (!tracked) return;
    tracked.pod = pod;
    this.#objects.register(pod);
    this.#queueRefresh(pod.metadata.uid);
  }

  resolveSubPath(
    mount: {
      readonly pod: corev1.Pod;
      readonly containerName: string;
      readonly mountIndex: number;
      readonly volumeName: string;
      readonly subPath: string;
    },
    ctx: Ctx,
  ): Promise<string> {
    const { pod, containerName, mountIndex, volumeName, subPath } = mount;
    const { uid } = pod.metadata;
    return this.#inTurn(uid, async () => {
      const volumePath = this.#tracked.get(uid)?.prepared.get(volumeName)?.hostPath;
      if (volumePath === undefined) throw new VolumeError(`cannot find volume "${volumeName}" to mount into container "${containerName}"`);
      const target = this.#directories(uid).subPath(volumeName, containerName, mountIndex);
      const request = { volumePath, subPath, target };
      // The system's errors are only logged: they would tell a user about the node's file system.
      await this.#explained('create subPath directory', mount, ctx, () => Promise.resolve(makeSubPath(request)));
      return this.#explained('prepare subPath', mount, ctx, () => bindSubPath(request, this.#mounter, ctx.signal));
    });
  }

  release(podUid: string, ctx: Ctx): Promise<void> {
    this.#tracked.delete(podUid);
    this.#objects.unregister(podUid);
    this.#tokens.forget(podUid);
    return this.#inTurn(podUid, () => removePodVolumes(this.#directories(podUid), this.#mounter, ctx.signal));
  }

  knownPods(): ReadonlySet<string> {
    const known = new Set(this.#tracked.keys());
    for (const uid of podUids(this.#deps.rootDir)) if (hasVolumeDirectories(this.#directories(uid))) known.add(uid);
    return known;
  }

  /** Pods whose volumes stand from an earlier life of the kubelet: nobody may ask for them before they end. */
  #adopt(): void {
    for (const pod of this.#deps.pods.list()) {
      const { uid } = pod.metadata;
      if (this.#tracked.has(uid) || isPodTerminal(pod) || !hasVolumeDirectories(this.#directories(uid))) continue;
      this.#track(pod);
    }
  }

  #track(pod: corev1.Pod): Tracked {
    const { uid } = pod.metadata;
    const tracked = this.#tracked.get(uid) ?? { pod, prepared: new Map(), claimed: new Map(), refreshQueued: false };
    tracked.pod = pod;
    this.#tracked.set(uid, tracked);
    this.#objects.register(pod);
    return tracked;
  }

  #queueRefresh(uid: string): void {
    const tracked = this.#tracked.get(uid);
    if (!tracked || tracked.refreshQueued || !usedVolumes(tracked.pod).some(isLive)) return;
    tracked.refreshQueued = true;
    this.#group?.spawn(`volumes of ${uid}`, ({ signal }) =>
      this.#inTurn(uid, async () => {
        tracked.refreshQueued = false;
        // Released meanwhile: nothing may be made any more.
        if (this.#tracked.get(uid) !== tracked) return;
        const { pod } = tracked;
        const standing = usedVolumes(pod).filter((volume) => isLive(volume) && this.#stands(uid, volume));
        await this.#setUp(pod, standing, signal).catch((error: unknown) => {
          if (!(error instanceof VolumeError)) throw error;
        });
      }),
    );
  }

  /** A volume that was never made is made by `prepare`, which knows who waits for it. */
  #stands(uid: string, volume: corev1.Volume): boolean {
    const plugin = volume.configMap ? 'configmap' : volume.secret ? 'secret' : volume.projected ? 'projected' : 'downward-api';
    return existsSync(this.#directories(uid).readyMark(plugin, volume.name));
  }

  async #setUp(pod: corev1.Pod, volumes: readonly corev1.Volume[], signal: AbortSignal): Promise<ReadonlyMap<string, PreparedVolume>> {
    const { clock, nodeAllocatable } = this.#deps;
    const setup = {
      directories: this.#directories(pod.metadata.uid),
      mounter: this.#mounter,
      sources: { pod, objects: this.#objects, tokens: this.#tokens, nodeAllocatable: nodeAllocatable(), signal },
      nowMs: clock.now(),
    };
    const results = await Promise.allSettled(
      volumes.map((volume) =>
        claimNameOf(pod, volume) === undefined ? setUpVolume(volume, setup) : this.#setUpClaimed(pod, volume, signal),
      ),
    );
    signal.throwIfAborted();
    const prepared = new Map<string, PreparedVolume>();
    const failures: string[] = [];
    const unclaimed = new Map<string, ClaimError>();
    for (const [index, result] of results.entries()) {
      const { name } = volumes[index]!;
      if (result.status === 'fulfilled') prepared.set(name, result.value);
      else if (result.reason instanceof ClaimError) unclaimed.set(name, result.reason);
      else
        failures.push(
          this.#failed(pod, this.#tracked.get(pod.metadata.uid)?.claimed.get(name)?.volume.metadata.name ?? name, result.reason),
        );
    }
    if (unclaimed.size > 0) failures.push(this.#waitsForClaims(pod, unclaimed));
    if (failures.length > 0) throw new VolumeError(failures.join('; '));
    return prepared;
  }

  async #setUpClaimed(pod: corev1.Pod, volume: corev1.Volume, signal: AbortSignal): Promise<PreparedVolume> {
    const { client, node, localPathDir } = this.#deps;
    const claimed = this.#tracked.get(pod.metadata.uid)?.claimed;
    const found = claimed?.get(volume.name) ?? (await claimedVolume(pod, volume, { client, signal }));
    claimed?.set(volume.name, found);
    const directories = this.#directories(pod.metadata.uid);
    return setUpPersistentVolume(found, { pod, directories, mounter: this.#mounter, node: node?.(), localPathDir, signal });
  }

  /** @source pkg/kubelet/volumemanager/volume_manager.go WaitForAttachAndMount, v1.35 */
  #waitsForClaims(pod: corev1.Pod, errors: ReadonlyMap<string, ClaimError>): string {
    const names = [...errors.keys()].join(' ');
    const why = [...errors.values()].map(({ message }) => message).join('; ');
    const message = `Unable to attach or mount volumes: unmounted volumes=[${names}], unattached volumes=[], failed to process volumes=[${names}]: ${why}`;
    this.#deps.recorder.event(pod, { type: 'Warning', reason: 'FailedMount', message });
    return message;
  }

  #failed(pod: corev1.Pod, volumeName: string, error: unknown): string {
    const reason = error instanceof Error ? error.message : String(error);
    // Some steps before SetUp have words of their own.
    const message = reason.startsWith('MountVolume.') ? reason : `MountVolume.SetUp failed for volume "${volumeName}" : ${reason}`;
    this.#deps.recorder.event(pod, { type: 'Warning', reason: 'FailedMount', message });
    if (!(error instanceof VolumeError) && !isApiError(error)) {
      this.#deps.log.error('volume not made', { pod: pod.metadata.name, volume: volumeName, err: error });
    }
    return message;
  }

  async #explained<T>(
    what: string,
    { volumeName, containerName }: { readonly volumeName: string; readonly containerName: string },
    ctx: Ctx,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (isAbort(cause, ctx.signal)) throw cause;
      ctx.log.error(`cannot ${what}`, { volume: volumeName, container: containerName, err: cause });
      throw new VolumeError(`failed to ${what} for volumeMount "${volumeName}" of container "${containerName}"`, { cause });
    }
  }

  #directories(uid: string): PodDirectories {
    assert(uid !== '' && uid !== '.' && uid !== '..' && !uid.includes('/'), `pod uid ${JSON.stringify(uid)} is no file name`);
    // Mounts are listed by their real paths.
    const { rootDir } = this.#deps;
    return podDirectories(existsSync(rootDir) ? realpathSync(rootDir) : rootDir, uid);
  }

  /** Runs after everything that was asked for this pod before. */
  async #inTurn<T>(uid: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(uid);
    const turn = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    this.#turns.set(uid, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(uid) === turn) this.#turns.delete(uid);
    }
  }
}

/** Makes the manager. @param mounter how things are mounted; default: really */
export function createVolumeManager(deps: VolumeManagerDeps, mounter: Mounter = systemMounter): VolumeManager {
  return new KubeletVolumes(deps, mounter);
}

/** Volumes that a container mounts; others are never made. */
function usedVolumes(pod: corev1.Pod): corev1.Volume[] {
  const { containers, initContainers = [], ephemeralContainers = [], volumes = [] } = pod.spec;
  const used = new Set<string>();
  for (const { volumeMounts = [], volumeDevices = [] } of [...initContainers, ...containers, ...ephemeralContainers]) {
    for (const { name } of [...volumeMounts, ...volumeDevices]) used.add(name);
  }
  return volumes.filter(({ name }) => used.has(name));
}
