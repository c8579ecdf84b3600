/**
 * The binder: brings claims and volumes together, asks provisioners for what is missing, and deals with volumes whose claims are gone.
 * Keys are `claim:NAMESPACE/NAME` and `volume:NAME`. A binding is four writes; each may be the last before the process ends, and doing
 * it again from the start finishes it. The volume is written first: its `claimRef` decides between two claims.
 * @source pkg/controller/volume/persistentvolume, v1.35
 */
import {
  claimKeyOf,
  type corev1,
  corev1Resources,
  defaultClassOf,
  defaultStorageClassMarks,
  hasStorageClass,
  isApiError,
  isPodTerminal,
  storageClassNameOf,
  type storagev1,
  storagev1Resources,
  volumeBoundTo,
} from '../../api/index.ts';
import { assertNever, type Ctx } from '../../base/index.ts';
import {
  type Controller,
  type ControllerContext,
  done,
  type Informer,
  keyOf,
  type Outcome,
  type RecordedEvent,
  referenceTo,
  splitKey,
} from '../../client/index.ts';
import { claimsOf } from '../in-use-protection/users.ts';
import { OwnWrites } from '../own-writes.ts';
import { claimBoundTo, claimForProvisioner, statusWithoutVolume, statusWithVolume, volumeUnbound } from './bindings.ts';
import { planClaim } from './claim-plan.ts';
import { exposeVolumeMetrics } from './metrics.ts';
import { isReleased, planReclaim, planVolume } from './volume-plan.ts';

export interface PersistentVolumeOptions {
  /** How often claims that wait and volumes that could not be reclaimed are looked at again; default 15 s. */
  readonly syncPeriodMs?: number;
}

type Volume = corev1.PersistentVolume;
type Claim = corev1.PersistentVolumeClaim;

const { persistentvolumeclaims, persistentvolumes, pods } = corev1Resources;
const claimPrefix = 'claim:';
const volumePrefix = 'volume:';
/** Waiting claims that a new volume wakes; the others look by themselves every period. */
const maxWoken = 50;

const volumeByClaim = 'claim';
const freeVolumeByClass = 'free by class';
const claimByClass = 'waiting by class';
const claimByVolume = 'volume';
const podByClaim = 'claim';

export function createPersistentVolumeController(context: ControllerContext, options: PersistentVolumeOptions = {}): Controller {
  const binder = new Binder(context, options);
  return {
    name: 'persistentvolume-binder-controller',
    workers: 8,
    setup: (enqueue) => binder.setup(enqueue),
    reconcile: async (key, ctx) => {
      try {
        if (key.startsWith(claimPrefix)) return await binder.syncClaim(key.slice(claimPrefix.length), ctx);
        return await binder.syncVolume(key.slice(volumePrefix.length), ctx);
      } catch (error) {
        // Gone in the middle: what is left of the binding wakes the other side.
        if (isApiError(error, 'NotFound')) return done;
        throw error;
      }
    },
  };
}

class Binder {
  readonly #context: ControllerContext;
  readonly #syncPeriodMs: number;
  readonly #claims: Informer<Claim>;
  readonly #volumes: Informer<Volume>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #classes: Informer<storagev1.StorageClass>;
  readonly #ownClaims: OwnWrites<Claim>;
  readonly #ownVolumes: OwnWrites<Volume>;
  /** Volumes that a claim is being bound to right now. */
  readonly #taken = new Set<string>();
  readonly #assigned: () => void;
  #enqueue: (key: string) => void = () => undefined;

  constructor(context: ControllerContext, options: PersistentVolumeOptions) {
    const { informers } = context;
    this.#context = context;
    this.#syncPeriodMs = options.syncPeriodMs ?? 15_000;
    this.#claims = informers.informer(persistentvolumeclaims);
    this.#volumes = informers.informer(persistentvolumes);
    this.#pods = informers.informer(pods);
    this.#classes = informers.informer(storagev1Resources.storageclasses);
    this.#ownClaims = new OwnWrites(this.#claims);
    this.#ownVolumes = new OwnWrites(this.#volumes);
    this.#claims.addIndex(claimByClass, (claim) => (isWaiting(claim) ? [storageClassNameOf(claim)] : []));
    this.#claims.addIndex(claimByVolume, ({ spec }) => (spec.volumeName ? [spec.volumeName] : []));
    this.#volumes.addIndex(volumeByClaim, (volume) => (volume.spec.claimRef ? [claimKeyOf(volume) ?? ''] : []));
    this.#volumes.addIndex(freeVolumeByClass, (volume) => (volume.spec.claimRef ? [] : [storageClassNameOf(volume)]));
    this.#pods.addIndex(podByClaim, claimsOf);
    const registry = context.registry;
    this.#assigned = registry
      ? exposeVolumeMetrics(registry, { claims: this.#claims, volumes: this.#volumes }).classAssigned
      : () => undefined;
  }

  setup(enqueue: (key: string) => void): void {
    this.#enqueue = enqueue;
    const claimChanged = (claim: Claim): void => {
      enqueue(claimPrefix + keyOf(claim));
      this.#wakeVolumesOf(claim);
    };
    this.#claims.addHandler({
      added: claimChanged,
      updated: (_, claim) => claimChanged(claim),
      deleted: (claim) => this.#wakeVolumesOf(claim),
    });
    const volumeChanged = (volume: Volume): void => {
      enqueue(volumePrefix + volume.metadata.name);
      this.#wakeClaimsFor(volume);
    };
    this.#volumes.addHandler({
      added: volumeChanged,
      updated: (old, volume) => {
        volumeChanged(volume);
        const before = claimKeyOf(old);
        if (before !== undefined && before !== claimKeyOf(volume)) enqueue(claimPrefix + before);
      },
      deleted: (volume) => {
        const key = claimKeyOf(volume);
        if (key !== undefined) enqueue(claimPrefix + key);
        for (const claim of this.#claims.byIndex(claimByVolume, volume.metadata.name)) enqueue(claimPrefix + keyOf(claim));
      },
    });
    this.#classes.addHandler({
      added: (one) => this.#wakeWaiting(one),
      updated: (_, one) => this.#wakeWaiting(one),
    });
  }

  async syncClaim(key: string, { signal }: Ctx): Promise<Outcome> {
    const claim = this.#ownClaims.get(splitKey(key));
    if (!claim) return done;
    const plan = planClaim({
      claim,
      named: claim.spec.volumeName ? this.#ownVolumes.get({ name: claim.spec.volumeName }) : undefined,
      candidates: claim.spec.volumeName ? [] : this.#candidates(claim),
      taken: this.#taken,
      storageClass: this.#classes.get({ name: storageClassNameOf(claim) }),
      defaultClass: hasStorageClass(claim) ? undefined : defaultClassOf(this.#classes.list(), defaultStorageClassMarks)?.metadata.name,
      waitingPods: this.#pods
        .byIndex(podByClaim, key)
        .filter((pod) => !pod.spec.nodeName && !isPodTerminal(pod))
        .map(({ metadata }) => metadata.name),
    });
    const { recorder } = this.#context;
    switch (plan.type) {
      case 'bind':
        await this.#bind(plan.volume, claim, signal);
        return done;
      case 'setClass':
        await this.#saveClaim({ ...claim, spec: { ...claim.spec, storageClassName: plan.className } }, claim, signal);
        this.#assigned();
        return done;
      case 'provision': {
        const saved = await this.#saveClaim(claimForProvisioner(claim, plan.provisioner), claim, signal);
        recorder.event(saved, { type: 'Normal', reason: 'ExternalProvisioning', message: waitForProvisioner(plan.provisioner) });
        return this.#later();
      }
      case 'wait':
        if (plan.event) recorder.event(claim, plan.event);
        await this.#saveClaimStatus(statusWithoutVolume(claim, 'Pending'), claim, signal);
        return this.#later();
      case 'tell':
        recorder.event(claim, plan.event);
        return this.#later();
      case 'lose':
        if (claim.status.phase === 'Lost') return done;
        recorder.event(await this.#saveClaimStatus(statusWithoutVolume(claim, 'Lost'), claim, signal), plan.event);
        return done;
      default:
        return assertNever(plan);
    }
  }

  async syncVolume(name: string, { signal }: Ctx): Promise<Outcome> {
    const volume = this.#ownVolumes.get({ name });
    if (!volume) return done;
    const key = claimKeyOf(volume);
    const plan = planVolume({ volume, claim: key === undefined ? undefined : this.#ownClaims.get(splitKey(key)) });
    switch (plan.type) {
      case 'setPhase':
        await this.#setPhase(volume, plan.phase, signal);
        return done;
      case 'leaveToClaim':
        if (key !== undefined) this.#enqueue(claimPrefix + key);
        return done;
      case 'mismatch':
        this.#tellMismatch(volume, plan.claim);
        return done;
      case 'unbind':
        await this.#unbind(volume, signal);
        return done;
      case 'release':
        return this.#release(volume, signal);
      default:
        return assertNever(plan);
    }
  }

  #candidates(claim: Claim): Volume[] {
    const kept = this.#volumes.byIndex(volumeByClaim, keyOf(claim));
    const free = this.#volumes.byIndex(freeVolumeByClass, storageClassNameOf(claim));
    return [...kept, ...free].map((volume) => this.#ownVolumes.newest(volume));
  }

  async #bind(volume: Volume, claim: Claim, signal: AbortSignal): Promise<void> {
    const { name } = volume.metadata;
    this.#taken.add(name);
    try {
      const bound = await this.#saveVolume(volumeBoundTo(volume, claim, referenceTo(claim)), volume, signal);
      const shown = await this.#setPhase(bound, 'Bound', signal);
      const whole = await this.#saveClaim(claimBoundTo(claim, shown), claim, signal);
      await this.#saveClaimStatus(statusWithVolume(whole, shown), whole, signal);
    } finally {
      this.#taken.delete(name);
    }
  }

  async #unbind(volume: Volume, signal: AbortSignal): Promise<void> {
    const free = await this.#saveVolume(volumeUnbound(volume), volume, signal);
    await this.#setPhase(free, 'Available', signal);
  }

  /** Its claim is not in the cache; before anything is lost the server itself is asked. */
  async #release(volume: Volume, signal: AbortSignal): Promise<Outcome> {
    const { phase } = volume.status;
    if (!isReleased(volume, await this.#liveClaim(volume, signal))) return this.#later();
    const released = phase === 'Released' || phase === 'Failed' ? volume : await this.#setPhase(volume, 'Released', signal);
    const plan = planReclaim(released);
    if (plan.type !== 'fail') return done;
    const { reason, message } = plan;
    if (released.status.phase !== 'Failed') {
      this.#context.recorder.event(await this.#setPhase(released, 'Failed', signal, message), { type: 'Warning', reason, message });
    }
    return this.#later();
  }

  async #liveClaim(volume: Volume, signal: AbortSignal): Promise<Claim | undefined> {
    const key = claimKeyOf(volume);
    if (key === undefined) return undefined;
    try {
      return await this.#context.client.get(persistentvolumeclaims, splitKey(key), { signal });
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #tellMismatch(volume: Volume, claim: Claim): void {
    const { recorder } = this.#context;
    const event = (message: string): RecordedEvent => ({ type: 'Warning', reason: 'VolumeMismatch', message });
    const { name } = claim.metadata;
    recorder.event(
      volume,
      event(`Cannot bind PersistentVolume to requested PersistentVolumeClaim "${name}" due to incompatible volumeMode.`),
    );
    recorder.event(
      claim,
      event(`Cannot bind PersistentVolume "${volume.metadata.name}" to requested PersistentVolumeClaim due to incompatible volumeMode.`),
    );
  }

  async #setPhase(volume: Volume, phase: NonNullable<Volume['status']['phase']>, signal: AbortSignal, message = ''): Promise<Volume> {
    if (volume.status.phase === phase) return volume;
    const { message: _, ...status } = volume.status;
    const changed = { ...volume, status: { ...status, phase, ...(message && { message }) } };
    return this.#ownVolumes.wrote(await this.#context.client.updateStatus(persistentvolumes, changed, { signal }));
  }

  async #saveVolume(changed: Volume, volume: Volume, signal: AbortSignal): Promise<Volume> {
    if (changed === volume) return volume;
    return this.#ownVolumes.wrote(await this.#context.client.update(persistentvolumes, changed, { signal }));
  }

  async #saveClaim(changed: Claim, claim: Claim, signal: AbortSignal): Promise<Claim> {
    if (changed === claim) return claim;
    return this.#ownClaims.wrote(await this.#context.client.update(persistentvolumeclaims, changed, { signal }));
  }

  async #saveClaimStatus(changed: Claim, claim: Claim, signal: AbortSignal): Promise<Claim> {
    if (changed === claim) return claim;
    return this.#ownClaims.wrote(await this.#context.client.updateStatus(persistentvolumeclaims, changed, { signal }));
  }

  #wakeVolumesOf(claim: Claim): void {
    for (const { metadata } of this.#volumes.byIndex(volumeByClaim, keyOf(claim))) this.#enqueue(volumePrefix + metadata.name);
  }

  #wakeClaimsFor(volume: Volume): void {
    const key = claimKeyOf(volume);
    if (key !== undefined) this.#enqueue(claimPrefix + key);
    else if (volume.status.phase === 'Available') {
      for (const claim of this.#claims.byIndex(claimByClass, storageClassNameOf(volume)).slice(0, maxWoken)) {
        this.#enqueue(claimPrefix + keyOf(claim));
      }
    }
    for (const claim of this.#claims.byIndex(claimByVolume, volume.metadata.name)) this.#enqueue(claimPrefix + keyOf(claim));
  }

  /** Claims that wait for this class; those without any when it may have become the default. */
  #wakeWaiting({ metadata }: storagev1.StorageClass): void {
    for (const name of [metadata.name, '']) {
      for (const claim of this.#claims.byIndex(claimByClass, name)) this.#enqueue(claimPrefix + keyOf(claim));
    }
  }

  #later(): Outcome {
    return { type: 'retryAfter', delayMs: this.#syncPeriodMs };
  }
}

function isWaiting({ spec }: Claim): boolean {
  return !spec.volumeName;
}

function waitForProvisioner(provisioner: string): string {
  return (
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.'
  );
}
