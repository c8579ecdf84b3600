/**
 * The configMaps and secrets that pods of this node name, and the services they see: each fetched and watched once, while at least
 * one pod refers to it, and nothing else of the cluster. Restarting a container needs no API server.
 * Invariants: an object is watched exactly while a registered pod names it; an immutable one is fetched once and not watched; a
 * listener hears of a change after the cache shows it.
 */
import { ApiError, type corev1, corev1Resources, isApiError, type KubeObject, type ResourceRef } from '../../api/index.ts';
import { type Clock, isAbort, type Logger, type Random, TaskGroup } from '../../base/index.ts';
import { type Client, createInformerFactory, type Informer, type InformerFactory } from '../../client/index.ts';
import { type ObjectReference, podReferences, type ReferencedKind } from './pod-references.ts';

/** How long a reader waits for the first list of an object. @source watch_based_manager.go */
const syncTimeoutMs = 1_000;
/** How long a container waits for the first list of services. */
const servicesTimeoutMs = 5_000;

const resources: { readonly [K in ReferencedKind]: ResourceRef<corev1.ConfigMap | corev1.Secret> } = {
  configmap: corev1Resources.configmaps,
  secret: corev1Resources.secrets,
};

export interface ReferencedObjectsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface ReferencedObjects {
  /**
   * Watches what the pod names from now on, and no longer what its earlier version named. Idempotent.
   * Objects that are read for a pod must have been registered by it.
   */
  register(pod: corev1.Pod): void;
  unregister(podUid: string): void;
  /** @throws ApiError NotFound as `configmap "x" not found` */
  configMap(key: { readonly namespace: string; readonly name: string }, signal: AbortSignal): Promise<corev1.ConfigMap>;
  /** @throws ApiError NotFound as `secret "x" not found` */
  secret(key: { readonly namespace: string; readonly name: string }, signal: AbortSignal): Promise<corev1.Secret>;
  /** Every service of the cluster. @throws NotSyncedError while they were never read */
  services(signal: AbortSignal): Promise<readonly corev1.Service[]>;
  /** Told the pods that name an object each time it changed, appeared or went; must not throw. */
  addListener(listener: (podUids: ReadonlySet<string>) => void): void;
  /** Ends every watch. */
  close(): Promise<void>;
}

/** The API server could not be asked in time and nothing is cached. */
export class NotSyncedError extends Error {
  override readonly name = 'NotSyncedError';
}

interface Entry {
  readonly reference: ObjectReference;
  readonly informer: Informer<corev1.ConfigMap | corev1.Secret>;
  readonly podUids: Set<string>;
  /** Set once the object was seen to be immutable. */
  immutable?: corev1.ConfigMap | corev1.Secret;
  watching: boolean;
}

class WatchedObjects implements ReferencedObjects {
  readonly #deps: ReferencedObjectsDeps;
  readonly #group: TaskGroup;
  readonly #factory: InformerFactory;
  readonly #services: Informer<corev1.Service>;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners: ((podUids: ReadonlySet<string>) => void)[] = [];
  readonly #onClose: () => void;

  constructor(deps: ReferencedObjectsDeps, onClose: () => void) {
    this.#deps = deps;
    this.#onClose = onClose;
    this.#group = new TaskGroup({ log: deps.log });
    this.#factory = createInformerFactory({ ...deps, group: this.#group });
    this.#services = this.#factory.informer(corev1Resources.services);
    this.#factory.start();
  }

  register(pod: corev1.Pod): void {
    const { uid } = pod.metadata;
    const wanted = new Map(podReferences(pod).map((reference) => [keyOf(reference), reference]));
    for (const [key, reference] of wanted) {
      const entry = this.#entries.get(key) ?? this.#watch(key, reference);
      entry.podUids.add(uid);
    }
    this.#drop(uid, (key) => !wanted.has(key));
    this.#factory.start();
  }

  unregister(podUid: string): void {
    this.#drop(podUid, () => true);
  }

  async configMap(key: { namespace: string; name: string }, signal: AbortSignal): Promise<corev1.ConfigMap> {
    // The kind names the type.
    return (await this.#get({ kind: 'configmap', ...key }, signal)) as corev1.ConfigMap;
  }

  async secret(key: { namespace: string; name: string }, signal: AbortSignal): Promise<corev1.Secret> {
    return (await this.#get({ kind: 'secret', ...key }, signal)) as corev1.Secret;
  }

  async services(signal: AbortSignal): Promise<readonly corev1.Service[]> {
    if (!(await this.#synced(this.#services, servicesTimeoutMs, signal))) {
      throw new NotSyncedError('services have not yet been read at least once, cannot construct envvars');
    }
    return this.#services.list();
  }

  addListener(listener: (podUids: ReadonlySet<string>) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#onClose();
    await this.#group.close();
  }

  async #get(reference: ObjectReference, signal: AbortSignal): Promise<corev1.ConfigMap | corev1.Secret> {
    const { kind, namespace, name } = reference;
    const entry = this.#entries.get(keyOf(reference));
    if (entry?.immutable) return entry.immutable;
    if (entry && !(await this.#synced(entry.informer, syncTimeoutMs, signal))) {
      throw new NotSyncedError(`failed to sync ${kind} cache: timed out waiting for the condition`);
    }
    const cached = entry?.informer.get({ namespace, name });
    if (cached) return cached;
    // A watch may lag behind whoever just made the object: only the API server can say that it is not there.
    try {
      return await this.#deps.client.get(resources[kind], { namespace, name }, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${kind} "${name}" not found` }, { cause: error });
    }
  }

  async #synced(informer: Informer<KubeObject>, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (informer.synced) return true;
    const limit = new AbortController();
    using _timer = this.#deps.clock.setTimer(timeoutMs, () => limit.abort());
    try {
      await informer.whenSynced(AbortSignal.any([signal, limit.signal]));
      return true;
    } catch (error) {
      if (signal.aborted || !isAbort(error, limit.signal)) throw error;
      return false;
    }
  }

  #watch(key: string, reference: ObjectReference): Entry {
    const { kind, namespace, name } = reference;
    const informer = this.#factory.informer(resources[kind], { namespace, fieldSelector: `metadata.name=${name}` });
    const entry: Entry = { reference, informer, podUids: new Set(), watching: true };
    const changed = (object: corev1.ConfigMap | corev1.Secret): void => {
      if (object.immutable) this.#keep(entry, object);
      for (const listener of this.#listeners) listener(entry.podUids);
    };
    informer.addHandler({ added: changed, updated: (_old, current) => changed(current), deleted: changed });
    this.#entries.set(key, entry);
    return entry;
  }

  /** An immutable object never changes: its watch is only a cost. */
  #keep(entry: Entry, object: corev1.ConfigMap | corev1.Secret): void {
    entry.immutable = object;
    this.#unwatch(entry);
  }

  #drop(podUid: string, which: (key: string) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (!which(key) || !entry.podUids.delete(podUid) || entry.podUids.size > 0) continue;
      this.#entries.delete(key);
      this.#unwatch(entry);
    }
  }

  #unwatch(entry: Entry): void {
    if (!entry.watching) return;
    entry.watching = false;
    this.#factory.stop?.(entry.informer);
  }
}

const byClient = new WeakMap<Client, WatchedObjects>();

/** The one cache of this client's kubelet: volumes and environment ask for the same objects. */
export function referencedObjects(deps: ReferencedObjectsDeps): ReferencedObjects {
  const found = byClient.get(deps.client);
  if (found) return found;
  const made = new WatchedObjects(deps, () => byClient.delete(deps.client));
  byClient.set(deps.client, made);
  return made;
}

function keyOf({ kind, namespace, name }: ObjectReference): string {
  return `${kind}/${namespace}/${name}`;
}
