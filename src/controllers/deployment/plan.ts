/**
 * The next step of a Deployment: which ReplicaSets to make, change, scale and remove. Pure: it sees what the caches show and says
 * what to do; the text form is what the tests read.
 * @source pkg/controller/deployment, v1.35
 */
import { type appsv1, type corev1, isPodTerminal } from '../../api/index.ts';
import { assertNever } from '../../base/index.ts';
import { compareRevisions, maxRevision, newReplicaSetAnnotations, revisionAnnotation, sizeAnnotations } from './annotations.ts';
import { isRollingUpdate, replicasOf, revisionHistoryLimit } from './bounds.ts';
import { byCreation, findNewReplicaSet, templateHash, templateHashLabel } from './template.ts';
import {
  allOf,
  emptyOld,
  type Family,
  isActive,
  isScalingEvent,
  newReplicaSetSize,
  resizeSteps,
  rollingSteps,
  type ScaleStep,
} from './scaling.ts';
import { isComplete } from './status.ts';
import { semanticEqual } from '../semantic-equal.ts';

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

export interface Observed {
  readonly deployment: Deployment;
  /** Those that it controls. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Pods of those, by the uid of the ReplicaSet; for Recreate. */
  readonly podsOf: (replicaSet: ReplicaSet) => readonly corev1.Pod[];
}

export type Step =
  | {
      readonly type: 'create';
      readonly name: string;
      readonly hash: string;
      readonly replicas: number;
      readonly annotations: Readonly<Record<string, string>>;
    }
  /** Annotations or minReadySeconds, without a change of size. */
  | {
      readonly type: 'update';
      readonly replicaSet: ReplicaSet;
      readonly annotations: Readonly<Record<string, string>>;
      readonly minReadySeconds: number;
    }
  | ({ readonly type: 'scale'; readonly annotations: Readonly<Record<string, string>> } & ScaleStep)
  | { readonly type: 'remove'; readonly replicaSet: ReplicaSet };

export interface DeploymentPlan {
  readonly family: Family;
  readonly steps: readonly Step[];
  /** Counts only, no estimate of progress: paused, being scaled, or being deleted. */
  readonly statusOnly: boolean;
}

export function planDeployment({ deployment, replicaSets, podsOf }: Observed): DeploymentPlan {
  const current = findNewReplicaSet(deployment, replicaSets);
  const family: Family = { current, old: replicaSets.filter((replicaSet) => replicaSet !== current) };
  const plan = (steps: readonly Step[], statusOnly = false): DeploymentPlan => ({ family, steps, statusOnly });
  if (deployment.metadata.deletionTimestamp !== undefined) return plan([], true);
  const upkeep = current ? upkeepSteps(deployment, { ...family, current }) : [];
  const paused = deployment.spec.paused === true;
  if (paused || isScalingEvent(deployment, family)) {
    const steps = [...upkeep, ...resized(deployment, family)];
    return plan(paused ? [...steps, ...cleanup(deployment, family)] : steps, true);
  }
  if (!isRollingUpdate(deployment)) {
    const emptied = scaled(deployment, emptyOld(family.old));
    if (emptied.some(({ type }) => type === 'scale')) return plan([...upkeep, ...emptied]);
    if (family.old.some((replicaSet) => hasPodsLeft(replicaSet, podsOf(replicaSet)))) return plan([...upkeep, ...emptied]);
  }
  // The old ones are scaled in a later pass, when what was created is counted.
  if (!current) return plan([creation(deployment, family)]);
  const wanted = replicasOf(deployment);
  const steps = isRollingUpdate(deployment)
    ? rollingSteps(deployment, { ...family, current })
    : replicasOf(current) === wanted
      ? []
      : [{ replicaSet: current, from: replicasOf(current), to: wanted }];
  const todo = [...upkeep, ...scaled(deployment, steps)];
  const finished = steps.length === 0 && isComplete(deployment, deployment.status ?? {});
  return plan(finished ? [...todo, ...cleanup(deployment, family)] : todo);
}

function creation(deployment: Deployment, family: Family): Step {
  const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount);
  const annotations = newReplicaSetAnnotations(deployment, { present: undefined, revision: maxRevision(family.old) + 1n });
  return {
    type: 'create',
    name: `${deployment.metadata.name}-${hash}`,
    hash,
    replicas: newReplicaSetSize(deployment, family),
    annotations: { ...annotations, ...sizeAnnotations(deployment) },
  };
}

/** Keeps the annotations and minReadySeconds of the current ReplicaSet what the Deployment's are. */
function upkeepSteps(deployment: Deployment, { current, old }: Family & { readonly current: ReplicaSet }): Step[] {
  const annotations = newReplicaSetAnnotations(deployment, { present: current.metadata.annotations, revision: maxRevision(old) + 1n });
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  if (semanticEqual(annotations, current.metadata.annotations) && minReadySeconds === (current.spec.minReadySeconds ?? 0)) return [];
  return [{ type: 'update', replicaSet: current, annotations, minReadySeconds }];
}

/** The steps as writes; one that changes no size still notes the Deployment's present size where that is out of date. */
function scaled(deployment: Deployment, steps: readonly ScaleStep[]): Step[] {
  const annotations = sizeAnnotations(deployment);
  const isStale = ({ metadata }: ReplicaSet): boolean =>
    Object.entries(annotations).some(([name, value]) => metadata.annotations?.[name] !== value);
  return steps
    .filter(({ replicaSet, from, to }) => from !== to || isStale(replicaSet))
    .map((step) => ({ type: 'scale', ...step, annotations }));
}

/** A change of size reaches every active ReplicaSet, if only as a note: else it would be taken for a new change ever after. */
function resized(deployment: Deployment, family: Family): Step[] {
  const steps = resizeSteps(deployment, family);
  const reached = new Set(steps.map(({ replicaSet }) => replicaSet));
  const rest = allOf(family).filter((replicaSet) => isActive(replicaSet) && !reached.has(replicaSet));
  return scaled(deployment, [
    ...steps,
    ...rest.map((replicaSet) => ({ replicaSet, from: replicasOf(replicaSet), to: replicasOf(replicaSet) })),
  ]);
}

/** Old pods still run, or are not known to have ended. */
function hasPodsLeft(replicaSet: ReplicaSet, pods: readonly corev1.Pod[]): boolean {
  return (replicaSet.status?.replicas ?? 0) > 0 || pods.some((pod) => !isPodTerminal(pod));
}

/** The oldest empty ReplicaSets beyond those that history keeps. */
function cleanup(deployment: Deployment, { old }: Family): Step[] {
  const limit = revisionHistoryLimit(deployment);
  if (limit === undefined) return [];
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = byCreation(alive)
    .sort(compareRevisions)
    .slice(0, Math.max(0, alive.length - limit));
  const isEmpty = (replicaSet: ReplicaSet): boolean =>
    replicasOf(replicaSet) === 0 &&
    (replicaSet.status?.replicas ?? 0) === 0 &&
    (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0);
  return surplus.filter(isEmpty).map((replicaSet) => ({ type: 'remove', replicaSet }));
}

export function formatDeploymentPlan({ steps, statusOnly }: DeploymentPlan): string {
  const lines = steps.map((step) => {
    switch (step.type) {
      case 'create':
        return `create with ${step.replicas}, revision ${step.annotations[revisionAnnotation]}`;
      case 'update':
        return `update ${step.replicaSet.metadata.name}, revision ${step.annotations[revisionAnnotation]}`;
      case 'scale':
        return step.from === step.to
          ? `note size on ${step.replicaSet.metadata.name}`
          : `scale ${step.replicaSet.metadata.name} ${step.from}→${step.to}`;
      case 'remove':
        return `remove ${step.replicaSet.metadata.name}`;
      default:
        return assertNever(step);
    }
  });
  return [...lines, statusOnly ? 'status: counts' : 'status: progress'].join('\n');
}

/** The ReplicaSet that a `create` step makes. */
export function newReplicaSet(
  deployment: Deployment,
  step: Step & { readonly type: 'create' },
): Pick<ReplicaSet, 'spec'> & { readonly labels: Readonly<Record<string, string>> } {
  const { template, selector, minReadySeconds } = deployment.spec;
  const label = { [templateHashLabel]: step.hash };
  const labels = { ...template.metadata?.labels, ...label };
  return {
    labels,
    spec: {
      replicas: step.replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...label } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
