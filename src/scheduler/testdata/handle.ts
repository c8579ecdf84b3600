/** What plugins need of the scheduler, in memory: the real cluster cache, and listers that hold what a test puts into them. */
import type { KubeObject, ResourceRef } from '../../api/index.ts';
import { seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import { type Informer, keyOf } from '../../client/index.ts';
import { ClusterCache } from '../cluster/cluster-cache.ts';
import type { FrameworkHandle, SchedulerListers } from '../framework/index.ts';

/** An informer that is told its objects by hand. */
export class HeldObjects<T extends KubeObject> implements Informer<T> {
  readonly resource: ResourceRef<T>;
  readonly synced = true;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, (object: T) => readonly string[]>();

  constructor(plural: string) {
    this.resource = { group: '', version: 'v1', resource: plural, plural, kind: plural, namespaced: true } as unknown as ResourceRef<T>;
  }

  put(...objects: readonly T[]): void {
    for (const object of objects) this.#objects.set(keyOf(object), object);
  }

  get(key: { readonly name: string; readonly namespace?: string }): T | undefined {
    return this.#objects.get(keyOf({ metadata: key }));
  }

  list(namespace?: string): readonly T[] {
    return [...this.#objects.values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.list().filter((object) => this.#indexes.get(index)?.(object).includes(value));
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    this.#indexes.set(name, values);
  }

  addHandler(): void {
    // Nothing changes behind a test's back.
  }

  whenSynced(): Promise<void> {
    return Promise.resolve();
  }
}

/** All listers, empty. */
export function heldListers(): {
  readonly [K in keyof SchedulerListers]: SchedulerListers[K] extends Informer<infer T> ? HeldObjects<T> : never;
} {
  return {
    namespaces: new HeldObjects('namespaces'),
    services: new HeldObjects('services'),
    replicationControllers: new HeldObjects('replicationcontrollers'),
    replicaSets: new HeldObjects('replicasets'),
    statefulSets: new HeldObjects('statefulsets'),
    persistentVolumes: new HeldObjects('persistentvolumes'),
    persistentVolumeClaims: new HeldObjects('persistentvolumeclaims'),
    storageClasses: new HeldObjects('storageclasses'),
    csiNodes: new HeldObjects('csinodes'),
    csiDrivers: new HeldObjects('csidrivers'),
    csiStorageCapacities: new HeldObjects('csistoragecapacities'),
    volumeAttachments: new HeldObjects('volumeattachments'),
    podDisruptionBudgets: new HeldObjects('poddisruptionbudgets'),
  };
}

export interface TestHandle extends FrameworkHandle {
  readonly cluster: ClusterCache;
  readonly listers: ReturnType<typeof heldListers>;
}

/** Only what plugins read in a cycle is there; whoever needs more passes it in. */
export function testHandle(more: Partial<FrameworkHandle> = {}): TestHandle {
  const handle = {
    profileName: 'default-scheduler',
    cluster: new ClusterCache(),
    listers: heldListers(),
    clock: new VirtualClock(),
    random: seededRandom(1),
    log: silentLogger,
    extenders: [],
    ...more,
  };
  // The rest (client, recorder, runner…) is left out on purpose: a plugin that reaches for it in a pure test fails there.
  return handle as unknown as TestHandle;
}
