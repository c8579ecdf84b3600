/**
 * Deletes what nobody owns any more, in whatever kind is served. It watches metadata only, and before it acts it asks the server.
 * @source pkg/controller/garbagecollector, v1.35
 */
import { apiVersionOf, isApiError, type KubeObject, type metav1, type ResourceRef } from '../../api/index.ts';
import { type Ctx, isAbort } from '../../base/index.ts';
import { type Controller, type ControllerContext, discover, done, type Informer, type Outcome, untilAborted } from '../../client/index.ts';
import { syncErrorCounter } from './metrics.ts';
import { decide, type LookedUpOwner } from './decision.ts';
import { foregroundFinalizer, type Item, itemOf, type Look, orphanFinalizer, OwnerGraph, waitsForDependents } from './graph.ts';

export interface GarbageCollectorOptions {
  /** Between two looks at what is served; default 30 s. */
  readonly resyncMs?: number;
  /** Longest wait for the first state of new kinds; default 30 s. */
  readonly syncTimeoutMs?: number;
  /** Looks under way at once; default 20. */
  readonly workers?: number;
}

const resyncKey = 'resync';
/** Objects that come and go too fast to be worth watching, and own nothing. */
const ignored = new Set(['events', 'events.events.k8s.io']);
/** Owners known to be gone; the oldest are forgotten. */
const maxAbsent = 500;
const maxConflicts = 5;

export function createGarbageCollector(context: ControllerContext, options: GarbageCollectorOptions = {}): Controller {
  const { client, informers, recorder, clock } = context;
  const { resyncMs = 30_000, syncTimeoutMs = 30_000 } = options;
  const syncErrors = syncErrorCounter(context.registry);
  const monitors = new Map<string, Informer<KubeObject>>();
  /** Every served kind, also in versions that are not preferred: owner references may name any. */
  const kinds = new Map<string, ResourceRef>();
  const absent = new Set<string>();
  let ready = false;
  let enqueue: (key: string) => void = () => {};
  const graph = new OwnerGraph((item, owner) => reportInvalidOwner(item, owner));

  const look = (looks: readonly Look[]): void => {
    // Before every kind has been seen, an unseen owner means nothing.
    for (const { type, uid } of looks) if (ready || type === 'orphan') enqueue(`${type}/${uid}`);
  };

  const setup = (add: (key: string) => void): void => {
    enqueue = add;
    add(resyncKey);
  };

  const reconcile = async (key: string, { signal, log }: Ctx): Promise<Outcome> => {
    if (key === resyncKey) {
      await resync(signal).catch((err: unknown) => {
        signal.throwIfAborted();
        syncErrors.inc();
        log.warn('the garbage collector could not learn what is served', { err });
      });
      return { type: 'retryAfter', delayMs: resyncMs };
    }
    const [type, uid = ''] = key.split('/');
    const item = graph.get(uid);
    if (!item) return done;
    return type === 'orphan' ? orphan(item, signal) : attemptToDelete(item, signal);
  };

  /** Watches what is served now, and stops watching what is not. */
  const resync = async (signal: AbortSignal): Promise<void> => {
    const { resources, failures } = await discover(client.transport, { signal });
    kinds.clear();
    for (const { ref } of resources) kinds.set(`${apiVersionOf(ref)} ${ref.kind}`, ref);
    const watchable = resources.filter(
      ({ verbs, preferred }) => preferred && ['delete', 'list', 'watch'].every((verb) => verbs.includes(verb)),
    );
    const served = new Map(watchable.map(({ ref }) => [monitorKey(ref), ref]));
    for (const [key, ref] of served) if (!monitors.has(key) && !ignored.has(nameOf(ref))) monitors.set(key, monitor(ref));
    // A group whose server does not answer has not gone.
    for (const [key, informer] of monitors) {
      if (served.has(key) || failures.length > 0) continue;
      monitors.delete(key);
      informers.stop?.(informer);
    }
    informers.start();
    await firstStates(signal);
    if (ready) return;
    ready = true;
    for (const { uid } of graph.withUnseenOwners()) enqueue(`delete/${uid}`);
    for (const item of waitingItems()) enqueue(`delete/${item.uid}`);
  };

  const waitingItems = (): Item[] =>
    [...monitors.values()]
      .flatMap((informer) => informer.list().flatMap(({ metadata }) => graph.get(metadata.uid) ?? []))
      .filter(waitsForDependents);

  const monitor = (ref: ResourceRef): Informer<KubeObject> => {
    const informer = informers.informer(ref, { metadataOnly: true });
    const put = (object: KubeObject): void => look(graph.put(itemOf(ref, object)));
    informer.addHandler({
      added: put,
      updated: (_, object) => put(object),
      deleted: ({ metadata }) => {
        noteAbsent(metadata.uid);
        look(graph.remove(metadata.uid));
      },
    });
    return informer;
  };

  /** Waits until every kind has been seen; one that cannot be read does not hold up the others for ever. */
  const firstStates = async (signal: AbortSignal): Promise<void> => {
    const unsynced = [...monitors.values()].filter((informer) => !informer.synced);
    if (unsynced.length === 0) return;
    const late = new AbortController();
    using _timer = clock.setTimer(syncTimeoutMs, () => late.abort());
    const either = AbortSignal.any([signal, late.signal]);
    const all = Promise.all(unsynced.map((informer) => informer.whenSynced(either)));
    await untilAborted(all, late.signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!isAbort(error)) throw error;
    });
  };

  const noteAbsent = (uid: string): void => {
    absent.add(uid);
    if (absent.size <= maxAbsent) return;
    const [oldest] = absent;
    absent.delete(oldest!);
  };

  const attemptToDelete = async (item: Item, signal: AbortSignal): Promise<Outcome> => {
    if (item.deleting && !waitsForDependents(item)) return done;
    const latest = await read(item, signal);
    if (!latest) {
      look(graph.remove(item.uid));
      return done;
    }
    if (waitsForDependents(itemOf(item.resource, latest))) return waitForDependents(item, signal);
    const { ownerReferences = [], finalizers = [] } = latest.metadata;
    const owners: LookedUpOwner[] = [];
    for (const owner of ownerReferences) {
      const found = await lookUp(owner, item, signal);
      // A kind that is not served may be served again; a namespaced owner of a cluster's object can never be told.
      if (found === 'unknown') return { type: 'retryAfter', delayMs: resyncMs };
      if (found === 'unreachable') return done;
      owners.push({ owner, state: found });
    }
    const dependents = graph.dependentsOf(item.uid);
    const decision = decide({
      owners,
      finalizers,
      hasDependents: dependents.length > 0,
      dependentWaits: dependents.some(waitsForDependents),
    });
    if (decision.type === 'disown') {
      await writeOwners(item, { latest, owners: ownerReferences.filter(({ uid }) => !decision.uids.includes(uid)), signal });
    } else if (decision.type === 'delete') {
      if (decision.unblockOwners) {
        const unblocked = ownerReferences.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
        await writeOwners(item, { latest, owners: unblocked, signal });
      }
      await deleteItem(item, {
        policy: decision.policy,
        resourceVersion: decision.unblockOwners ? undefined : latest.metadata.resourceVersion,
        signal,
      });
    }
    return done;
  };

  const waitForDependents = async (item: Item, signal: AbortSignal): Promise<Outcome> => {
    const blocking = graph.blockingDependentsOf(item.uid);
    if (blocking.length === 0) await removeFinalizer(item, { finalizer: foregroundFinalizer, signal });
    for (const dependent of blocking) if (!waitsForDependents(dependent)) enqueue(`delete/${dependent.uid}`);
    return done;
  };

  /** The live owner. */
  const lookUp = async (
    owner: metav1.OwnerReference,
    item: Item,
    signal: AbortSignal,
  ): Promise<LookedUpOwner['state'] | 'unknown' | 'unreachable'> => {
    if (absent.has(owner.uid)) return 'dangling';
    const resource = kinds.get(`${owner.apiVersion} ${owner.kind}`);
    if (!resource) return 'unknown';
    if (resource.namespaced && !item.namespace) return 'unreachable';
    const key = { resource, name: owner.name, namespace: resource.namespaced ? item.namespace : undefined, uid: owner.uid };
    const found = await read(key, signal);
    if (!found) {
      // An owner of another namespace is gone for this object only.
      if (!graph.get(owner.uid)) noteAbsent(owner.uid);
      return 'dangling';
    }
    return waitsForDependents(itemOf(resource, found)) ? 'waiting' : 'solid';
  };

  /** The object as the server has it; undefined when it is gone, or when another has its name. */
  const read = async (
    { resource, namespace, name, uid }: Pick<Item, 'resource' | 'namespace' | 'name' | 'uid'>,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> => {
    try {
      const found = await client.get(resource, { namespace, name }, { signal });
      return found.metadata.uid === uid ? found : undefined;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  };

  const orphan = async (item: Item, signal: AbortSignal): Promise<Outcome> => {
    for (const dependent of graph.dependentsOf(item.uid)) {
      const latest = await read(dependent, signal);
      const { ownerReferences = [] } = latest?.metadata ?? {};
      const owners = ownerReferences.filter(({ uid }) => uid !== item.uid);
      if (latest && owners.length < ownerReferences.length) await writeOwners(dependent, { latest, owners, signal });
    }
    await removeFinalizer(item, { finalizer: orphanFinalizer, signal });
    return done;
  };

  const writeOwners = async (
    { resource, namespace, name, uid }: Item,
    {
      latest,
      owners,
      signal,
    }: { readonly latest: KubeObject; readonly owners: readonly metav1.OwnerReference[]; readonly signal: AbortSignal },
  ): Promise<void> => {
    const { resourceVersion } = latest.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null } };
    try {
      await client.patch(resource, { namespace, name }, { type: 'application/merge-patch+json', body }, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const removeFinalizer = async (
    item: Item,
    { finalizer, signal }: { readonly finalizer: string; readonly signal: AbortSignal },
  ): Promise<void> => {
    for (let conflicts = 0; ; conflicts++) {
      const latest = await read(item, signal);
      const { finalizers = [], resourceVersion } = latest?.metadata ?? {};
      if (!latest || !finalizers.includes(finalizer)) return;
      const left = finalizers.filter((one) => one !== finalizer);
      const body = { metadata: { uid: item.uid, resourceVersion, finalizers: left.length > 0 ? left : null } };
      try {
        await client.patch(item.resource, item, { type: 'application/merge-patch+json', body }, { signal });
        return;
      } catch (error) {
        if (isApiError(error, 'NotFound')) return;
        if (!isApiError(error, 'Conflict') || conflicts >= maxConflicts) throw error;
      }
    }
  };

  const deleteItem = async (
    { resource, namespace, name, uid }: Item,
    {
      policy,
      resourceVersion,
      signal,
    }: { readonly policy: string; readonly resourceVersion: string | undefined; readonly signal: AbortSignal },
  ): Promise<void> => {
    // The version makes sure that nobody gave it another owner since we looked.
    const preconditions = { uid, ...(resourceVersion !== undefined && { resourceVersion }) };
    try {
      await client.delete(resource, { namespace, name }, { signal, body: { propagationPolicy: policy, preconditions } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const reportInvalidOwner = (item: Item, { apiVersion, kind, name, uid }: metav1.OwnerReference): void => {
    const { resource, namespace = '' } = item;
    const regarding = { apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name: item.name, uid: item.uid };
    const owner = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${owner} does not exist in namespace "${namespace}"`;
    recorder.event(regarding, { type: 'Warning', reason: 'OwnerRefInvalidNamespace', message });
  };

  return { name: 'garbage-collector-controller', reconcile, setup, workers: options.workers ?? 20 };
}

function nameOf({ group, plural }: ResourceRef): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function monitorKey(ref: ResourceRef): string {
  return `${nameOf(ref)} ${ref.version}`;
}
