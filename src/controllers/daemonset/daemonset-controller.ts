/**
 * Keeps one pod of a DaemonSet on every node that it wants. A look costs time in proportion to the nodes and to the pods of the one set,
 * never to their product nor to the pods of others; changes of many pods are looked at together.
 * @source pkg/controller/daemon/daemon_controller.go, v1.35
 */
import {
  type appsv1,
  appsv1Resources,
  controllerOf,
  type corev1,
  corev1Resources,
  isApiError,
  isPodReady,
  labelSelectorMatcher,
  type metav1,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
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
import { onRevisionChange, RevisionControl } from '../history/revision-control.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { nextAvailabilityMs } from '../workload/availability.ts';
import { claim } from '../workload/claim.ts';
import { controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { createPod, deletePod, isNamespaceTerminating } from '../workload/pod-control.ts';
import { slowStart } from '../workload/slow-start.ts';
import { type DaemonHistoryOptions, readHistory, truncateHistory } from './daemon-history.ts';
import { daemonTemplate, podForNode } from './daemon-pod.ts';
import { FailedPodBackoff } from './failed-pod-backoff.ts';
import { Placements } from './placement.ts';
import { type DaemonPlan, type DaemonView, planDaemonPods, podsByNode, type Removal } from './plan.ts';
import { planRollingUpdate } from './rolling-update.ts';
import { daemonSetStatus } from './status.ts';

type DaemonSet = appsv1.DaemonSet;
type Pod = corev1.Pod;
type Node = corev1.Node;

/** Most pods made, and most deleted, in one go. */
const burstReplicas = 250;
/** A pod that is to become available is looked at this long after its time, for clocks that differ. */
const clockSkewMs = 1_000;
/** And a revision by then. */
const historyRetryMs = 31_000;

export function createDaemonSetController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const daemonSets = informers.informer(appsv1Resources.daemonsets);
  const pods = informers.informer(corev1Resources.pods);
  const nodes = informers.informer(corev1Resources.nodes);
  const history = new RevisionControl(context, appsv1Resources.daemonsets);
  const creations = new Expectations(clock);
  const deletions = new Expectations(clock);
  const placements = new Placements();
  const backoff = new FailedPodBackoff(clock);
  const selectorOf = ({ spec }: DaemonSet): ReturnType<typeof labelSelectorMatcher> => labelSelectorMatcher(spec.selector);

  const resolve = (namespace: string | undefined, ref: metav1.OwnerReference | undefined): DaemonSet | undefined => {
    if (ref?.kind !== 'DaemonSet') return undefined;
    const found = daemonSets.get({ namespace, name: ref.name });
    return found?.metadata.uid === ref.uid ? found : undefined;
  };

  const isSettled = (key: string): boolean => creations.satisfied(key) && deletions.satisfied(key);

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(pods);
    const wake = (daemonSet: DaemonSet): void => enqueue(keyOf(daemonSet), settleMs(daemonSet.status?.desiredNumberScheduled ?? 0));
    /** The last of a burst was seen: the next burst need not wait. */
    const observed = (daemonSet: DaemonSet, observe: (key: string) => void): void => {
      const key = keyOf(daemonSet);
      const before = isSettled(key);
      observe(key);
      if (!before && isSettled(key)) enqueue(key);
      else wake(daemonSet);
    };
    const goneOrGoing = (pod: Pod): void => {
      const daemonSet = resolve(pod.metadata.namespace, controllerOf(pod));
      if (daemonSet) observed(daemonSet, (key) => deletions.deletionObserved(key, pod.metadata.uid));
    };
    const wakeMatching = (pod: Pod): void => {
      for (const daemonSet of daemonSets.list(pod.metadata.namespace)) {
        if (selectorOf(daemonSet).matches(pod.metadata.labels)) wake(daemonSet);
      }
    };
    daemonSets.addHandler({
      added: (daemonSet) => enqueue(keyOf(daemonSet)),
      updated: (old, daemonSet) => {
        // Its own status is no news to it.
        if (old.metadata.generation !== daemonSet.metadata.generation || !sameMeta(old, daemonSet)) enqueue(keyOf(daemonSet));
        else wake(daemonSet);
      },
      deleted: (daemonSet) => {
        forget(keyOf(daemonSet));
        history.forget(daemonSet);
      },
    });
    pods.addHandler({
      added: (pod) => {
        const daemonSet = resolve(pod.metadata.namespace, controllerOf(pod));
        if (daemonSet) observed(daemonSet, (key) => creations.creationObserved(key));
        if (pod.metadata.deletionTimestamp !== undefined) goneOrGoing(pod);
        else if (!controllerOf(pod)) wakeMatching(pod);
      },
      updated: (old, pod) => {
        const [before, after] = [controllerOf(old), controllerOf(pod)];
        const refChanged = before?.uid !== after?.uid;
        const previous = refChanged ? resolve(old.metadata.namespace, before) : undefined;
        if (previous) wake(previous);
        if (pod.metadata.deletionTimestamp !== undefined) return goneOrGoing(pod);
        const daemonSet = resolve(pod.metadata.namespace, after);
        if (daemonSet) {
          wake(daemonSet);
          const minReadyMs = (daemonSet.spec.minReadySeconds ?? 0) * 1000;
          if (minReadyMs > 0 && !isPodReady(old) && isPodReady(pod)) enqueue(keyOf(daemonSet), minReadyMs + clockSkewMs);
        } else if (!after && (refChanged || !semanticEqual(old.metadata.labels, pod.metadata.labels))) wakeMatching(pod);
      },
      deleted: goneOrGoing,
    });
    const wakeWhere = (isConcerned: (daemonSet: DaemonSet) => boolean): void => {
      for (const daemonSet of daemonSets.list()) if (isConcerned(daemonSet)) wake(daemonSet);
    };
    nodes.addHandler({
      added: (node) => wakeWhere((daemonSet) => placements.on(daemonSet, node) === 'run'),
      updated: (old, node) => {
        if (isPlacedAlike(old, node)) return;
        wakeWhere((daemonSet) => placements.on(daemonSet, old) !== placements.on(daemonSet, node));
      },
      deleted: (node) => wakeWhere((daemonSet) => placements.on(daemonSet, node) === 'run'),
    });
    onRevisionChange(history.informer, { owners: daemonSets, kind: 'DaemonSet', selectorOf, wake: enqueue });
  };

  const forget = (key: string): void => {
    creations.forget(key);
    deletions.forget(key);
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const daemonSet = daemonSets.get(splitKey(key));
    if (!daemonSet) {
      forget(key);
      return done;
    }
    const selector = selectorOf(daemonSet);
    if (selector.isEverything) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      recorder.event(daemonSet, { type: 'Warning', reason: 'SelectingAll', message });
      return done;
    }
    if (daemonSet.metadata.deletionTimestamp !== undefined) return done;
    if (!history.settled(daemonSet)) return { type: 'retryAfter', delayMs: historyRetryMs };
    // Asked before the pods are looked at: what comes in between is in neither.
    const settled = isSettled(key);
    const candidates = controlledOrOrphaned(pods, daemonSet);
    const ownerResource = appsv1Resources.daemonsets;
    const owned = await claim({ client, owner: daemonSet, ownerResource, selector, resource: corev1Resources.pods, candidates, signal });
    const historyOptions: DaemonHistoryOptions = { client, control: history, selector, pods: owned, signal };
    const revisions = await readHistory(daemonSet, historyOptions);
    const view: DaemonView = {
      daemonSet,
      nodes: nodes.list().map((node) => ({ name: node.metadata.name, placement: placements.on(daemonSet, node) })),
      pods: podsByNode(owned),
      hash: revisions.hash,
      backoffMs: (node) => backoff.leftMs(backoffKey(daemonSet, node)),
      nowMs: clock.now(),
    };
    if (!settled) {
      await writeStatus(view, { observed: false }, signal);
      // What the cache never showed is given up by then.
      return { type: 'retryAfter', delayMs: Math.max(creations.givenUpInMs(key), deletions.givenUpInMs(key)) };
    }
    const plan = planDaemonPods(view);
    let error = await apply(view, plan, signal);
    // What was just done is not in the view: its events bring the next look.
    if (error === undefined && plan.createOn.length + plan.remove.length === 0) {
      if (daemonSet.spec.updateStrategy?.type === 'RollingUpdate') error = await apply(view, planRollingUpdate(view), signal);
      if (error === undefined) await truncateHistory(daemonSet, revisions, historyOptions);
    }
    await writeStatus(view, { observed: true }, signal);
    if (error) throw error as Error;
    const waits = [
      plan.retryMs,
      nextAvailabilityMs(owned, { minReadySeconds: view.daemonSet.spec.minReadySeconds, nowMs: view.nowMs }),
    ].filter((ms) => ms !== undefined);
    return waits.length > 0 ? { type: 'retryAfter', delayMs: Math.min(...waits) } : done;
  };

  /** Returns the first failure, after everything that was begun has ended. */
  const apply = async (view: DaemonView, plan: DaemonPlan, signal: AbortSignal): Promise<unknown> => {
    const { daemonSet } = view;
    const key = keyOf(daemonSet);
    const createOn = plan.createOn.slice(0, burstReplicas);
    const remove = plan.remove.slice(0, burstReplicas);
    for (const removal of remove) announce(daemonSet, removal);
    const [creating, deleting] = await Promise.all([create(view, createOn, signal), removeAll(daemonSet, remove, signal)]);
    // What the cache lost before it was expected to will not be told again.
    for (const { pod } of remove) {
      if (pods.get(pod.metadata)?.metadata.uid !== pod.metadata.uid) deletions.deletionObserved(key, pod.metadata.uid);
    }
    return creating ?? deleting;
  };

  const create = async ({ daemonSet, hash }: DaemonView, on: readonly string[], signal: AbortSignal): Promise<unknown> => {
    if (on.length === 0) return undefined;
    const key = keyOf(daemonSet);
    creations.expectCreations(key, on.length);
    const template = daemonTemplate(daemonSet, hash);
    let next = 0;
    let unsure = 0;
    const { successes, error } = await slowStart(on.length, async () => {
      const node = on[next++]!;
      try {
        await createPod(context, podForNode(daemonSet, template, node), daemonSet, signal);
      } catch (cause) {
        if (cause instanceof ConnectionError && cause.sent) unsure++;
        if (!isNamespaceTerminating(cause)) throw cause;
        creations.creationObserved(key);
      }
    });
    for (let i = successes + unsure; i < on.length; i++) creations.creationObserved(key);
    if (unsure > 0) creations.creationUnsure(key);
    return error;
  };

  const removeAll = async (daemonSet: DaemonSet, removals: readonly Removal[], signal: AbortSignal): Promise<unknown> => {
    if (removals.length === 0) return undefined;
    const key = keyOf(daemonSet);
    deletions.expectDeletions(
      key,
      removals.map(({ pod }) => pod.metadata.uid),
    );
    const results = await Promise.allSettled(
      removals.map(async ({ pod }) => {
        try {
          await deletePod(context, pod, daemonSet, signal);
        } catch (cause) {
          deletions.deletionObserved(key, pod.metadata.uid);
          if (!isApiError(cause, 'NotFound')) throw cause;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason;
  };

  /** A pod that ended is news; and a failed one makes its node wait longer for the next. */
  const announce = (daemonSet: DaemonSet, { pod, node, why }: Removal): void => {
    const { namespace, name } = pod.metadata;
    if (why === 'failed') {
      backoff.failed(backoffKey(daemonSet, node));
      const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`;
      recorder.event(daemonSet, { type: 'Warning', reason: 'FailedDaemonPod', message });
    } else if (why === 'succeeded') {
      const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`;
      recorder.event(daemonSet, { type: 'Normal', reason: 'SucceededDaemonPod', message });
    }
  };

  const writeStatus = async (view: DaemonView, options: { readonly observed: boolean }, signal: AbortSignal): Promise<void> => {
    const { daemonSet } = view;
    const status = daemonSetStatus(view, options);
    if (semanticEqual(status, daemonSet.status)) return;
    await client.updateStatus(appsv1Resources.daemonsets, { ...daemonSet, status }, { signal });
  };

  return { name: 'daemonset-controller', reconcile, setup, workers: 2 };
}

function backoffKey({ metadata, status }: DaemonSet, node: string): string {
  return `${metadata.uid}/${status.observedGeneration ?? 0}/${node}`;
}

function sameMeta(a: DaemonSet, b: DaemonSet): boolean {
  return a.metadata.deletionTimestamp === b.metadata.deletionTimestamp && semanticEqual(a.metadata.annotations, b.metadata.annotations);
}

/** Whether nothing changed that decides about daemons: heartbeats come from every node all the time. */
function isPlacedAlike(a: Node, b: Node): boolean {
  return semanticEqual(a.spec.taints, b.spec.taints) && semanticEqual(a.metadata.labels, b.metadata.labels);
}
