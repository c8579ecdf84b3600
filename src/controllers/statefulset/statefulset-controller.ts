/**
 * Keeps the pods of a StatefulSet: each with a number, a name and claims of its own, made and ended in order. It remembers nothing that
 * matters: a pod is made under a name that only one can have, and deleted by its uid.
 * @source pkg/controller/statefulset/stateful_set.go, v1.35
 */
import {
  type appsv1,
  appsv1Resources,
  controllerOf,
  type corev1,
  corev1Resources,
  isPodReady,
  labelSelectorMatcher,
  type metav1,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, Expectations, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { onRevisionChange, RevisionControl } from '../history/revision-control.ts';
import { newestWith, nextRevisionNumber, surplusRevisions } from '../history/revisions.ts';
import { holdsPatch, templateOf, templatePatch } from '../history/template-patch.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { settleMs } from '../settle.ts';
import { nextAvailabilityMs } from '../workload/availability.ts';
import { claim } from '../workload/claim.ts';
import { controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { type PodVersion, revisionOf } from './identity.ts';
import { ordinalOf, replicasOf } from './ordinals.ts';
import { planStatefulSet, type StatefulSetPlan, type StatefulSetView } from './plan.ts';
import { statefulSetMetrics } from './statefulset-metrics.ts';
import { takeSteps } from './stateful-pods.ts';
import { isNews, statefulSetStatus } from './status.ts';

type StatefulSet = appsv1.StatefulSet;
type Revision = appsv1.ControllerRevision;
type Pod = corev1.Pod;

/** A pod that is to become available is looked at this long after its time, for clocks that differ. */
const clockSkewMs = 1_000;
/** A pod that the cache never showed is given up by then. */
const unsettledRetryMs = 5 * 60_000 + 1_000;
/** And a revision by then. */
const historyRetryMs = 31_000;

/** The versions of a set, and how often a name for one was taken. */
interface Versions {
  readonly revisions: readonly Revision[];
  readonly current: PodVersion;
  readonly update: PodVersion;
  readonly collisionCount: number;
}

export function createStatefulSetController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const sets = informers.informer(appsv1Resources.statefulsets);
  const pods = informers.informer(corev1Resources.pods);
  const claims = informers.informer(corev1Resources.persistentvolumeclaims);
  const history = new RevisionControl(context, appsv1Resources.statefulsets);
  const creations = new Expectations(clock);
  const deletions = new Expectations(clock);
  const metrics = statefulSetMetrics(context.registry);
  const selectorOf = ({ spec }: StatefulSet): ReturnType<typeof labelSelectorMatcher> => labelSelectorMatcher(spec.selector);

  const resolve = (namespace: string | undefined, ref: metav1.OwnerReference | undefined): StatefulSet | undefined => {
    if (ref?.kind !== 'StatefulSet') return undefined;
    const found = sets.get({ namespace, name: ref.name });
    return found?.metadata.uid === ref.uid ? found : undefined;
  };

  const setup = (enqueue: (key: string, delayMs?: number) => void): void => {
    indexByController(pods);
    /** After a change of one of many pods. */
    const wake = (set: StatefulSet): void => enqueue(keyOf(set), settleMs(replicasOf(set)));
    const wakeMatching = (pod: Pod): void => {
      const matching = sets.list(pod.metadata.namespace).filter((set) => selectorOf(set).matches(pod.metadata.labels));
      for (const set of matching) wake(set);
    };
    const goneOrGoing = (pod: Pod): void => {
      const set = resolve(pod.metadata.namespace, controllerOf(pod));
      if (!set) return;
      deletions.deletionObserved(keyOf(set), pod.metadata.uid);
      wake(set);
    };
    sets.addHandler({
      added: (set) => enqueue(keyOf(set)),
      updated: (_, set) => enqueue(keyOf(set)),
      deleted: (set) => {
        forget(keyOf(set));
        history.forget(set);
        metrics.forget(set);
      },
    });
    pods.addHandler({
      added: (pod) => {
        const set = resolve(pod.metadata.namespace, controllerOf(pod));
        if (set) creations.creationObserved(keyOf(set));
        if (pod.metadata.deletionTimestamp !== undefined) goneOrGoing(pod);
        else if (set) wake(set);
        else if (!controllerOf(pod)) wakeMatching(pod);
      },
      updated: (old, pod) => {
        const [before, after] = [controllerOf(old), controllerOf(pod)];
        const refChanged = before?.uid !== after?.uid;
        const previous = refChanged ? resolve(old.metadata.namespace, before) : undefined;
        if (previous) wake(previous);
        if (pod.metadata.deletionTimestamp !== undefined) goneOrGoing(pod);
        const set = resolve(pod.metadata.namespace, after);
        if (set) {
          wake(set);
          const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000;
          if (minReadyMs > 0 && !isPodReady(old) && isPodReady(pod)) enqueue(keyOf(set), minReadyMs + clockSkewMs);
        } else if (!after && (refChanged || !semanticEqual(old.metadata.labels, pod.metadata.labels))) wakeMatching(pod);
      },
      deleted: goneOrGoing,
    });
    onRevisionChange(history.informer, { owners: sets, kind: 'StatefulSet', selectorOf, wake: enqueue });
  };

  const forget = (key: string): void => {
    creations.forget(key);
    deletions.forget(key);
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const set = sets.get(splitKey(key));
    if (!set) {
      forget(key);
      return done;
    }
    const selector = selectorOf(set);
    if (!history.settled(set)) return { type: 'retryAfter', delayMs: historyRetryMs };
    // Asked before the pods are looked at: what comes in between is in neither.
    const settled = creations.satisfied(key) && deletions.satisfied(key);
    const revisions = await history.owned(set, selector, signal);
    const candidates = controlledOrOrphaned(pods, set).filter((pod) => controllerOf(pod) || ordinalOf(set, pod) !== undefined);
    const ownerResource = appsv1Resources.statefulsets;
    const owned = await claim({ client, owner: set, ownerResource, selector, resource: corev1Resources.pods, candidates, signal });
    if (!settled) return { type: 'retryAfter', delayMs: unsettledRetryMs };
    // Its revisions go with it; another would keep it from going.
    if (set.metadata.deletionTimestamp !== undefined && !newestWith(revisions, templatePatch(set.spec.template))) return done;
    const versions = await versionsOf(set, revisions, signal);
    const { namespace } = set.metadata;
    const view: StatefulSetView = {
      set,
      pods: owned,
      current: versions.current,
      update: versions.update,
      claim: (name) => claims.get({ namespace, name }),
      nowMs: clock.now(),
    };
    const plan = planStatefulSet(view);
    metrics.observe(set, plan);
    const { error, outdatedDeleted } = await apply(key, { set, plan }, signal);
    const status = statefulSetStatus(view, { collisionCount: versions.collisionCount, outdatedDeleted });
    if (isNews(status, set.status)) await client.updateStatus(appsv1Resources.statefulsets, { ...set, status }, { signal });
    if (error) throw error as Error;
    await truncate(view, versions, signal);
    const availableInMs = nextAvailabilityMs(view.pods, { minReadySeconds: set.spec.minReadySeconds, nowMs: view.nowMs });
    return availableInMs === undefined ? done : { type: 'retryAfter', delayMs: availableInMs };
  };

  /** The version that the set asks for, made when it is new, and the one that it comes from. */
  const versionsOf = async (set: StatefulSet, revisions: readonly Revision[], signal: AbortSignal): Promise<Versions> => {
    const { collisionCount = 0, currentRevision } = set.status ?? {};
    const patch = templatePatch(set.spec.template);
    const same = newestWith(revisions, patch);
    const number = nextRevisionNumber(revisions);
    let made: { readonly revision: Revision; readonly collisionCount: number };
    if (same && holdsPatch(revisions.at(-1)!, patch)) made = { revision: revisions.at(-1)!, collisionCount };
    else if (same) made = { revision: await history.update(set, { ...same, revision: number }, signal), collisionCount };
    else {
      const labels = set.spec.template.metadata?.labels ?? {};
      made = await history.create(set, { revision: { number, data: patch, labels }, collisionCount }, signal);
    }
    const update = { name: made.revision.metadata.name, template: set.spec.template };
    const before = revisions.find(({ metadata }) => metadata.name === currentRevision);
    const template = before && templateOf(before);
    const current = before && template ? { name: before.metadata.name, template } : update;
    return { revisions, current, update, collisionCount: made.collisionCount };
  };

  const apply = async (
    key: string,
    { set, plan }: { readonly set: StatefulSet; readonly plan: StatefulSetPlan },
    signal: AbortSignal,
  ): Promise<{ readonly error?: unknown; readonly outdatedDeleted: number }> => {
    const steps = plan.stages.flat(2);
    const toCreate = steps.filter(({ type }) => type === 'createPod').length;
    const toDelete = steps.flatMap((step) => (step.type === 'deletePod' ? [step.pod] : []));
    if (toCreate > 0) creations.expectCreations(key, toCreate);
    const uids = toDelete.map(({ metadata }) => metadata.uid);
    if (toDelete.length > 0) deletions.expectDeletions(key, uids);
    const { notCreated, notDeleted, ...result } = await takeSteps(context, set, plan, signal);
    for (let i = 0; i < notCreated; i++) creations.creationObserved(key);
    // What the cache lost before it was expected to will not be told again.
    const gone = toDelete.filter(({ metadata }) => pods.get(metadata)?.metadata.uid !== metadata.uid).map(({ metadata }) => metadata.uid);
    for (const uid of [...notDeleted, ...gone]) deletions.deletionObserved(key, uid);
    return result;
  };

  /** Deletes the oldest revisions that no pod has, beyond the limit. */
  const truncate = async ({ set, pods: owned }: StatefulSetView, versions: Versions, signal: AbortSignal): Promise<void> => {
    const used = new Set([versions.current.name, versions.update.name, ...owned.map(revisionOf)]);
    const isUsed = ({ metadata }: Revision): boolean => used.has(metadata.name);
    for (const revision of surplusRevisions(versions.revisions, { isUsed, limit: set.spec.revisionHistoryLimit ?? 10 })) {
      await history.remove(set, revision, signal);
    }
  };

  return { name: 'statefulset-controller', reconcile, setup, workers: 5 };
}
