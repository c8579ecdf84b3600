/**
 * Keeps the number of a ReplicaSet's pods. It counts by what its cache shows, and waits while the cache has yet to show what it did.
 * @source pkg/controller/replicaset/replica_set.go, v1.35
 */
import {
  type appsv1,
  appsv1Resources,
  controllerOf,
  type corev1,
  corev1Resources,
  isApiError,
  isPodActive,
  isPodReady,
  labelSelectorMatcher,
  type metav1,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, Expectations, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { claim } from '../workload/claim.ts';
import { controlledBy, controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { createPod, deletePod, isNamespaceTerminating, podFromTemplate } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import { nextAvailabilityMs, planReplicas, type ReplicaFailure, type ReplicaPlan, replicaSetStatus } from './plan.ts';

type ReplicaSet = appsv1.ReplicaSet;
type Pod = corev1.Pod;

/** A pod that is to become available is looked at this long after its time, for clocks that differ. */
const clockSkewMs = 1_000;
/** An expectation that nothing met is looked at again when it has been given up. */
const expectationRetryMs = 5 * 60_000 + 1_000;

export function createReplicaSetController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const replicaSets = informers.informer(appsv1Resources.replicasets);
  const pods = informers.informer(corev1Resources.pods);
  const expectations = new Expectations(clock);

  const resolve = (namespace: string | undefined, ref: metav1.OwnerReference | undefined): ReplicaSet | undefined => {
    if (ref?.kind !== 'ReplicaSet') return undefined;
    const found = replicaSets.get({ namespace, name: ref.name });
    return found?.metadata.uid === ref.uid ? found : undefined;
  };

  const matching = (pod: Pod): ReplicaSet[] =>
    replicaSets.list(pod.metadata.namespace).filter(({ spec }) => labelSelectorMatcher(spec.selector).matches(pod.metadata.labels));

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(pods);
    indexByController(replicaSets);
    const wake = (replicaSet: ReplicaSet): void => enqueue(keyOf(replicaSet), settleMs(replicaSet.spec.replicas ?? 1));
    const goneOrGoing = (pod: Pod): void => {
      const replicaSet = resolve(pod.metadata.namespace, controllerOf(pod));
      if (!replicaSet) return;
      expectations.deletionObserved(keyOf(replicaSet), pod.metadata.uid);
      wake(replicaSet);
    };
    replicaSets.addHandler({
      added: (replicaSet) => enqueue(keyOf(replicaSet)),
      updated: (_, replicaSet) => enqueue(keyOf(replicaSet)),
      deleted: (replicaSet) => {
        expectations.forget(keyOf(replicaSet));
        enqueue(keyOf(replicaSet));
      },
    });
    pods.addHandler({
      added: (pod) => {
        if (pod.metadata.deletionTimestamp !== undefined) return goneOrGoing(pod);
        const replicaSet = resolve(pod.metadata.namespace, controllerOf(pod));
        if (replicaSet) {
          expectations.creationObserved(keyOf(replicaSet));
          wake(replicaSet);
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
        const replicaSet = resolve(pod.metadata.namespace, after);
        if (replicaSet) {
          wake(replicaSet);
          const minReadyMs = (replicaSet.spec.minReadySeconds ?? 0) * 1000;
          if (minReadyMs > 0 && !isPodReady(old) && isPodReady(pod)) enqueue(keyOf(replicaSet), minReadyMs + clockSkewMs);
        } else if (!after && (refChanged || !semanticEqual(old.metadata.labels, pod.metadata.labels))) {
          for (const each of matching(pod)) wake(each);
        }
      },
      deleted: goneOrGoing,
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const replicaSet = replicaSets.get(splitKey(key));
    if (!replicaSet) {
      expectations.forget(key);
      return done;
    }
    const settled = expectations.satisfied(key);
    const owned = await claim({
      client,
      owner: replicaSet,
      ownerResource: appsv1Resources.replicasets,
      selector: labelSelectorMatcher(replicaSet.spec.selector),
      resource: corev1Resources.pods,
      candidates: controlledOrOrphaned(pods, replicaSet),
      signal,
    });
    let error: unknown;
    let failure: ReplicaFailure | undefined;
    if (settled && replicaSet.metadata.deletionTimestamp === undefined) {
      const active = owned.filter(isPodActive);
      const plan = planReplicas(replicaSet, active, { related: relatedPods(replicaSet), nowMs: clock.now() });
      error = await apply(plan, replicaSet, signal);
      if (error instanceof Error) failure = { reason: plan.create > 0 ? 'FailedCreate' : 'FailedDelete', message: error.message };
    }
    const status = replicaSetStatus(replicaSet, owned, { failure, nowMs: clock.now() });
    if (!semanticEqual(status, replicaSet.status))
      await client.updateStatus(appsv1Resources.replicasets, { ...replicaSet, status }, { signal });
    if (error) throw error as Error;
    const availableInMs = nextAvailabilityMs(replicaSet, owned, clock.now());
    if (availableInMs !== undefined) return { type: 'retryAfter', delayMs: availableInMs };
    return settled ? done : { type: 'retryAfter', delayMs: expectationRetryMs };
  };

  /** Active pods of every ReplicaSet that has the same owner; none without an owner. */
  const relatedPods = (replicaSet: ReplicaSet): readonly Pod[] => {
    const owner = controllerOf(replicaSet);
    return (owner ? controlledBy(replicaSets, owner.uid) : []).flatMap(({ metadata }) =>
      controlledBy(pods, metadata.uid).filter(isPodActive),
    );
  };

  /** Returns the first failure, after everything that was begun has ended. */
  const apply = async ({ create, remove }: ReplicaPlan, replicaSet: ReplicaSet, signal: AbortSignal): Promise<unknown> => {
    const key = keyOf(replicaSet);
    if (create > 0) {
      expectations.expectCreations(key, create);
      const template = replicaSet.spec.template ?? {};
      const { successes, error } = await slowStart(create, async () => {
        try {
          await createPod(context, podFromTemplate(template, replicaSet), replicaSet, signal);
        } catch (cause) {
          if (!isNamespaceTerminating(cause)) throw cause;
        }
      });
      for (let i = successes; i < create; i++) expectations.creationObserved(key);
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
          await deletePod(context, pod, replicaSet, signal);
        } catch (cause) {
          expectations.deletionObserved(key, pod.metadata.uid);
          if (!isApiError(cause, 'NotFound')) throw cause;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason;
  };

  return { name: 'replicaset-controller', reconcile, setup, workers: 5 };
}
