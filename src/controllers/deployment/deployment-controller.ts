/**
 * Turns a Deployment into ReplicaSets, one for each template it ever had, and moves pods from old to new.
 * @source pkg/controller/deployment/deployment_controller.go, v1.35
 */
import {
  type appsv1,
  appsv1Resources,
  controllerOf,
  corev1Resources,
  isApiError,
  isControlledBy,
  type KubeObject,
  labelSelectorMatcher,
  type metav1,
  newControllerRef,
} from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { claim } from '../workload/claim.ts';
import { controlledBy, controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { isNamespaceTerminating } from '../workload/pod-control.ts';
import { revisionAnnotation, revisionOf } from './annotations.ts';
import { type DeploymentPlan, newReplicaSet, planDeployment, type Step } from './plan.ts';
import { planRollback } from './rollback.ts';
import type { Family } from './scaling.ts';
import { countedStatus, pauseConditions, progressCheckMs, rolloutStatus, withCondition } from './status.ts';
import { findNewReplicaSet, sameTemplate } from './template.ts';
import { progressDeadlineMs } from './bounds.ts';

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

export function createDeploymentController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const deployments = informers.informer(appsv1Resources.deployments);
  const replicaSets = informers.informer(appsv1Resources.replicasets);
  const pods = informers.informer(corev1Resources.pods);

  const resolve = (namespace: string | undefined, ref: metav1.OwnerReference | undefined): Deployment | undefined => {
    if (ref?.kind !== 'Deployment') return undefined;
    const found = deployments.get({ namespace, name: ref.name });
    return found?.metadata.uid === ref.uid ? found : undefined;
  };

  const setup = (enqueue: (key: string) => void): void => {
    indexByController(pods);
    indexByController(replicaSets);
    const wake = (deployment: KubeObject | undefined): void => {
      if (deployment) enqueue(keyOf(deployment));
    };
    const wakeMatching = ({ metadata }: ReplicaSet): void => {
      for (const deployment of deployments.list(metadata.namespace)) {
        if (labelSelectorMatcher(deployment.spec.selector).matches(metadata.labels)) wake(deployment);
      }
    };
    const wakeOwner = (replicaSet: ReplicaSet): void => {
      if (controllerOf(replicaSet)) wake(resolve(replicaSet.metadata.namespace, controllerOf(replicaSet)));
      else if (replicaSet.metadata.deletionTimestamp === undefined) wakeMatching(replicaSet);
    };
    deployments.addHandler({ added: wake, updated: (_, deployment) => wake(deployment), deleted: wake });
    replicaSets.addHandler({
      added: wakeOwner,
      updated: (old, replicaSet) => {
        if (controllerOf(old)?.uid !== controllerOf(replicaSet)?.uid) wake(resolve(old.metadata.namespace, controllerOf(old)));
        wakeOwner(replicaSet);
      },
      deleted: (replicaSet) => wake(resolve(replicaSet.metadata.namespace, controllerOf(replicaSet))),
    });
    // Recreate waits for the last old pod to go.
    pods.addHandler({
      deleted: (pod) => {
        const ref = controllerOf(pod);
        const replicaSet = ref?.kind === 'ReplicaSet' ? replicaSets.get({ namespace: pod.metadata.namespace, name: ref.name }) : undefined;
        const deployment = replicaSet && resolve(pod.metadata.namespace, controllerOf(replicaSet));
        if (deployment?.spec.strategy?.type === 'Recreate') wake(deployment);
      },
    });
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    const stored = deployments.get(splitKey(key));
    if (!stored) return done;
    const selector = labelSelectorMatcher(stored.spec.selector);
    if (selector.isEverything) return refuseEverything(stored, signal);
    const owned = await claim({
      client,
      owner: stored,
      ownerResource: appsv1Resources.deployments,
      selector,
      resource: appsv1Resources.replicasets,
      candidates: controlledOrOrphaned(replicaSets, stored),
      signal,
    });
    const deleting = stored.metadata.deletionTimestamp !== undefined;
    const rollback = deleting || stored.spec.paused === true ? undefined : planRollback(stored, owned);
    // What is rolled back from has to be in the history first.
    if (rollback && findNewReplicaSet(stored, owned)) {
      await client.update(appsv1Resources.deployments, rollback.deployment, { signal });
      recorder.event(stored, rollback.event);
      return done;
    }
    const conditions = deleting ? stored.status?.conditions : pauseConditions(stored, clock.now());
    const deployment: Deployment = { ...stored, status: { ...stored.status, ...(conditions && { conditions }) } };
    const plan = planDeployment({ deployment, replicaSets: owned, podsOf: ({ metadata }) => controlledBy(pods, metadata.uid) });
    const { family, changed } = await apply(deployment, plan, signal);
    return writeStatus(stored, { deployment: changed, family, statusOnly: plan.statusOnly }, signal);
  };

  const refuseEverything = async (deployment: Deployment, signal: AbortSignal): Promise<Outcome> => {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.';
    recorder.event(deployment, { type: 'Warning', reason: 'SelectingAll', message });
    const { generation } = deployment.metadata;
    if ((deployment.status?.observedGeneration ?? 0) < (generation ?? 0)) {
      const status = { ...deployment.status, ...(generation !== undefined && { observedGeneration: generation }) };
      await client.updateStatus(appsv1Resources.deployments, { ...deployment, status }, { signal });
    }
    return done;
  };

  /** Takes the steps, and returns the ReplicaSets and the Deployment as they are afterwards. */
  const apply = async (
    deployment: Deployment,
    plan: DeploymentPlan,
    signal: AbortSignal,
  ): Promise<{ family: Family; changed: Deployment }> => {
    let { current } = plan.family;
    let changed = deployment;
    const latest = new Map<string, ReplicaSet>(plan.family.old.map((replicaSet) => [replicaSet.metadata.uid, replicaSet]));
    if (current) latest.set(current.metadata.uid, current);
    for (const step of plan.steps) {
      if (step.type === 'create') {
        current = await create(deployment, step, signal);
        changed = withNewReplicaSet(deployment, `Created new replica set "${current.metadata.name}"`, 'NewReplicaSetCreated');
        latest.set(current.metadata.uid, current);
      } else if (step.type === 'remove') {
        latest.delete(step.replicaSet.metadata.uid);
        await remove(step.replicaSet, signal);
      } else {
        const { uid } = step.replicaSet.metadata;
        latest.set(uid, await update(deployment, { step, latest: latest.get(uid)! }, signal));
      }
    }
    if (current) current = latest.get(current.metadata.uid)!;
    if (current && plan.family.current && !changed.status?.conditions?.some(({ type }) => type === 'Progressing')) {
      changed = withNewReplicaSet(changed, `Found new replica set "${current.metadata.name}"`, 'FoundNewReplicaSet');
    }
    const old = [...latest.values()].filter((replicaSet) => replicaSet !== current);
    return { family: { current, old }, changed };
  };

  /** The condition that starts the clock of the progress deadline. */
  const withNewReplicaSet = (deployment: Deployment, message: string, reason: string): Deployment => {
    if (progressDeadlineMs(deployment) === undefined) return deployment;
    const conditions = withCondition(
      deployment.status?.conditions ?? [],
      { type: 'Progressing', status: 'True', reason, message },
      clock.now(),
    );
    return { ...deployment, status: { ...deployment.status, conditions } };
  };

  const create = async (deployment: Deployment, step: Step & { readonly type: 'create' }, signal: AbortSignal): Promise<ReplicaSet> => {
    const { labels, spec } = newReplicaSet(deployment, step);
    const { namespace } = deployment.metadata;
    const { name, annotations, replicas } = step;
    const metadata = {
      name,
      labels,
      annotations,
      ownerReferences: [newControllerRef(deployment)],
      ...(namespace !== undefined && { namespace }),
    };
    try {
      const made = await client.create(
        appsv1Resources.replicasets,
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec },
        { signal },
      );
      if (replicas > 0) say(deployment, `Scaled up replica set ${name} from 0 to ${replicas}`);
      return made;
    } catch (error) {
      if (isApiError(error, 'AlreadyExists')) return existing(deployment, { name, error }, signal);
      if (!isNamespaceTerminating(error) && isApiError(error)) await refused(deployment, { name, message: error.message }, signal);
      throw error;
    }
  };

  /** The name is taken: by what an earlier pass made and the cache does not show yet, or by another template with the same hash. */
  const existing = async (
    deployment: Deployment,
    { name, error }: { readonly name: string; readonly error: Error },
    signal: AbortSignal,
  ): Promise<ReplicaSet> => {
    const taken = await client.get(appsv1Resources.replicasets, { namespace: deployment.metadata.namespace, name }, { signal });
    if (isControlledBy(taken, deployment) && sameTemplate(taken.spec.template ?? {}, deployment.spec.template)) return taken;
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    await client.updateStatus(appsv1Resources.deployments, { ...deployment, status }, { signal });
    throw error;
  };

  const refused = async (
    deployment: Deployment,
    { name, message }: { readonly name: string; readonly message: string },
    signal: AbortSignal,
  ): Promise<void> => {
    const text = `Failed to create new replica set "${name}": ${message}`;
    if (progressDeadlineMs(deployment) !== undefined) {
      const condition = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message: text };
      const conditions = withCondition(deployment.status?.conditions ?? [], condition, clock.now());
      await client.updateStatus(appsv1Resources.deployments, { ...deployment, status: { ...deployment.status, conditions } }, { signal });
    }
    recorder.event(deployment, { type: 'Warning', reason: 'ReplicaSetCreateError', message: text });
  };

  const update = async (
    deployment: Deployment,
    { step, latest }: { readonly step: Step & { readonly type: 'update' | 'scale' }; readonly latest: ReplicaSet },
    signal: AbortSignal,
  ): Promise<ReplicaSet> => {
    const annotations = { ...latest.metadata.annotations, ...step.annotations };
    const spec = step.type === 'scale' ? { ...latest.spec, replicas: step.to } : { ...latest.spec, minReadySeconds: step.minReadySeconds };
    const updated = await client.update(
      appsv1Resources.replicasets,
      { ...latest, metadata: { ...latest.metadata, annotations }, spec },
      { signal },
    );
    if (step.type === 'scale' && step.from !== step.to) {
      const direction = step.to > step.from ? 'up' : 'down';
      say(deployment, `Scaled ${direction} replica set ${updated.metadata.name} from ${step.from} to ${step.to}`);
    }
    return updated;
  };

  const remove = async (replicaSet: ReplicaSet, signal: AbortSignal): Promise<void> => {
    try {
      await client.delete(appsv1Resources.replicasets, replicaSet.metadata, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  const say = (deployment: Deployment, message: string): void =>
    recorder.event(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });

  const writeStatus = async (
    stored: Deployment,
    { deployment, family, statusOnly }: { readonly deployment: Deployment; readonly family: Family; readonly statusOnly: boolean },
    signal: AbortSignal,
  ): Promise<Outcome> => {
    const status = (statusOnly ? countedStatus : rolloutStatus)(deployment, family, clock.now());
    const revision = family.current && revisionOf(family.current) > 0n ? String(revisionOf(family.current)) : undefined;
    const outdated = revision !== undefined && stored.metadata.annotations?.[revisionAnnotation] !== revision;
    if (outdated || !semanticEqual(status, stored.status)) {
      const annotations = { ...stored.metadata.annotations, ...(revision !== undefined && { [revisionAnnotation]: revision }) };
      // Writing the status may also write annotations; upstream's revision gets there the same way.
      await client.updateStatus(
        appsv1Resources.deployments,
        { ...stored, metadata: { ...stored.metadata, annotations }, status },
        { signal },
      );
    }
    const delayMs = statusOnly ? undefined : progressCheckMs(deployment, status, clock.now());
    return delayMs === undefined ? done : { type: 'retryAfter', delayMs };
  };

  return { name: 'deployment-controller', reconcile, setup, workers: 5 };
}
