/**
 * Takes the steps of a plan: writes pods and claims, and tells of each what happened. A step that was taken before, by a run whose cache
 * or whose memory is gone, is no fault.
 * @source pkg/controller/statefulset/stateful_pod_control.go, v1.35
 */
import { ApiError, type appsv1, corev1Resources, isApiError } from '../../api/index.ts';
import { assertNever } from '../../base/index.ts';
import type { ControllerContext } from '../../client/index.ts';
import { slowStart } from '../workload/slow-start.ts';
import type { StatefulSetPlan, Step } from './plan.ts';

type StatefulSet = appsv1.StatefulSet;
type Means = Pick<ControllerContext, 'client' | 'recorder'>;

export interface Taken {
  /** Pods that were deleted because of their version. */
  readonly outdatedDeleted: number;
  /** Pods that were not made, or not deleted, though the plan says so. */
  readonly notCreated: number;
  readonly notDeleted: readonly string[];
  /** The first thing that went wrong, and ended it. */
  readonly error?: unknown;
}

export async function takeSteps(means: Means, set: StatefulSet, plan: StatefulSetPlan, signal: AbortSignal): Promise<Taken> {
  const taken = new Set<Step>();
  const takeAll = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) {
      signal.throwIfAborted();
      await take(means, set, step, signal);
      taken.add(step);
    }
  };
  let error: unknown;
  for (const stage of plan.stages) {
    error = plan.atOnce ? await inBatches(stage, takeAll) : await inOrder(stage, takeAll);
    if (error !== undefined) break;
  }
  const missed = plan.stages.flat(2).filter((step) => !taken.has(step));
  return {
    outdatedDeleted: [...taken].filter((step) => step.type === 'deletePod' && step.why === 'outdated').length,
    notCreated: missed.filter(({ type }) => type === 'createPod').length,
    notDeleted: missed.flatMap((step) => (step.type === 'deletePod' ? [step.pod.metadata.uid] : [])),
    ...(error !== undefined && { error }),
  };
}

async function inOrder(stage: readonly (readonly Step[])[], takeAll: (steps: readonly Step[]) => Promise<void>): Promise<unknown> {
  try {
    for (const steps of stage) await takeAll(steps);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function inBatches(stage: readonly (readonly Step[])[], takeAll: (steps: readonly Step[]) => Promise<void>): Promise<unknown> {
  let next = 0;
  const { error } = await slowStart(stage.length, () => takeAll(stage[next++]!));
  return error;
}

async function take(means: Means, set: StatefulSet, step: Step, signal: AbortSignal): Promise<void> {
  const { client } = means;
  switch (step.type) {
    case 'createClaim':
      return createClaim(means, set, step, signal);
    case 'claimIsGoing': {
      const error = new ClaimError(`pvc ${step.claim.metadata.name} is being deleted`);
      tell(means, set, { verb: 'create', pod: step.podName, error });
      throw error;
    }
    case 'claimHasOtherOwner': {
      const message = `PersistentVolumeClaim ${step.claim.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
      return means.recorder.event(set, { type: 'Warning', reason: 'ConflictingController', message });
    }
    case 'setClaimOwners': {
      const { claim, owners } = step;
      const changed = { ...claim, metadata: { ...claim.metadata, ownerReferences: owners } };
      await client.update(corev1Resources.persistentvolumeclaims, changed, { signal });
      return;
    }
    case 'createPod':
      return telling(means, set, { verb: 'create', pod: step.pod.metadata.name }, async () => {
        await client.create(corev1Resources.pods, step.pod, { signal });
      });
    case 'updatePod':
      return telling(means, set, { verb: 'update', pod: step.podName }, async () => {
        if (step.pod) await client.update(corev1Resources.pods, step.pod, { signal });
      });
    case 'deletePod': {
      const { uid, name } = step.pod.metadata;
      return telling(means, set, { verb: 'delete', pod: name }, async () => {
        await client.delete(corev1Resources.pods, step.pod.metadata, { signal, body: { preconditions: { uid } } });
      });
    }
    default:
      return assertNever(step);
  }
}

/** A claim that is in the way of a pod. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

async function createClaim(
  means: Means,
  set: StatefulSet,
  { claim, podName }: Step & { readonly type: 'createClaim' },
  signal: AbortSignal,
): Promise<void> {
  const { name } = claim.metadata;
  try {
    await means.client.create(corev1Resources.persistentvolumeclaims, claim, { signal });
    const message = `create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name} success`;
    means.recorder.event(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason === 'AlreadyExists') {
      // The cache does not show yet what an earlier run made.
      if (isApiError(error, 'AlreadyExists')) return;
      throw error;
    }
    const message = `create Claim ${name} for Pod ${podName} in StatefulSet ${set.metadata.name} failed error: ${error.message}`;
    means.recorder.event(set, { type: 'Warning', reason: 'FailedCreate', message });
    tell(means, set, { verb: 'create', pod: podName, error: new ClaimError(`failed to create PVC ${name}: ${error.message}`) });
    throw error;
  }
}

type Verb = 'create' | 'update' | 'delete';

/** Says how it ended; that the cache was behind is no news. */
async function telling(
  means: Means,
  set: StatefulSet,
  what: { readonly verb: Verb; readonly pod: string },
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (what.verb === 'delete' && (isApiError(error, 'NotFound') || isApiError(error, 'Conflict'))) return;
    if (error instanceof ApiError && error.reason !== 'AlreadyExists' && error.reason !== 'Conflict') tell(means, set, { ...what, error });
    throw error;
  }
  tell(means, set, what);
}

function tell(
  { recorder }: Means,
  set: StatefulSet,
  { verb, pod, error }: { readonly verb: Verb; readonly pod: string; readonly error?: Error },
): void {
  const noun = `${verb[0]!.toUpperCase()}${verb.slice(1)}`;
  const text = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
  recorder.event(
    set,
    error
      ? { type: 'Warning', reason: `Failed${noun}`, message: `${text} failed error: ${error.message}` }
      : { type: 'Normal', reason: `Successful${noun}`, message: `${text} successful` },
  );
}
