/**
 * How many pods there should be behind some pods: the sum of what each controller above them wants, each counted once. Built-in
 * controllers are read from caches, all others by their scale.
 * @source pkg/controller/disruption/disruption.go getExpectedScale and the finders, v1.35
 */
import { type appsv1, controllerOf, type corev1, goQuote, isApiError, type KubeObject, type metav1 } from '../../api/index.ts';
import type { Lister } from '../../client/index.ts';
import { hasNoScale, ScaleError, type ScaleTargets } from '../scale/scale-targets.ts';

export interface ScaleSources {
  readonly replicationControllers: Lister<corev1.ReplicationController>;
  readonly replicaSets: Lister<appsv1.ReplicaSet>;
  readonly deployments: Lister<appsv1.Deployment>;
  readonly statefulSets: Lister<appsv1.StatefulSet>;
  readonly targets: ScaleTargets;
}

export interface ExpectedScale {
  readonly scale: number;
  /** Names of pods that nobody controls. */
  readonly unmanaged: readonly string[];
}

interface Counted {
  readonly uid: string;
  readonly replicas: number;
}

/**
 * @throws ScaleError when a pod's controller is not there, or has no scale
 * @throws ApiError when it cannot be asked
 */
export async function expectedScale(sources: ScaleSources, pods: readonly corev1.Pod[], signal: AbortSignal): Promise<ExpectedScale> {
  const replicasByUid = new Map<string, number>();
  const asked = new Set<string>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const ref = controllerOf(pod);
    if (!ref) {
      unmanaged.push(pod.metadata.name);
      continue;
    }
    if (asked.has(ref.uid)) continue;
    const counted = cachedScale(sources, pod.metadata.namespace, ref) ?? (await liveScale(sources, pod, ref, signal));
    if (!counted) throw new ScaleError(`found no controllers for pod ${goQuote(pod.metadata.name)}`);
    asked.add(ref.uid);
    replicasByUid.set(counted.uid, counted.replicas);
  }
  const scale = [...replicasByUid.values()].reduce((sum, replicas) => sum + replicas, 0);
  return { scale, unmanaged };
}

/** Undefined when the controller is of another kind, or the caches do not know it. */
function cachedScale(sources: ScaleSources, namespace: string | undefined, ref: metav1.OwnerReference): Counted | undefined {
  const of = <T extends Scalable>(lister: Lister<T>, owner: metav1.OwnerReference): T | undefined => {
    const found = lister.get({ namespace, name: owner.name });
    return found?.metadata.uid === owner.uid ? found : undefined;
  };
  const group = groupOf(ref);
  const isApps = group === 'apps' || group === 'extensions';
  if (group === '' && ref.kind === 'ReplicationController') return countedOf(of(sources.replicationControllers, ref));
  if (group === 'apps' && ref.kind === 'StatefulSet') return countedOf(of(sources.statefulSets, ref));
  if (!isApps || ref.kind !== 'ReplicaSet') return undefined;
  const replicaSet = of(sources.replicaSets, ref);
  const above = replicaSet && controllerOf(replicaSet);
  // During a rollout several ReplicaSets stand for one Deployment.
  return above?.kind === 'Deployment' ? countedOf(of(sources.deployments, above)) : countedOf(replicaSet);
}

type Scalable = KubeObject & { readonly spec: { readonly replicas?: number } };

function countedOf(object: Scalable | undefined): Counted | undefined {
  return object && { uid: object.metadata.uid, replicas: object.spec.replicas ?? 1 };
}

async function liveScale(
  { targets }: ScaleSources,
  pod: corev1.Pod,
  ref: metav1.OwnerReference,
  signal: AbortSignal,
): Promise<Counted | undefined> {
  const version = ref.apiVersion.slice(ref.apiVersion.indexOf('/') + 1);
  const group = groupOf(ref);
  const [resource] = await targets.resourcesOf({ group, kind: ref.kind, version }, signal);
  try {
    const { metadata, spec } = await targets.get(resource!, { namespace: pod.metadata.namespace ?? '', name: ref.name }, signal);
    return metadata.uid === ref.uid ? { uid: metadata.uid, replicas: spec.replicas ?? 0 } : undefined;
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
    if (!hasNoScale(error)) return undefined;
    const name = group === '' ? resource!.plural : `${resource!.plural}.${group}`;
    throw new ScaleError(`${name} does not implement the scale subresource`, { cause: error });
  }
}

function groupOf({ apiVersion }: metav1.OwnerReference): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
