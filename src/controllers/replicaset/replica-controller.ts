/**
 * Keeps the number of the pods of an owner with one template: a ReplicaSet, or a ReplicationController before it. It counts by what
 * its cache shows, and waits while the cache has yet to show what it did. Knows of a kind only what `ReplicaKind` says.
 * @source pkg/controller/replicaset/replica_set.go, v1.35
 */
import {
  controllerOf,
  type corev1,
  corev1Resources,
  isApiError,
  isPodActive,
  isPodReady,
  isPodTerminal,
  isPodTerminating,
  type LabelMatcher,
  type metav1,
  type ResourceRef,
} from '../../api/index.ts';
import { type Ctx, Registry } from '../../base/index.ts';
import {
  ConnectionError,
  type Controller,
  type ControllerContext,
  done,
  Expectations,
  keyOf,
  type Outcome,
  splitKey,
} from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { nextAvailabilityMs } from '../workload/availability.ts';
import { claim } from '../workload/claim.ts';
import { controlledBy, controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { createPod, deletePod, isNamespaceTerminating, podFromTemplate } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import { deletionAgeHistogram, deletionAgeRatios } from './deletion-age.ts';
import { planReplicas, type ReplicaFailure, type ReplicaOwner, type ReplicaPlan } from './plan.ts';

type Pod = corev1.Pod;

/** What one kind of owner is to the controller. */
export interface ReplicaKind<T extends ReplicaOwner> {
  /** Of the controller, such as `replicaset-controller`. */
  readonly controllerName: string;
  readonly resource: ResourceRef<T>;
  readonly selectorOf: (owner: T) => LabelMatcher;
  /** @param owned every pod that it controls */
  readonly statusOf: (
    owner: T,
    owned: readonly Pod[],
    options: { readonly failure?: ReplicaFailure | undefined; readonly nowMs: number },
  ) => T['status'];
}

/** A pod that is to become available is looked at this long after its time, for clocks that differ. */
const clockSkewMs = 1_000;

export function createReplicaController<T extends ReplicaOwner>(context: ControllerContext, kind: ReplicaKind<T>): Controller {
  const { client, informers, clock } = context;
  const owners = informers.informer(kind.resource);
  const pods = informers.informer(corev1Resources.pods);
  const expectations = new Expectations(clock);
  const ages = deletionAgeHistogram(context.registry ?? new Registry());

  const resolve = (namespace: string | undefined, ref: metav1.OwnerReference | undefined): T | undefined => {
    if (ref?.kind !== kind.resource.kind) return undefined;
    const found = owners.get({ namespace, name: ref.name });
    return found?.metadata.uid === ref.uid ? found : undefined;
  };

  const matching = (pod: Pod): T[] =>
    owners.list(pod.metadata.namespace).filter((owner) => kind.selectorOf(owner).matches(pod.metadata.labels));

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(pods);
    indexByController(owners);
    const wake = (owner: T): void => enqueue(keyOf(owner), settleMs(owner.spec.replicas ?? 1));
    /** The last of what it waited for lets it go on with the rest at once. */
    const observe = (owner: T, seen: (key: string) => void): void => {
      const key = keyOf(owner);
      const waited = !expectations.satisfied(key);
      seen(key);
      if (waited && expectations.satisfied(key)) enqueue(key);
      else wake(owner);
    };
    const goneOrGoing = (pod: Pod): void => {
      const owner = resolve(pod.metadata.namespace, controllerOf(pod));
      if (owner) observe(owner, (key) => expectations.deletionObserved(key, pod.metadata.uid));
    };
    owners.addHandler({
      added: (owner) => enqueue(keyOf(owner)),
      // A status that was just written asks for nothing: it waits with the pods that are to come.
      updated: (old, owner) => (old.metadata.generation === owner.metadata.generation ? wake(owner) : enqueue(keyOf(owner))),
      deleted: (owner) => {
        expectations.forget(keyOf(owner));
        enqueue(keyOf(owner));
      },
    });
    pods.addHandler({
      added: (pod) => {
        if (pod.metadata.deletionTimestamp !== undefined) return goneOrGoing(pod);
        const owner = resolve(pod.metadata.namespace, controllerOf(pod));
        if (owner) {
          observe(owner, (key) => expectations.creationObserved(key));
        } else if (!controllerOf(pod)) {
          for (const each of matching(pod)) wake(each);
        }
      },
      updated: (old, pod) => {
        if (pod.metadata.deletionTimestamp !== undefined) return goneOrGoing(pod);
        const [before, after] = [controllerOf(old), controllerOf(pod)];
        const refChanged = before?.uid !== after?.uid;
        const previous = refChanged ? resolve(old.metadata.namespace, before) : undefined;
        if (previous) wake(previous);
        const owner = resolve(pod.metadata.namespace, after);
        if (owner) {
          wake(owner);
          const minReadyMs = (owner.spec.minReadySeconds ?? 0) * 1000;
          if (minReadyMs > 0 && !isPodReady(old) && isPodReady(pod)) enqueue(keyOf(owner), minReadyMs + clockSkewMs);
        } else if (!after && (refChanged || !semanticEqual(old.metadata.labels, pod.metadata.labels))) {
          for (const each of matching(pod)) wake(each);
        }
      },
      deleted: goneOrGoing,
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const owner = owners.get(splitKey(key));
    if (!owner) {
      expectations.forget(key);
      return done;
    }
    const settled = expectations.satisfied(key);
    const selector = kind.selectorOf(owner);
    const active = await claim({
      client,
      owner,
      ownerResource: kind.resource,
      selector,
      resource: corev1Resources.pods,
      // What has ended or is going is nobody's to take or to let go.
      candidates: controlledOrOrphaned(pods, owner).filter(isPodActive),
      signal,
    });
    const ending = controlledBy(pods, owner.metadata.uid).filter(
      (pod) => isPodTerminating(pod) && !isPodTerminal(pod) && selector.matches(pod.metadata.labels),
    );
    let error: unknown;
    let failure: ReplicaFailure | undefined;
    if (settled && owner.metadata.deletionTimestamp === undefined) {
      const plan = planReplicas(owner, active, { related: () => relatedPods(owner), nowMs: clock.now() });
      for (const ratio of deletionAgeRatios(active, plan.remove, clock.now())) ages.observe(ratio);
      error = await apply(plan, owner, signal);
      if (error instanceof Error) failure = { reason: plan.create > 0 ? 'FailedCreate' : 'FailedDelete', message: error.message };
    }
    const status = kind.statusOf(owner, [...active, ...ending], { failure, nowMs: clock.now() });
    if (!semanticEqual(status, owner.status)) await client.updateStatus(kind.resource, { ...owner, status }, { signal });
    if (error) throw error as Error;
    const availableInMs = nextAvailabilityMs(active, { minReadySeconds: owner.spec.minReadySeconds, nowMs: clock.now() });
    if (availableInMs !== undefined) return { type: 'retryAfter', delayMs: availableInMs };
    return settled ? done : { type: 'retryAfter', delayMs: expectations.givenUpInMs(key) };
  };

  /** Active pods of every object of the kind that has the same owner; none without an owner. */
  const relatedPods = (owner: T): readonly Pod[] => {
    const above = controllerOf(owner);
    return (above ? controlledBy(owners, above.uid) : []).flatMap(({ metadata }) => controlledBy(pods, metadata.uid).filter(isPodActive));
  };

  /** Returns the first failure, after everything that was begun has ended. */
  const apply = async ({ create, remove }: ReplicaPlan, owner: T, signal: AbortSignal): Promise<unknown> => {
    const key = keyOf(owner);
    if (create > 0) {
      expectations.expectCreations(key, create);
      const template = owner.spec.template ?? {};
      let unsure = 0;
      const { successes, error } = await slowStart(create, async () => {
        try {
          await createPod(context, podFromTemplate(template, owner), owner, signal);
        } catch (cause) {
          if (isNamespaceTerminating(cause)) return;
          if (cause instanceof ConnectionError && cause.sent) unsure++;
          throw cause;
        }
      });
      for (let i = successes + unsure; i < create; i++) expectations.creationObserved(key);
      if (unsure > 0) expectations.creationUnsure(key);
      return error;
    }
    if (remove.length === 0) return undefined;
    expectations.expectDeletions(
      key,
      remove.map(({ metadata }) => metadata.uid),
    );
    const results = await Promise.allSettled(
      remove.map(async (pod) => {
        try {
          await deletePod(context, pod, owner, signal);
        } catch (cause) {
          expectations.deletionObserved(key, pod.metadata.uid);
          if (!isApiError(cause, 'NotFound')) throw cause;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason;
  };

  return { name: kind.controllerName, reconcile, setup, workers: 5 };
}
